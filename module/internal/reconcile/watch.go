package reconcile

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

const (
	twinPeriod    = 15 * time.Minute // between GETs without a reason
	twinPeriodMax = 6 * time.Hour    // after answers that were slow: a GET can hold up acknowledgements
	slowTwin      = 2 * time.Second
	lowerVersion  = time.Minute // between two GETs that must agree on a version which went down
	retryMin      = 5 * time.Second
	retryMax      = time.Minute
	busyLook      = time.Second // while edgeHub has results to acknowledge, a GET would hold that up
	busyMax       = time.Minute
	patchLimit    = 64 // patches that wait; when there are more the whole twin is asked for
)

// watch gathers what comes in about the twin. Wake-ups have capacity 1: state is read again, events are not replayed.
type watch struct {
	events  chan struct{} // connected, or patches came
	desired chan struct{} // there is a newer desired document

	// The watcher's: a version that went down and waits to be confirmed, and since when.
	lower      int64
	lowerSince time.Time

	mu       sync.Mutex // guards what follows
	refetch  bool
	patches  [][]byte
	document []byte // the desired section as known
	known    int64  // its version, or that of the last good twin
}

func newWatch() *watch {
	return &watch{events: make(chan struct{}, 1), desired: make(chan struct{}, 1)}
}

// Connected says that the connection to edgeHub stands anew: patches may have been missed.
func (r *Reconciler) Connected() {
	r.watch.setRefetch()
	wake(r.watch.events)
	wake(r.reports.changed)
}

// Patch takes a patch of the desired section.
func (r *Reconciler) Patch(patch []byte) {
	r.watch.addPatch(patch)
	wake(r.watch.events)
}

func (w *watch) addPatch(patch []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.patches) == patchLimit {
		w.refetch = true
		return
	}
	w.patches = append(w.patches, patch)
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// take returns the desired document as known now.
func (w *watch) take() []byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.document
}

func (w *watch) version() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known
}

func (w *watch) setVersion(version int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = version
}

// news returns whether the whole twin must be asked for, and else the patches that came.
func (w *watch) news() (refetch bool, patches [][]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	refetch, patches = w.refetch, w.patches
	w.refetch, w.patches = false, nil
	return refetch || w.document == nil, patches
}

// watchTwin asks for the twin on every connection and now and then, and merges the patches in between.
func (r *Reconciler) watchTwin(ctx context.Context) {
	wait := waits{period: twinPeriod, retry: retryMin}
	timer := time.NewTimer(wait.period)
	defer timer.Stop()
	var busy time.Duration
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			if busy < busyMax && r.config.Pipeline.Counts().Outbox > 0 {
				busy += busyLook
				timer.Reset(busyLook)
				continue
			}
			busy = 0
			r.watch.setRefetch()
		case <-r.watch.events:
		}
		refetch, patches := r.watch.news()
		if !refetch && r.merge(patches) {
			continue
		}
		start := time.Now()
		again, err := r.fetchTwin(ctx)
		if err == nil && !r.merge(patches) { // the answer was older than they are
			again = retryMin
		}
		next := wait.next(time.Since(start), again, err)
		if err != nil && ctx.Err() == nil {
			r.config.Log.Warn().Err(err).Stringer("retryIn", next).Msg("twin could not be read")
		}
		timer.Reset(next)
	}
}

// waits is how long the watcher waits between GETs.
type waits struct {
	period time.Duration // without a reason to ask
	retry  time.Duration // after an error
}

// next returns when to ask again after an answer that took so long, and may want to be confirmed.
func (w *waits) next(took, again time.Duration, err error) time.Duration {
	if err != nil {
		retry := w.retry
		w.retry = min(2*w.retry, retryMax)
		return retry
	}
	w.retry = retryMin
	if took > slowTwin {
		w.period = min(2*w.period, twinPeriodMax)
	} else {
		w.period = twinPeriod
	}
	if again > 0 {
		return again
	}
	return w.period
}

func (w *watch) setRefetch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refetch = true
}

// set makes a document the newest one.
func (w *watch) set(document []byte, version int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.document, w.known = document, version
}

// merge applies patches and reports whether each led on from the one before.
func (r *Reconciler) merge(patches [][]byte) bool {
	for _, patch := range patches {
		var head struct {
			Version int64 `json:"$version"`
		}
		known := r.watch.version()
		if err := json.Unmarshal(patch, &head); err != nil || head.Version != known+1 {
			if err == nil && head.Version <= known {
				continue // an old one: the twin as asked for had it already
			}
			return false
		}
		document, err := twin.Merge(r.watch.take(), patch)
		if err != nil {
			return false
		}
		r.take(document, head.Version)
	}
	return true
}

// fetchTwin asks for the whole twin. again says when to ask once more, because the answer is to be confirmed.
func (r *Reconciler) fetchTwin(ctx context.Context) (again time.Duration, err error) {
	desired, reported, err := r.config.Hub.Twin(ctx)
	if err != nil {
		return 0, err
	}
	if twin.Unknown(desired) {
		r.config.Log.Warn().Msg("edgeHub does not know the desired twin yet; what runs stays")
		return lowerVersion, nil
	}
	r.reports.setBase(reported)
	var head struct {
		Version int64 `json:"$version"`
	}
	if err := json.Unmarshal(desired, &head); err != nil {
		return 0, fmt.Errorf("read desired: %w", err)
	}
	known := r.watch.version()
	if again = r.watch.doubts(head.Version, time.Now()); again > 0 {
		r.config.Log.Warn().Int64("known", known).Int64("version", head.Version).Msg("desired version went down; asking once more before it is believed")
		return again, nil
	}
	r.take(desired, head.Version)
	return 0, nil
}

// doubts returns when to ask again before a version is believed; 0: it can be. One that went down must be the answer
// still after a minute: edgeHub can hand out an old twin while it is offline.
func (w *watch) doubts(version int64, now time.Time) time.Duration {
	switch {
	case version >= w.version():
		w.lowerSince = time.Time{}
		return 0
	case w.lowerSince.IsZero() || w.lower != version:
		w.lower, w.lowerSince = version, now
		return lowerVersion
	}
	again := max(lowerVersion-now.Sub(w.lowerSince), 0)
	if again == 0 {
		w.lowerSince = time.Time{}
	}
	return again
}

// take makes a document the newest one and wakes the applier.
func (r *Reconciler) take(document []byte, version int64) {
	r.watch.set(document, version)
	wake(r.watch.desired)
}
