package supervise

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// propertyInput is how a guest asks for the input that its message came in by.
const propertyInput = "$input"

// handle works on one share and finishes it.
func (r *runner) handle(s *pipeline.Share) {
	defer s.Finish()
	r.counts.in.Add(1)
	if r.status() != module.Running {
		r.unavailable(s)
		return
	}
	m, ok := r.prepare(s)
	if !ok {
		return
	}
	if r.instance == nil { // a host-only signal passes what it selects
		r.pass(s, m)
		return
	}
	verdict, attempts, err := r.call(func(i Instance) (module.Verdict, error) { return i.Message(r.withInput(m, s)) })
	if err != nil {
		r.deadLetter(s, err, attempts)
		return
	}
	r.settle(s, m, verdict)
}

// prepare makes the sample that the guest sees, where the signal selects one. A message without a value is for
// somebody else; one that is no JSON is a dead letter.
func (r *runner) prepare(s *pipeline.Share) (module.Message, bool) {
	if !r.stages.Samples() {
		return s.Message, true
	}
	sample, ok, err := r.stages.Apply(s.Message.Body, s.Received)
	switch {
	case err != nil:
		r.counts.deadLetters.Add(1)
		s.DeadLetter(module.DeadLetter{Reason: module.ReasonNotJSON, Description: err.Error(), Guest: r.work.Spec.Name, Digest: r.work.Digest})
		return module.Message{}, false
	case !ok:
		r.counts.dropped.Add(1)
		return module.Message{}, false
	}
	properties := s.Message.Properties.Clone(8)
	properties.Set(module.PropertyContentType, "application/json")
	properties.Set(module.PropertyContentEncoding, "utf-8")
	return module.Message{Body: sample, Properties: properties}, true
}

// withInput adds what only the guest is told. The slice is the runner's and valid for one call.
func (r *runner) withInput(m module.Message, s *pipeline.Share) module.Message {
	r.scratch = append(r.scratch[:0], m.Properties...)
	r.scratch = append(r.scratch, struct{ Name, Value string }{propertyInput, string(s.Input)})
	return module.Message{Body: m.Body, Properties: r.scratch}
}

// call calls the instance. If that kills it, a fresh one gets one more try; if that one dies too, or cannot be
// started, the runner backs off.
func (r *runner) call(f func(Instance) (module.Verdict, error)) (verdict module.Verdict, attempts int, err error) {
	verdict, err = r.once(f)
	if err == nil || !r.instance.Dead() {
		return verdict, 1, err
	}
	r.counts.traps.Add(1)
	r.closeInstance()
	if r.restarts.policy == module.RestartNever {
		r.fail(err)
		return 0, 1, err
	}
	fresh, startErr := r.start(&r.work)
	if startErr != nil {
		r.fail(startErr)
		return 0, 1, err
	}
	r.instance = fresh
	verdict, err = r.once(f)
	if err != nil && r.instance.Dead() {
		r.counts.traps.Add(1)
		r.closeInstance()
		r.fail(err)
		return 0, 2, err
	}
	r.restarts.restarted(time.Now())
	r.set(module.Running, "")
	return verdict, 2, err
}

func (r *runner) once(f func(Instance) (module.Verdict, error)) (module.Verdict, error) {
	start := time.Now()
	verdict, err := f(r.instance)
	r.counts.busy.Add(int64(time.Since(start)))
	r.takeLogs(r.instance, &r.work)
	return verdict, err
}

// fail publishes what follows an instance that ended badly, and sets the timer of its restart.
func (r *runner) fail(cause error) {
	d := r.restarts.failed(time.Now(), cause)
	event := r.logger().Warn()
	if d.status != module.Backoff {
		event = r.logger().Error()
	}
	event.Str("signal", string(r.name)).Str("guest", string(r.work.Spec.Name)).Msg(d.reason)
	r.set(d.status, d.reason)
	r.stopTimer()
	if d.status == module.Backoff {
		r.timer = time.NewTimer(d.wait)
	}
}

// settle makes a call's effects real: what the guest kept, what it emitted, and its verdict on the message itself.
func (r *runner) settle(s *pipeline.Share, m module.Message, verdict module.Verdict) {
	effects := r.instance.Effects()
	r.keep(effects.State)
	for _, e := range effects.Emitted {
		r.emit(s, e)
	}
	switch verdict {
	case module.Pass:
		r.pass(s, m)
	case module.Drop:
		if len(effects.Emitted) == 0 {
			r.counts.dropped.Add(1)
		}
	}
}

// emit sends what a guest emitted. It is copied: the effects point into the instance.
func (r *runner) emit(s *pipeline.Share, e module.Emitted) {
	output, own := module.OutputName(strings.Clone(string(e.Output))), false
	if output == "" || output == r.work.Signal.Output {
		output, own = r.work.Signal.Output, true
	}
	properties := make(module.Properties, 0, len(e.Properties)+len(r.work.Signal.Properties)+8)
	for _, p := range e.Properties {
		properties = append(properties, struct{ Name, Value string }{strings.Clone(p.Name), strings.Clone(p.Value)})
	}
	r.send(s, output, module.Message{Body: bytes.Clone(e.Body), Properties: properties}, own, "event")
}

// pass sends the message on.
func (r *runner) pass(s *pipeline.Share, m module.Message) {
	kind := "event"
	if r.stages.Samples() {
		kind = "sample"
	}
	inherited := pipeline.Inherit(m.Properties, len(r.work.Signal.Properties)+8)
	r.send(s, r.work.Signal.Output, module.Message{Body: m.Body, Properties: inherited}, true, kind)
}

func (r *runner) send(s *pipeline.Share, output module.OutputName, m module.Message, own bool, kind string) {
	m.Properties.Set(pipeline.PropertyMessageType, kind)
	m.Properties.Set(pipeline.PropertySignal, string(r.name))
	pipeline.Trace(&m.Properties, s.Message.Properties, r.supervisor.originProperties.Load())
	for _, name := range r.propertyNames() {
		m.Properties.Set(name, r.work.Signal.Properties[name])
	}
	r.counts.out.Add(1)
	s.Send(output, m, own)
}

// propertyNames returns the names of the signal's own properties in a fixed order.
func (r *runner) propertyNames() []string {
	names := make([]string, 0, len(r.work.Signal.Properties))
	for name := range r.work.Signal.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *runner) deadLetter(s *pipeline.Share, err error, attempts int) {
	reason := "host"
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		reason = string(e.Kind)
	}
	r.counts.deadLetters.Add(1)
	r.logger().Warn().Str("signal", string(r.name)).Str("guest", string(r.work.Spec.Name)).Int("attempts", attempts).
		Msgf("message goes to the dead letters: %v", err)
	s.DeadLetter(module.DeadLetter{Reason: reason, Description: err.Error(), Guest: r.work.Spec.Name, Digest: r.work.Digest, Attempts: attempts})
}

// unavailable deals with a message for a signal that is not running (5).
func (r *runner) unavailable(s *pipeline.Share) {
	if r.supervisor.dropUnavailable.Load() {
		r.counts.dropped.Add(1)
		return
	}
	r.counts.deadLetters.Add(1)
	state := r.snapshot()
	s.DeadLetter(module.DeadLetter{Reason: module.ReasonSignalNotRunning, Description: string(state.Status) + ": " + state.Description,
		Guest: r.work.Spec.Name, Digest: r.work.Digest})
}
