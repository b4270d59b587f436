package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// stepTimeout bounds how long a step waits for its signal to come to the end of a message.
const stepTimeout = 30 * time.Second

// execute does the steps. One that fails leaves its signal as it was and the reason in problems.
func (r *Reconciler) execute(ctx context.Context, steps []Step, res *resolution) {
	r.removeRoutes(steps)
	for _, step := range steps {
		name := step.Entry.Signal.Name
		if err := r.do(ctx, step, res); err != nil {
			res.problems[name] = err.Error()
			r.config.Log.Error().Str("signal", string(name)).Str("step", string(step.Action)).Err(err).Msg("signal is not as desired")
			continue
		}
		if step.Action == Remove {
			delete(r.running, name)
			delete(r.failed, name)
		} else {
			r.running[name] = step.Entry
			delete(r.failed, name)
		}
		r.config.Log.Info().Str("signal", string(name)).Str("step", string(step.Action)).Int64("version", step.Entry.Version).Msg("signal reconciled")
	}
}

func (r *Reconciler) do(ctx context.Context, step Step, res *resolution) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if step.Action == Remove {
		return r.config.Supervisor.Remove(ctx, step.Entry.Signal.Name)
	}
	work := supervise.Work{Version: step.Entry.Version, Signal: step.Entry.Signal, Spec: step.Entry.Guest, Digest: step.Entry.Digest}
	if step.Entry.Guest.Name != "" {
		guest, err := r.compiled(step.Entry, res)
		if err != nil {
			return r.orFailed(step, err)
		}
		work.Guest = guest
	}
	if err := r.config.Supervisor.Apply(ctx, work); err != nil {
		return r.orFailed(step, err)
	}
	return nil
}

// orFailed notes a signal that could not be started at all: it is there, and failed.
func (r *Reconciler) orFailed(step Step, err error) error {
	if step.Action == Start && !errors.Is(err, supervise.ErrStopped) {
		r.failed[step.Entry.Signal.Name] = step.Entry
	}
	return err
}

// compiledKey is what a compiled guest depends on.
type compiledKey struct {
	digest string
	stack  int
}

// compiled returns the compiled guest of an entry, compiling it where no other signal runs it.
func (r *Reconciler) compiled(e Entry, res *resolution) (Guest, error) {
	key := compiledKey{e.Digest, e.Guest.Limits.Stack}
	if g := r.guests[key]; g != nil {
		return g, nil
	}
	binary, ok := res.binaries[e.Guest.Name]
	if !ok || binary.Digest != e.Digest {
		return nil, fmt.Errorf("compile guest %q: its binary %s is not at hand", e.Guest.Name, e.Digest)
	}
	start := time.Now()
	g, err := r.config.Compile(e.Guest.Name, binary.Bytes, e.Guest.Limits)
	if err != nil {
		return nil, err
	}
	r.config.Log.Info().Str("guest", string(e.Guest.Name)).Str("digest", e.Digest).Dur("took", time.Since(start)).Msg("guest compiled")
	r.guests[key] = g
	return g, nil
}

// release closes the compiled guests that no signal runs any more.
func (r *Reconciler) release() {
	used := make(map[compiledKey]bool)
	for _, e := range r.running {
		used[compiledKey{e.Digest, e.Guest.Limits.Stack}] = true
	}
	for key, guest := range r.guests {
		if !used[key] {
			guest.Close()
			delete(r.guests, key)
		}
	}
}

// removeRoutes takes signals that go out of the routes before they end, so that nothing more is addressed to them.
func (r *Reconciler) removeRoutes(steps []Step) {
	gone := make(map[module.SignalName]bool)
	for _, step := range steps {
		if step.Action == Remove {
			gone[step.Entry.Signal.Name] = true
		}
	}
	if len(gone) > 0 && r.routes != nil {
		r.config.Pipeline.SetRoutes(r.newRoutes(gone))
	}
}

// newRoutes returns the routes to all signals that are there, running or not, but those that go.
func (r *Reconciler) newRoutes(without map[module.SignalName]bool) *pipeline.Routes {
	routes := &pipeline.Routes{
		Inputs:    make(map[module.InputName][]pipeline.Route),
		Signals:   make(map[module.SignalName][]pipeline.Route),
		Unclaimed: r.module.UnclaimedInputs,
	}
	add := func(e Entry) {
		consumer := r.config.Supervisor.Consumer(e.Signal.Name)
		if consumer == nil || without[e.Signal.Name] {
			return
		}
		route := pipeline.Route{Signal: e.Signal.Name, Consumer: consumer}
		switch source := e.Signal.Source; source.Kind {
		case module.SourceInput:
			routes.Inputs[module.InputName(source.Name)] = append(routes.Inputs[module.InputName(source.Name)], route)
		case module.SourceSignal:
			routes.Signals[module.SignalName(source.Name)] = append(routes.Signals[module.SignalName(source.Name)], route)
		}
	}
	for _, entries := range []map[module.SignalName]Entry{r.running, r.failed} {
		for _, name := range sortedNames(entries) {
			add(entries[name])
		}
	}
	return routes
}
