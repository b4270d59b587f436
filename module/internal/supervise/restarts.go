package supervise

import (
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// edgeAgent's numbers for modules, which operators know.
const (
	backoffUnit  = 10 * time.Second
	backoffLimit = 5 * time.Minute
	healthyAfter = time.Minute // of running clears the count
	failureLimit = 5           // restarts without a healthy minute between them
)

// restarts decides what follows when an instance ended badly. It is pure: the time is given to it.
type restarts struct {
	policy module.RestartPolicy
	count  int       // since the last healthy minute
	since  time.Time // when the instance that runs was started
}

// decision is what follows.
type decision struct {
	status module.RuntimeStatus // Backoff, Failed or Quarantined
	wait   time.Duration        // with Backoff
	reason string
}

// started says that an instance runs since now.
func (r *restarts) started(now time.Time) { r.since = now }

// settle clears the count once the instance has run long enough.
func (r *restarts) settle(now time.Time) {
	if r.count > 0 && !r.since.IsZero() && now.Sub(r.since) >= healthyAfter {
		r.count = 0
	}
}

// restarted counts a restart that went well at once.
func (r *restarts) restarted(now time.Time) {
	r.settle(now)
	r.count++
	r.since = now
}

// failed decides what follows an instance that ended badly, also on a second try.
func (r *restarts) failed(now time.Time, cause error) decision {
	r.settle(now)
	r.since = time.Time{}
	switch {
	case r.policy == module.RestartNever:
		return decision{status: module.Failed, reason: fmt.Sprintf("%v; restartPolicy is never", cause)}
	case r.count >= failureLimit:
		return decision{status: module.Quarantined, reason: fmt.Sprintf("%v; ended badly %d times without a healthy minute between", cause, r.count+1)}
	}
	wait := min(backoffUnit<<r.count, backoffLimit)
	r.count++
	return decision{status: module.Backoff, wait: wait, reason: fmt.Sprintf("%v; restarting in %v", cause, wait)}
}
