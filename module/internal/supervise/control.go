package supervise

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// ErrNoSignal means that there is no signal of that name, or none that is to run.
var ErrNoSignal = errors.New("there is no such signal at work")

// A ConflictError says why a signal that is there cannot do what is asked of it.
type ConflictError struct{ Reason, Hint string }

// Error returns the reason.
func (e *ConflictError) Error() string { return e.Reason }

var (
	errHostOnly = &ConflictError{"the signal has no guest", "a host-only signal has nothing that could be restarted or called"}
	errNoWork   = &ConflictError{"the signal cannot do its work before its entry changes", "reported, and the method status, say what is wrong with it"}
)

// pausedReason is what reported says of a signal that is paused.
const pausedReason = "paused by a direct method: what comes for it waits in its spool until the method resume, or a restart of the module"

// Pause has what comes for a signal wait in its spool (5), until Resume; ticks and heartbeats are left out. What it works on
// is finished before. The pause outlives restarts of the guest and changes of the signal's entry, but not the module: what
// must last is status stopped in the twin. A service goes on with what it does by itself.
func (s *Supervisor) Pause(ctx context.Context, name module.SignalName) error {
	return s.with(ctx, name, func(r *runner) error { r.pause(true); return nil })
}

// Resume ends a pause. The spool is worked off first.
func (s *Supervisor) Resume(ctx context.Context, name module.SignalName) error {
	return s.with(ctx, name, func(r *runner) error { r.pause(false); return nil })
}

// Restart starts the signal's guest anew, with what the signal kept, between two messages; a backoff, a quarantine and what
// the restart policy has counted end with that. Where the guest does not start the signal backs off, and the error says why.
func (s *Supervisor) Restart(ctx context.Context, name module.SignalName) error {
	return s.with(ctx, name, (*runner).renew)
}

// Borrow returns what a signal works on and what its guest has kept, as it is between two messages, for a trial beside it.
// Of a partitioned signal the state is that of no partition.
func (s *Supervisor) Borrow(ctx context.Context, name module.SignalName) (w Work, state map[string][]byte, err error) {
	err = s.with(ctx, name, func(r *runner) error {
		switch {
		case r.work.Spec.Name == "" && r.work.Signal.Name == "":
			return errNoWork
		case r.work.Spec.Name != "" && r.work.Guest == nil:
			return errNoWork
		}
		w = r.work
		kept, err := r.kept.State()
		state = maps.Clone(kept)
		return err
	})
	return w, state, err
}

// with runs f on the goroutine of a signal's runner.
func (s *Supervisor) with(ctx context.Context, name module.SignalName, f func(*runner) error) error {
	s.mu.Lock()
	r := s.runners[pipeline.Stream{Signal: name}]
	s.mu.Unlock()
	if r == nil {
		return ErrNoSignal
	}
	var err error
	if doErr := r.do(ctx, func() { err = f(r) }); doErr != nil {
		return doErr
	}
	return err
}

// pause begins or ends a pause of the signal and its partitions.
func (r *runner) pause(paused bool) {
	for _, p := range r.parts {
		_ = p.do(p.supervisor.ctx, func() { p.pause(paused) }) // else the module stops
	}
	if paused == r.paused.Load() {
		return
	}
	r.paused.Store(paused)
	if r.partition == "" {
		r.event(zerolog.InfoLevel, &r.work).Bool("paused", paused).Msg("signal was paused or resumed by a direct method")
	}
	status, description := r.condition()
	if status == module.Running {
		r.schedule()
		r.scheduleBeat()
	}
	r.set(status, description)
}

// condition returns the status as it is without the pause.
func (r *runner) condition() (module.RuntimeStatus, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.status, r.state.description
}

// holds reports whether what comes waits in the spool while the signal is in a status.
func (r *runner) holds(status module.RuntimeStatus) bool {
	return status == module.Unknown || status == module.Backoff || r.pausedIn(status)
}

// pausedIn reports whether the pause is why nothing is taken.
func (r *runner) pausedIn(status module.RuntimeStatus) bool {
	return status == module.Running && r.paused.Load()
}

// renew starts the guest of the signal and of its partitions anew.
func (r *runner) renew() error {
	switch {
	case r.work.Spec.Name == "":
		return errHostOnly
	case r.work.Guest == nil:
		return errNoWork
	}
	for _, p := range r.parts {
		_ = p.do(p.supervisor.ctx, func() { _ = p.renew() }) // its state tells
	}
	r.stopTimer()
	r.closeWorker()
	r.restarts = restarts{policy: r.work.Spec.RestartPolicy}
	fresh, err := r.start(&r.work)
	if err != nil {
		r.fail(err)
		return err
	}
	r.install(fresh)
	r.restarts.started(time.Now())
	r.event(zerolog.InfoLevel, &r.work).Msg("guest was restarted by a direct method")
	r.set(module.Running, "")
	r.schedule()
	r.scheduleBeat()
	return nil
}
