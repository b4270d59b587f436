package supervise

import (
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// propertyInput is how a guest asks for the input that its message came in by.
const propertyInput = "$input"

// handle works on one share and finishes it.
func (r *runner) handle(s *pipeline.Share) {
	r.counts.in.Add(1)
	if r.status() != module.Running {
		r.unavailable(s, "")
		return
	}
	m, ok := r.prepare(s)
	switch {
	case !ok:
		s.Finish()
	case r.service != nil:
		r.feed(s, m)
	case r.instance == nil: // a host-only signal passes what it selects
		r.pass(s, m)
		s.Finish()
	case !r.kept.Repeat(s):
		r.process(s, m, func(i Instance) (module.Verdict, error) { return i.Message(r.withInput(m, s)) })
	}
}

// process has the guest work on a share, and makes real or dead-letters what comes of it.
func (r *runner) process(s *pipeline.Share, m module.Message, f func(Instance) (module.Verdict, error)) {
	verdict, attempts, err := r.call(f)
	if err == nil {
		err = r.settle(s, m, verdict)
	}
	if err != nil && !errors.Is(err, pipeline.ErrStopping) {
		r.deadLetter(s, err, attempts)
		s.Finish()
	}
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
	if doubts := r.supervisor.config.Doubts; doubts != nil && doubts(s.Received) {
		sample = uncertain(sample)
	}
	properties := s.Message.Properties.Clone(8)
	properties.Set(module.PropertyContentType, "application/json")
	properties.Set(module.PropertyContentEncoding, "utf-8")
	return module.Message{Body: sample, Properties: properties}, true
}

// uncertain gives a sample the quality of one whose time is not to be believed.
func uncertain(sample []byte) []byte {
	return append(sample[:len(sample)-1], `,"quality":"uncertain"}`...)
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
	r.bury()
	if r.restarts.policy == module.RestartNever {
		r.fail(err)
		return 0, 1, err
	}
	fresh, startErr := r.start(&r.work)
	if startErr != nil {
		r.fail(startErr)
		return 0, 1, err
	}
	r.install(fresh)
	verdict, err = r.once(f)
	if err != nil && r.instance.Dead() {
		r.bury()
		r.goOn(err)
		return 0, 2, err
	}
	r.restarts.restarted(time.Now())
	r.set(module.Running, "")
	return verdict, 2, err
}

// goOn follows a message that ended two instances: a third takes the next message, or the runner backs off.
func (r *runner) goOn(cause error) {
	if !r.restarts.spare(time.Now()) {
		r.fail(cause)
		return
	}
	third, err := r.start(&r.work)
	if err != nil {
		r.fail(err)
		return
	}
	r.install(third)
	r.restarts.restarted(time.Now())
	r.set(module.Running, "")
}

func (r *runner) once(f func(Instance) (module.Verdict, error)) (module.Verdict, error) {
	verdict, err := f(r.instance)
	r.counts.calls.Add(1)
	r.counts.took(r.instance, err)
	r.times.add(r.instance.Took())
	r.load.add(time.Now(), r.instance.Took())
	r.restarts.worked = r.restarts.worked || err == nil
	r.takeLogs(r.instance, &r.work)
	return verdict, err
}

// fail publishes what follows an instance that ended badly, and sets the timer of its restart.
func (r *runner) fail(cause error) {
	d := r.restarts.failed(time.Now(), cause)
	level := zerolog.ErrorLevel
	r.stopTimer()
	if d.status == module.Backoff {
		level = zerolog.WarnLevel
		r.timer = time.NewTimer(d.wait)
	}
	r.event(level, &r.work).Str("status", string(d.status)).Msg(d.reason)
	r.set(d.status, d.reason)
}
