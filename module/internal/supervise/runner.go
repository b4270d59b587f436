package supervise

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// runner runs one signal. All fields but those of state are its goroutine's alone.
type runner struct {
	supervisor *Supervisor
	name       module.SignalName
	queue      *queue
	commands   chan func() // capacity 0: work on the runner's goroutine, between two messages
	ended      chan struct{}
	remove     context.CancelFunc

	work     Work
	stages   *signals.Stages
	instance Instance
	kept     map[string][]byte // the guest's state, over restarts of its instance
	restarts restarts
	lines    lineLimit
	timer    *time.Timer // of a restart, or of the signal's ticks; nil when neither is due
	nextTick time.Time
	scratch  module.Properties

	counts counts
	mu     sync.Mutex // guards state
	state  State
}

// Take is the pipeline's way in.
func (r *runner) Take(s *pipeline.Share) bool { return r.queue.put(s) }

// run works until ctx ends. Shares that are left then stay unfinished: their inputs come again.
func (r *runner) run(ctx context.Context) {
	defer close(r.ended)
	defer r.stop()
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-r.commands:
			f()
		case <-r.queue.ready:
			if s := r.queue.take(); s != nil {
				r.handle(s)
			}
		case <-r.due():
			r.onTimer()
		}
	}
}

// stop ends the runner: nothing is taken any more.
func (r *runner) stop() {
	r.queue.close()
	r.stopTimer()
	r.closeInstance()
}

// finishQueue works off what waits, for a signal that is removed while the module goes on.
func (r *runner) finishQueue() {
	r.queue.close()
	for s := r.queue.take(); s != nil; s = r.queue.take() {
		r.handle(s)
	}
}

// apply changes what the runner works on. On an error the old work goes on; a runner that has none fails.
func (r *runner) apply(w Work) error {
	if err := r.change(w); err != nil {
		if r.stages == nil {
			r.work.Signal, r.work.Spec, r.work.Digest = w.Signal, w.Spec, w.Digest
			r.set(module.Failed, err.Error())
		}
		return err
	}
	r.restarts.policy = w.Spec.RestartPolicy
	r.restarts.started(time.Now())
	r.lines.perMinute = w.Spec.Limits.LogLinesPerMinute
	r.set(module.Running, "")
	r.schedule()
	return nil
}

func (r *runner) change(w Work) error {
	stages, err := signals.New(w.Signal)
	if err != nil {
		return err
	}
	if w.Guest != nil && w.Signal.Source.Kind == module.SourceTimer && !w.Guest.HasTimer() {
		return &module.GuestError{Guest: w.Spec.Name, Signal: r.name, Op: "bind", Kind: module.KindInvalid,
			Message: "it does not export edge_timer, which a timer signal needs"}
	}
	instance, err := r.instanceFor(&w)
	if err != nil {
		return err
	}
	if r.instance != nil && r.instance != instance {
		r.instance.Close()
	}
	r.instance, r.stages, r.work = instance, stages, w
	return nil
}

// instanceFor returns an instance that runs w: the one there is, with new settings, or a new one beside it.
func (r *runner) instanceFor(w *Work) (Instance, error) {
	if w.Guest == nil {
		return nil, nil
	}
	if r.instance == nil || !w.sameInstance(&r.work) {
		return r.start(w)
	}
	if bytes.Equal(w.Signal.Settings, r.work.Signal.Settings) {
		return r.instance, nil
	}
	err := r.instance.Configure(settingsDocument(w))
	r.takeLogs(r.instance, w)
	switch {
	case err == nil:
		r.keep(r.instance.Effects().State)
	case r.instance.Dead():
		return r.recover(w, err)
	}
	return r.instance, err
}

// recover starts an instance with the old settings after the new ones killed the old instance, and returns why.
func (r *runner) recover(w *Work, cause error) (Instance, error) {
	r.instance.Close()
	r.instance = nil
	if instance, err := r.start(&r.work); err == nil {
		r.instance = instance
	} else {
		r.fail(err)
	}
	return nil, fmt.Errorf("configure signal %q: %w", w.Signal.Name, cause)
}

// start runs a new instance with the settings of w and what the signal kept.
func (r *runner) start(w *Work) (Instance, error) {
	instance, err := w.Guest.Start(Options{Signal: r.name, Limits: w.Spec.Limits, Env: w.Spec.Permissions.Env, State: r.kept})
	if err != nil {
		return nil, err
	}
	r.takeLogs(instance, w)
	err = instance.Configure(settingsDocument(w))
	r.takeLogs(instance, w)
	if err != nil {
		instance.Close()
		return nil, err
	}
	r.keep(instance.Effects().State)
	return instance, nil
}

func settingsDocument(w *Work) []byte {
	settings := w.Signal.Settings
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	document, _ := json.Marshal(struct { // strings and valid JSON always marshal
		Signal    module.SignalName `json:"signal"`
		Partition string            `json:"partition"`
		Settings  json.RawMessage   `json:"settings"`
	}{w.Signal.Name, "", settings})
	return document
}

// keep takes over what a call changed in the signal's state.
func (r *runner) keep(changes []module.StateChange) {
	for _, c := range changes {
		if c.Delete {
			delete(r.kept, c.Key)
			continue
		}
		if r.kept == nil {
			r.kept = make(map[string][]byte)
		}
		r.kept[string([]byte(c.Key))] = bytes.Clone(c.Value)
	}
}

func (r *runner) closeInstance() {
	if r.instance != nil {
		r.instance.Close()
		r.instance = nil
	}
}

// set publishes the runner's state.
func (r *runner) set(status module.RuntimeStatus, description string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if status == module.Running && r.state.Status != module.Running {
		r.state.LastStart = time.Now()
	}
	r.state.Status, r.state.Description = status, description
	r.state.Version, r.state.Guest, r.state.Digest = r.work.Version, r.work.Spec.Name, r.work.Digest
	r.state.RestartCount = r.restarts.count
	r.supervisor.config.Changed()
}

func (r *runner) status() module.RuntimeStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Status
}

func (r *runner) snapshot() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Counts = r.counts.load()
	s.Waiting = r.queue.len()
	return s
}

func (r *runner) logger() *zerolog.Logger { return &r.supervisor.config.Log }
