package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

const (
	faultsToCondemn = 3                // in calls of one signal's guest
	faultWindow     = 10 * time.Minute // within which they must fall
)

// Fault is how the process before this one ended: by a fault, in a call of a guest.
type Fault struct {
	Signal module.SignalName
	Digest string // of the guest's binary
	Reason string // what the runtime says of the fault
}

// suspects are the signals in whose guests' calls faults ended the process. They are stored, and pure: the time is given
// to them. A first fault may be bad luck; at the third within the window the signal is condemned until its entry changes.
type suspects map[module.SignalName]*suspect

type suspect struct {
	Digest string      `json:"digest"` // of the guest
	Reason string      `json:"reason"` // of the last fault
	Faults []time.Time `json:"faults"` // when the process after them started

	Condemned bool   `json:"condemned"`
	Entry     string `json:"entry,omitempty"` // hash of the entry that is condemned; empty before it was first looked at
}

// faulted counts a fault, forgets those that were long ago, and reports whether its signal is condemned by it.
func (s suspects) faulted(now time.Time, f Fault) bool {
	long := func(at time.Time) bool { return now.Sub(at).Abs() > faultWindow }
	maps.DeleteFunc(s, func(_ module.SignalName, other *suspect) bool {
		return !other.Condemned && !slices.ContainsFunc(other.Faults, func(at time.Time) bool { return !long(at) })
	})
	if s[f.Signal] == nil || s[f.Signal].Digest != f.Digest {
		s[f.Signal] = &suspect{Digest: f.Digest}
	}
	this := s[f.Signal]
	this.Reason = f.Reason
	this.Faults = slices.DeleteFunc(append(this.Faults, now), long)
	this.Condemned = this.Condemned || len(this.Faults) >= faultsToCondemn
	return this.Condemned
}

// condemns reports whether the entry must not run, and why. An entry that is not the condemned one of its signal, whatever
// changed in it, acquits the signal.
func (s suspects) condemns(e Entry) (reason string, yes bool) {
	this := s[e.Signal.Name]
	if this == nil || !this.Condemned {
		return "", false
	}
	hash := e.hash()
	if this.Entry == "" {
		this.Entry = hash
	}
	if this.Digest != e.Digest || this.Entry != hash {
		delete(s, e.Signal.Name)
		return "", false
	}
	return fmt.Sprintf("the module ended by a fault (%s) in a call of its guest %d times within %v; waits for a change of its entry",
		this.Reason, len(this.Faults), faultWindow), true
}

// hash identifies what an entry does; see [Entry.same].
func (e Entry) hash() string {
	e.Version = 0
	encoded, _ := json.Marshal(e) // it was read from JSON
	sum := sha256.Sum256(encoded)
	return hex.EncodeToString(sum[:])
}

// loadPast reads how the processes before this one fared. The fault that condemns a signal is not held against the
// version: it gets another chance without the signal.
func (r *Reconciler) loadPast(now time.Time) {
	if r.config.Store == nil {
		return
	}
	r.load(store.Trial, &r.trial)
	r.load(store.Suspects, &r.suspects)
	r.load(store.Rejected, &r.rejected)
	f := r.config.Fault
	if f == nil {
		r.trial.restarted(now)
		return
	}
	log := r.config.Log.Warn()
	if r.suspects.faulted(now, *f) {
		r.trial.excused()
		log = r.config.Log.Error()
	} else {
		r.trial.restarted(now)
	}
	log.Str("signal", string(f.Signal)).Str("digest", f.Digest).Str("fault", f.Reason).Int("faults", len(r.suspects[f.Signal].Faults)).
		Msg("the process before this one ended by a fault in a call of a guest")
	r.saveSuspects()
}

func (r *Reconciler) load(record store.Record, value any) {
	if _, err := r.config.Store.Load(record, value); err != nil {
		r.config.Log.Error().Err(err).Msg("how earlier starts went is not known")
	}
}

// quarantined reports whether an entry must not run, and why.
func (r *Reconciler) quarantined(e Entry) (reason string, yes bool) {
	if e.Digest == "" { // what it is to run is not known
		return "", false
	}
	_, before := r.suspects[e.Signal.Name]
	reason, yes = r.suspects.condemns(e)
	if before {
		r.saveSuspects()
	}
	return reason, yes
}

// acquit forgets what is held against a signal.
func (r *Reconciler) acquit(name module.SignalName) {
	if _, ok := r.suspects[name]; ok {
		delete(r.suspects, name)
		r.saveSuspects()
	}
}

func (r *Reconciler) saveSuspects() {
	if r.config.Store == nil {
		return
	}
	if err := r.config.Store.Save(store.Suspects, r.suspects); err != nil {
		r.config.Log.Error().Err(err).Msg("a guest whose calls end the process would not be noticed")
	}
}
