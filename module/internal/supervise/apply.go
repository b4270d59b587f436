package supervise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// apply changes what the runner works on. On an error the old work goes on, in whatever state it is. A signal that never
// ran has nothing to go on with: it takes the work over and, if another try may help, backs off as after a call.
func (r *runner) apply(w Work) error {
	r.conclude()
	entered, err := r.enter(&w)
	if err != nil {
		return err
	}
	before := r.work.Probation
	err = r.change(w)
	switch {
	case err != nil && entered:
		w.Probation.leave(r)
		if before == nil {
			r.kept.DropSnapshot("")
		}
	case err == nil && before != nil && before != r.work.Probation:
		before.leave(r)
	}
	return err
}

func (r *runner) change(w Work) error {
	front, err := prepare(&w)
	if err != nil {
		return r.orFailed(w, err)
	}
	does, err := r.workerFor(&w)
	if err == nil {
		r.take(w, front, does)
		if w.Probation == nil {
			r.dropSnapshots(w.Digest)
		}
		r.applyParts()
		return nil
	}
	if !r.lastStart.IsZero() || !curable(err) {
		return r.orFailed(w, err)
	}
	r.adopt(w, front)
	r.restarts = restarts{policy: w.Spec.RestartPolicy}
	r.notStarted(err)
	return nil
}

// notStarted follows a start that ended badly, where another try may help. A version on probation has failed with it.
func (r *runner) notStarted(cause error) {
	if r.work.Probation == nil {
		r.fail(cause)
		return
	}
	r.condemn(cause)
}

// curable reports whether starting a guest again may help.
func curable(err error) bool {
	_, ok := errors.AsType[*module.GuestError](err)
	return ok && !module.Terminal(err)
}

// orFailed makes a signal that never ran one that failed, and returns why.
func (r *runner) orFailed(w Work, cause error) error {
	if r.lastStart.IsZero() {
		r.stopTimer()
		r.quit()
		w.Guest, w.Probation, w.Former = nil, nil, nil
		r.work = w
		r.set(module.Failed, cause.Error())
	}
	return cause
}

// quarantine ends what the runner does.
func (r *runner) quarantine(w Work, reason string) {
	r.stopTimer()
	r.closeWorker()
	r.dissolve()
	r.quit()
	w.Guest = nil
	r.work = w
	r.event(zerolog.ErrorLevel, &w).Str("status", string(module.Quarantined)).Msg(reason)
	r.set(module.Quarantined, reason)
}

// front is the host's side of a signal, before its guest.
type front struct {
	reader *signals.Reader
	stages *signals.Stages
}

// prepare makes the host's side of a signal, and checks that its guest can do what it is asked to.
func prepare(w *Work) (f front, err error) {
	refuse := func(reason, hint string) (front, error) {
		return front{}, &module.GuestError{Guest: w.Spec.Name, Signal: w.Signal.Name, Op: "bind", Kind: module.KindInvalid, Message: reason, Hint: hint}
	}
	switch {
	case w.Guest == nil:
	case w.ticks() && w.serves():
		return refuse("it is a service, which runs on its own and hears of no ticks", "leave run out, or give the signal an input")
	case w.ticks() && !w.Guest.HasTimer():
		return refuse("it does not export edge_timer, which a timer signal needs", "")
	case w.Guest.Endless() && w.Spec.Run == module.RunPerMessage:
		return refuse("it runs for ever, and not for each message", "leave run out")
	case w.Spec.Run != "" && !w.Guest.IsProgram() && !w.Guest.Endless():
		return refuse(fmt.Sprintf("run %q is for WASI commands, and it is a guest of edge/1", w.Spec.Run), "leave run out")
	}
	if f.reader, err = signals.NewReader(w.Signal); err != nil {
		return front{}, err
	}
	values := w.Signal
	if w.ticks() {
		values.SamplingInterval = 0 // it is that of the ticks, and thins nothing out that comes beside them
	}
	f.stages, err = signals.NewStages(values)
	return f, err
}

// take goes over to the work and what does it: the one that runs, a new one, or none for the host alone.
func (r *runner) take(w Work, f front, does worker) {
	running := r.status() == module.Running
	ticking := running && w.sameTicks(&r.work)
	anew := does != r.worker || !bytes.Equal(w.Signal.Settings, r.work.Signal.Settings)
	if !running || does != r.worker {
		r.install(does)
		r.restarts = restarts{since: r.lastStart}
	}
	r.restarts.policy = w.Spec.RestartPolicy
	r.adopt(w, f)
	r.set(module.Running, "")
	if !ticking {
		r.schedule()
	}
	r.scheduleBeat()
	if anew {
		r.beginShadow()
	}
}

// adopt makes w the runner's work. What the stages remember stays, unless the signal has other values now.
func (r *runner) adopt(w Work, f front) {
	label(&w)
	if w.Guest != nil {
		r.times, r.measures = r.supervisor.timesOf(w.Spec.Name), r.supervisor.measuresOf(w.Spec.Name)
	}
	switch {
	case r.states == nil:
		r.loadStates(&w, time.Now())
	case !w.sameValues(&r.work):
		r.states = r.states[:0]
	}
	r.work, r.front, r.envelope, r.properties = w, f, nil, slices.Sorted(maps.Keys(w.Signal.Properties))
}

// workerFor returns what does w: the one there is, with new settings, or a new one beside it.
func (r *runner) workerFor(w *Work) (worker, error) {
	if w.Guest == nil {
		return worker{}, nil
	}
	if r.worker == (worker{}) || !w.sameInstance(&r.work) {
		return r.start(w)
	}
	if bytes.Equal(w.Signal.Settings, r.work.Signal.Settings) {
		return r.worker, nil
	}
	err := r.instance.Configure(r.settingsDocument(w))
	r.counts.took(r.instance, err)
	r.takeLogs(r.instance, w)
	if err == nil {
		err = r.keep(r.instance, w, r.instance.Effects().State)
	}
	if err != nil && r.instance.Dead() {
		r.recover()
	}
	return r.worker, err
}

// recover starts an instance in the place of one that is of no use any more: new settings killed it, or it believes that
// state is kept which is not.
func (r *runner) recover() {
	r.bury()
	fresh, err := r.start(&r.work)
	if err != nil {
		r.fail(err)
		return
	}
	r.install(fresh)
	r.replaced()
}

// start runs a new instance, or prepares a service, with the settings of w.
func (r *runner) start(w *Work) (worker, error) {
	label(w)
	defer label(&r.work) // w becomes that, if it is taken
	files, err := r.files(w)
	if err != nil {
		return worker{}, err
	}
	if w.serves() {
		s, err := r.serve(w, files)
		return worker{service: s}, err
	}
	instance, err := r.startInstance(w, files)
	return worker{instance: instance}, err
}

// startInstance runs a new instance with the settings of w and what the signal kept.
func (r *runner) startInstance(w *Work, files string) (Instance, error) {
	state, err := r.kept.StateFor(w.Digest)
	if err != nil {
		r.event(zerolog.ErrorLevel, w).Err(err).Msg("guest starts without a part of its state")
	}
	state = with(state, r.task.changes)
	out, err := r.outwardFor(w, nil)
	if err != nil {
		return nil, err
	}
	instance, err := w.Guest.Start(Options{Signal: r.name, Limits: w.Spec.Limits, Env: w.Spec.Permissions.Env, State: state, Files: files,
		HTTP: out, Context: r.supervisor.ctx})
	if err != nil {
		r.counts.ended(err)
		return nil, err
	}
	r.counts.took(instance, nil)
	r.takeLogs(instance, w)
	initial := cloneState(instance.Effects().State)
	err = instance.Configure(r.settingsDocument(w))
	r.counts.took(instance, err)
	r.takeLogs(instance, w)
	if err == nil {
		err = r.keep(instance, w, append(initial, instance.Effects().State...))
	}
	if err != nil {
		instance.Close()
		return nil, err
	}
	return instance, nil
}

// files returns the signal's private directory, or "" where w has none.
func (r *runner) files(w *Work) (string, error) {
	switch all := r.supervisor.config.Files; {
	case !w.hasFiles():
		return "", nil
	case all == "":
		return "", &module.GuestError{Guest: w.Spec.Name, Signal: r.name, Op: "instantiate", Kind: module.KindHost,
			Message: "it needs a private directory, and this module has no storage", Hint: "mount a volume at WASM_ON_EDGE_STORAGE"}
	default:
		return filepath.Join(all, r.stream().FileName()), nil
	}
}

// with returns state with changes that are not kept yet: those of earlier pieces of the task at hand.
func with(state map[string][]byte, changes []module.StateChange) map[string][]byte {
	for _, c := range changes {
		if c.Delete {
			delete(state, c.Key)
			continue
		}
		if state == nil {
			state = make(map[string][]byte)
		}
		state[c.Key] = c.Value
	}
	return state
}

// settingsDocument is what a guest is configured with.
func (r *runner) settingsDocument(w *Work) []byte {
	settings := w.Signal.Settings
	if len(settings) == 0 {
		settings = json.RawMessage("{}")
	}
	document, _ := json.Marshal(struct { // strings and valid JSON always marshal
		Signal    module.SignalName `json:"signal"`
		Partition string            `json:"partition"`
		Settings  json.RawMessage   `json:"settings"`
	}{w.Signal.Name, r.partition, settings})
	return document
}

// cloneState returns changes that outlive the call that made them.
func cloneState(changes []module.StateChange) []module.StateChange {
	clones := slices.Clone(changes)
	for n, c := range clones {
		clones[n].Key, clones[n].Value = strings.Clone(c.Key), bytes.Clone(c.Value)
	}
	return clones
}

// keep stores the state that an instance set in calls that were for no message. An instance whose state cannot be stored
// is of no use: it is closed, and so dead.
func (r *runner) keep(i Instance, w *Work, changes []module.StateChange) error {
	err := r.kept.Begin(w.Digest, changes)
	if err == nil {
		return nil
	}
	i.Close()
	return &module.GuestError{Guest: w.Spec.Name, Signal: r.name, Op: "keep the state of", Kind: module.KindHost, Message: err.Error()}
}
