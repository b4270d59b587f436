package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// stepTimeout bounds how long a step waits for its signal to come to the end of a message.
const stepTimeout = 30 * time.Second

// execute does what is planned and sets the routes in between. A step that fails leaves the reason in problems, and its
// signal as it was, or failed where it never ran.
func (r *Reconciler) execute(ctx context.Context, res *resolution) {
	coming, timers, going := Plan(r.running, r.wait(res), res.wanted)
	r.expect(append(slices.Clone(coming), timers...), res)
	r.doAll(ctx, coming, res)
	if ctx.Err() != nil {
		return // the module stops; what runs ends anyway
	}
	gone := make(map[module.SignalName]bool)
	for _, step := range going {
		gone[step.Entry.Signal.Name] = true
	}
	r.setRoutes(gone, res.problems)
	if len(timers)+len(going) > 0 {
		r.doAll(ctx, timers, res)
		r.doAll(ctx, going, res)
		r.setRoutes(nil, res.problems)
	}
}

// wait makes the signals that wait for downloads those that the document has now, and returns the others that are there and
// do not run.
func (r *Reconciler) wait(res *resolution) (idle map[module.SignalName]Entry) {
	idle = maps.Clone(r.waiting)
	maps.Copy(idle, r.failed)
	r.waiting = res.waiting
	for name := range r.waiting {
		delete(idle, name)
		delete(r.failed, name)
		r.config.Supervisor.Expect(name)
	}
	return idle
}

// expect leads messages to the signals that are about to start: no input waits until their guests are compiled.
func (r *Reconciler) expect(steps []Step, res *resolution) {
	starting := make(map[module.SignalName]Entry)
	for _, step := range steps {
		if name := step.Entry.Signal.Name; step.Action == Start && r.failed[name].Signal.Name == "" {
			r.config.Supervisor.Expect(name)
			starting[name] = step.Entry
		}
	}
	if len(starting) > 0 {
		r.starting = starting
		r.setRoutes(nil, res.problems)
		r.starting = nil
	}
}

// doAll does the steps that need no guest to be compiled at once, and each other one as soon as its guest is.
func (r *Reconciler) doAll(ctx context.Context, steps []Step, res *resolution) {
	waiting := make(map[compiledKey][]Step)
	var ready []Step
	for _, step := range steps {
		if key := step.Entry.compiledKey(); r.mustCompile(step, res) {
			waiting[key] = append(waiting[key], step)
		} else {
			ready = append(ready, step)
		}
	}
	compilations := r.compileAll(ctx, waiting, res)
	r.doThese(ctx, ready, res)
	for range waiting {
		c := <-compilations
		r.note(c, res)
		r.doThese(ctx, waiting[c.key], res)
	}
}

// mustCompile reports whether a step needs a guest that is not compiled, and can be.
func (r *Reconciler) mustCompile(step Step, res *resolution) bool {
	key := step.Entry.compiledKey()
	_, atHand := res.binaries[key.digest]
	return step.Action != Remove && key.name != "" && atHand && r.guests[key] == nil && res.uncompiled[key] == nil
}

func (r *Reconciler) doThese(ctx context.Context, steps []Step, res *resolution) {
	for _, step := range steps {
		if ctx.Err() != nil {
			return
		}
		name := step.Entry.Signal.Name
		err := r.do(ctx, step, res)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			res.problems[name] = err.Error()
			r.config.Log.Error().Str("signal", string(name)).Str("step", string(step.Action)).Err(err).Msg("signal is not as desired")
			continue
		}
		r.config.Log.Info().Str("signal", string(name)).Str("step", string(step.Action)).Int64("version", step.Entry.Version).Msg("signal reconciled")
	}
}

// do does one step and notes what came of it. Its guest is compiled by now: that takes as long as it takes.
func (r *Reconciler) do(ctx context.Context, step Step, res *resolution) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	name := step.Entry.Signal.Name
	if step.Action == Remove {
		if err := r.config.Supervisor.Remove(ctx, name); err != nil {
			return fmt.Errorf("wait for the end of a message: %w", err)
		}
		delete(r.running, name)
		delete(r.failed, name)
		delete(r.former, name)
		r.acquit(name)
		return nil
	}
	former, err := r.give(ctx, step.Entry, res)
	switch {
	case err == nil:
		r.running[name] = step.Entry
		delete(r.failed, name)
		if delete(r.former, name); former.Guest.Name != "" {
			r.former[name] = former
		}
	case step.Action == Start, !errors.Is(err, context.DeadlineExceeded) && r.neverRan(name):
		r.failed[name] = step.Entry
		delete(r.running, name)
	}
	return err
}

// give gives a signal its work, and returns the entry that it may go back to from there.
func (r *Reconciler) give(ctx context.Context, e Entry, res *resolution) (former Entry, err error) {
	work := supervise.Work{Version: e.Version, Signal: e.Signal, Digest: e.Digest}
	if reason, yes := r.quarantined(e); yes {
		work.Spec = e.Guest
		return Entry{}, r.config.Supervisor.Quarantine(ctx, work, reason)
	}
	if e.Guest.Name != "" {
		err = r.addGuest(&work, e, res)
	}
	if err != nil {
		return Entry{}, errors.Join(err, r.config.Supervisor.Fail(ctx, work, err))
	}
	former = r.watchOver(&work, e, res)
	return former, r.config.Supervisor.Apply(ctx, work)
}

// addGuest completes work with the compiled guest of an entry, as its signal gets it.
func (r *Reconciler) addGuest(work *supervise.Work, e Entry, res *resolution) error {
	work.Spec = e.Guest
	guest, err := r.compiled(e, res)
	if err != nil {
		return err
	}
	spec, err := twin.ForSignal(e.Guest, e.Signal.Name)
	if err != nil {
		return err
	}
	work.Spec, work.Guest = spec, guest
	return nil
}

func (r *Reconciler) neverRan(name module.SignalName) bool {
	return r.config.Supervisor.Snapshot()[name].LastStart.IsZero()
}
