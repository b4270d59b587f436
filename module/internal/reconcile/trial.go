package reconcile

import (
	"fmt"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

const (
	trialEnds   = 3                // ends without order that condemn a version
	trialWindow = 10 * time.Minute // within which they must fall
)

// trial is how the process fares with the desired version that it applies. It is stored before anything of the version is
// applied: whatever ends the process, a hole in the engine too, the next one knows. It is pure: the time is given to it.
type trial struct {
	Generation string `json:"generation"` // of the identity whose twin it is
	Version    int64  `json:"version"`

	Running bool        `json:"running"` // the process has not stopped in order since it applied the version
	Ends    []time.Time `json:"ends"`    // when the process was found to have ended without order
	Refused bool        `json:"refused"`
}

// restarted says that the process starts. If the one before did not stop in order, that is held against the version; so is
// a power cut, since from here they look alike.
func (t *trial) restarted(now time.Time) {
	if !t.Running {
		return
	}
	t.Running = false
	t.Ends = slices.DeleteFunc(append(t.Ends, now), func(end time.Time) bool { return now.Sub(end).Abs() > trialWindow })
	t.Refused = t.Refused || len(t.Ends) >= trialEnds
}

// applying says that a version is about to be applied.
func (t *trial) applying(generation string, version int64) {
	if version != t.Version || generation != t.Generation {
		*t = trial{Generation: generation, Version: version}
	}
	t.Running = true
}

// excused says that the process starts, and that something else is to blame for how the ones before ended.
func (t *trial) excused() { t.Running, t.Ends = false, nil }

// stopped says that the process stops in order.
func (t *trial) stopped() { t.Running = false }

// refuses reports whether the version is condemned: it waits for another one.
func (t *trial) refuses(generation string, version int64) bool {
	return t.Refused && version == t.Version && generation == t.Generation
}

// reason is what reported says of a condemned version.
func (t *trial) reason() string {
	return fmt.Sprintf("the process ended %d times without order within %v of version %d, which is refused; the version before it runs",
		len(t.Ends), trialWindow, t.Version)
}

// beginVersion stores that a version is about to be applied, where that is not stored yet: the same one is looked at again
// with every answer to a GET.
func (r *Reconciler) beginVersion(generation string, version int64) {
	if t := r.trial; t.Running && t.Version == version && t.Generation == generation {
		return
	}
	r.trial.applying(generation, version)
	r.saveTrial()
}

func (r *Reconciler) saveTrial() {
	if r.config.Store == nil {
		return
	}
	if err := r.config.Store.Save(store.Trial, r.trial); err != nil {
		r.config.Log.Error().Err(err).Msg("a version that ends the process would not be noticed")
	}
}
