package reconcile

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

const (
	reportPeriod    = 30 * time.Second // between patches while states keep changing; doubles
	reportPeriodMax = 10 * time.Minute
	reportRetry     = 5 * time.Second // after an error; doubles
	reportRetryMax  = time.Minute
	reportGather    = 100 * time.Millisecond // changes that belong together go into one patch
)

// reports is what the reporter knows.
type reports struct {
	changed chan struct{} // capacity 1: something may have to be said

	mu    sync.Mutex // guards what follows
	base  []byte     // the reported section as the twin has it; nil: not known yet
	fresh bool       // base is the answer to a GET: there is a connection, whatever failed before
}

func newReports() *reports { return &reports{changed: make(chan struct{}, 1)} }

// setBase takes the reported section as the twin has it.
func (r *reports) setBase(reported []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base, r.fresh = withoutDollar(reported), true
	wake(r.changed)
}

// withoutDollar drops $version and $metadata, which are the twin's own.
func withoutDollar(reported []byte) []byte {
	var members map[string]json.RawMessage
	if json.Unmarshal(reported, &members) != nil || members == nil {
		return []byte("{}")
	}
	maps.DeleteFunc(members, func(key string, _ json.RawMessage) bool { return strings.HasPrefix(key, "$") })
	encoded, _ := json.Marshal(members) // raw members of a document that was read
	return encoded
}

// publish changes the view and wakes the reporter.
func (r *Reconciler) publish(change func(*view)) {
	r.mu.Lock()
	change(&r.view)
	r.mu.Unlock()
	wake(r.reports.changed)
}

// Changed says that the state of some signal changed.
func (r *Reconciler) Changed() { wake(r.reports.changed) }

// Reported returns what the module says of itself now.
func (r *Reconciler) Reported() module.Reported {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.view.reported(r.config.Runtime(), r.config.Supervisor.Snapshot())
}

// reportAll sends a patch when a state changed: at once after a quiet time and for a new desired version, else
// gathered.
func (r *Reconciler) reportAll(ctx context.Context) {
	pace := pace{period: reportPeriod}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.reports.changed:
		case <-timer.C:
		}
		wait := r.report(ctx, &pace)
		timer.Reset(wait)
	}
}

// report sends what changed, if it is time to, and returns when to look again.
func (r *Reconciler) report(ctx context.Context, p *pace) time.Duration {
	sleep(ctx, reportGather)
	reported := r.Reported()
	if reported.LastDesiredStatus.Code == 0 {
		return reportPeriodMax // no desired document was looked at yet
	}
	document, err := twin.ReportedDocument(reported)
	if err != nil {
		r.config.Log.Error().Err(err).Msg("reported properties could not be written")
		return reportPeriodMax
	}
	base, fresh := r.reports.known()
	if base == nil {
		return reportPeriodMax // the first answer to a GET wakes us
	}
	if fresh {
		p.connected()
	}
	patch, changed, err := twin.Diff(base, document)
	if err != nil || !changed {
		return reportPeriodMax
	}
	if wait := p.wait(time.Now(), reported.LastDesiredVersion); wait > 0 {
		return wait
	}
	if err := r.config.Hub.Report(ctx, patch); err != nil {
		wait := p.failed(time.Now())
		if ctx.Err() == nil {
			r.config.Log.Warn().Err(err).Stringer("retryIn", wait).Msg("reported properties were not taken")
		}
		return wait
	}
	p.sent(time.Now(), reported.LastDesiredVersion)
	r.reports.merged(base, document)
	return reportPeriodMax
}

// known returns the reported section as the twin has it, and whether a GET said so since the last time.
func (r *reports) known() (base []byte, fresh bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	base, fresh, r.fresh = r.base, r.fresh, false
	return base, fresh
}

// merged says that the twin now has document, unless a GET said otherwise meanwhile.
func (r *reports) merged(base, document []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if string(r.base) == string(base) {
		r.base = document
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
