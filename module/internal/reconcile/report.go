package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

const (
	reportPeriod    = 30 * time.Second // between patches while states keep changing; doubles
	reportPeriodMax = 10 * time.Minute
	reportRetry     = 5 * time.Second
	reportGather    = 100 * time.Millisecond // changes that belong together go into one patch
)

// reports is what the reporter knows.
type reports struct {
	changed chan struct{} // capacity 1: something may have to be said

	mu   sync.Mutex // guards base
	base []byte     // the reported section as the twin has it; nil: not known yet
}

func newReports() *reports { return &reports{changed: make(chan struct{}, 1)} }

// setBase takes the reported section as the twin has it.
func (r *reports) setBase(reported []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.base = withoutDollar(reported)
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

// view is what the applier lets the reporter tell.
type view struct {
	version  int64
	status   module.DesiredStatus
	entries  map[module.SignalName]Entry
	stopped  map[module.SignalName]bool
	problems map[module.SignalName]string
	guests   map[module.GuestName]guestState
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
	return r.view.reported(r.config.Runtime, r.config.Supervisor.Snapshot())
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
	base := r.reports.known()
	if base == nil {
		return reportPeriodMax // the first answer to a GET wakes us
	}
	patch, changed, err := twin.Diff(base, document)
	if err != nil || !changed {
		return reportPeriodMax
	}
	if wait := p.wait(time.Now(), reported.LastDesiredVersion); wait > 0 {
		return wait
	}
	if err := r.config.Hub.Report(ctx, patch); err != nil {
		if ctx.Err() == nil {
			r.config.Log.Warn().Err(err).Msg("reported properties were not taken; trying again")
		}
		return reportRetry
	}
	p.sent(time.Now(), reported.LastDesiredVersion)
	r.reports.merged(base, document)
	return reportPeriodMax
}

func (r *reports) known() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.base
}

// merged says that the twin now has document, unless a GET said otherwise meanwhile.
func (r *reports) merged(base, document []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if string(r.base) == string(base) {
		r.base = document
	}
}

// pace spaces patches out.
type pace struct {
	last    time.Time
	version int64
	period  time.Duration
}

// wait returns how long a patch has to wait. A new desired version is answered at once.
func (p *pace) wait(now time.Time, version int64) time.Duration {
	if p.last.IsZero() || version != p.version {
		return 0
	}
	return p.period - now.Sub(p.last)
}

func (p *pace) sent(now time.Time, version int64) {
	if quiet := now.Sub(p.last) > 2*p.period; quiet || version != p.version {
		p.period = reportPeriod
	} else {
		p.period = min(2*p.period, reportPeriodMax)
	}
	p.last, p.version = now, version
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// reported puts together what the applier and the supervisor know.
func (v *view) reported(runtime module.RuntimeInfo, states map[module.SignalName]supervise.State) module.Reported {
	r := module.Reported{
		SchemaVersion: "1.0", LastDesiredVersion: v.version, LastDesiredStatus: v.status, Runtime: runtime,
		Signals: make(map[module.SignalName]module.ReportedEntry), Guests: make(map[module.GuestName]module.ReportedEntry),
	}
	for name, state := range states {
		r.Signals[name] = v.signal(name, state)
	}
	for name := range v.stopped {
		if _, runs := states[name]; !runs {
			r.Signals[name] = module.ReportedEntry{RuntimeStatus: module.Stopped}
		}
	}
	for name, problem := range v.problems {
		if _, there := r.Signals[name]; !there {
			r.Signals[name] = module.ReportedEntry{RuntimeStatus: module.Failed, StatusDescription: problem}
		}
	}
	for name, guest := range v.guests {
		r.Guests[name] = guest.reported()
	}
	r.Summary = summary(r.Signals)
	return r
}

func (v *view) signal(name module.SignalName, state supervise.State) module.ReportedEntry {
	e := module.ReportedEntry{RuntimeStatus: state.Status, StatusDescription: state.Description, RestartCount: state.RestartCount}
	if !state.LastStart.IsZero() {
		at := state.LastStart.UTC().Truncate(time.Millisecond)
		e.LastStartTimeUTC = &at
	}
	if problem := v.problems[name]; problem != "" {
		e.StatusDescription = problem
	}
	if entry, ok := v.entries[name]; ok && entry.Version != v.version {
		e.RunningVersion = entry.Version
	}
	return e
}

func (g guestState) reported() module.ReportedEntry {
	e := module.ReportedEntry{RuntimeStatus: module.Running, Digest: g.digest, StatusDescription: g.problem}
	switch {
	case g.spec.Status == module.StatusStopped:
		e.RuntimeStatus = module.Stopped
	case g.digest == "":
		e.RuntimeStatus = module.Failed
	case !g.used:
		e.RuntimeStatus, e.StatusDescription = module.Unknown, "no signal uses it"
	}
	return e
}

func summary(signals map[module.SignalName]module.ReportedEntry) module.Summary {
	s := module.Summary{Signals: len(signals)}
	for _, e := range signals {
		switch e.RuntimeStatus {
		case module.Running:
			s.Running++
		case module.Failed, module.Backoff:
			s.Failed++
		case module.Quarantined:
			s.Quarantined++
		case module.Stopped:
			s.Stopped++
		}
	}
	return s
}

func describeProblems(problems map[module.SignalName]string) string {
	names := slices.Sorted(maps.Keys(problems))
	text := fmt.Sprintf("signals.%s: %s", names[0], problems[names[0]])
	if len(names) > 1 {
		text += fmt.Sprintf("; and %d more", len(names)-1)
	}
	if len(text) > 512 {
		text = strings.ToValidUTF8(text[:500], "") + "…"
	}
	return text
}
