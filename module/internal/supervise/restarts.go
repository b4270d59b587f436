package supervise

import (
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// edgeAgent's numbers for modules, which operators know; a guest is healthy sooner than a container.
const (
	backoffUnit  = 10 * time.Second
	backoffLimit = 5 * time.Minute
	failureLimit = 20          // backoffs without a healthy minute between them
	healthyAfter = time.Minute // of running clears the counts
)

// restarts decides what follows when an instance ended badly. It is pure: the time is given to it.
type restarts struct {
	policy module.RestartPolicy
	since  time.Time // when the instance that runs was started; zero: none runs
	worked bool      // a call has ended well since the last failure

	// Since the last healthy minute.
	count    int // new instances in the place of one that ended badly
	failures int // of those, how many had to wait
	spared   bool
}

// decision is what follows.
type decision struct {
	status module.RuntimeStatus // Backoff, Failed or Quarantined
	wait   time.Duration        // with Backoff
	reason string
}

// started says that an instance runs since now which takes the place of none that ended badly.
func (r *restarts) started(now time.Time) { r.since = now }

// restarted says that an instance runs since now in the place of one that ended badly at the same moment.
func (r *restarts) restarted(now time.Time) {
	r.settle(now)
	r.count++
	r.since = now
}

// spare reports whether the signal goes on at once although a message ended two instances: it was at work before, so
// most likely that one message is to blame, and waiting would cost those behind it. Once in a healthy minute.
func (r *restarts) spare(now time.Time) bool {
	r.settle(now)
	if r.policy == module.RestartNever || r.spared || !r.worked {
		return false
	}
	r.spared, r.worked = true, false
	return true
}

// failed decides what follows an instance that ended badly, and the one that was to take its place too.
func (r *restarts) failed(now time.Time, cause error) decision {
	r.settle(now)
	r.since, r.worked = time.Time{}, false
	switch {
	case r.policy == module.RestartNever:
		return decision{status: module.Failed, reason: fmt.Sprintf("%v; restartPolicy is never", cause)}
	case r.failures >= failureLimit:
		return decision{status: module.Quarantined,
			reason: fmt.Sprintf("%v; restarted %d times without a healthy minute between, waits for a change of its entry", cause, r.count)}
	}
	wait := min(backoffUnit<<r.failures, backoffLimit)
	r.failures++
	r.count++
	return decision{status: module.Backoff, wait: wait, reason: fmt.Sprintf("%v; restarting in %v", cause, wait)}
}

// settle clears the counts once the instance has run long enough.
func (r *restarts) settle(now time.Time) {
	if !r.since.IsZero() && now.Sub(r.since) >= healthyAfter {
		r.count, r.failures, r.spared = 0, 0, false
	}
}
