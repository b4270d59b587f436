package supervise

import (
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// handle works on one share and finishes it.
func (r *runner) handle(s *pipeline.Share) {
	r.counts.in.Add(1)
	switch {
	case r.status() != module.Running:
		r.unavailable(s, "")
	case r.spreads():
		r.spread(s)
	case r.kept.Repeat(s):
	default:
		for !r.handleContent(s) { // once more, where the version before is back
		}
	}
}

// handleContent works on what a message has for the signal: samples, or itself as a whole. A message that has nothing is for
// somebody else. It reports whether the message is settled.
func (r *runner) handleContent(s *pipeline.Share) (settled bool) {
	r.begin(s)
	samples := r.reader.Samples(s.Message.Properties)
	found, err := r.read(s)
	if err != nil {
		r.unreadable(s, err)
		return true
	}
	if samples {
		r.remember(s.Source)
	}
	nothing := true
	for i := range found {
		switch {
		case found[i].Partition != r.partition:
			continue
		case samples:
			r.takeValue(found[i])
		default:
			r.handlePiece(piece{Message: s.Message})
		}
		nothing = false
	}
	if nothing {
		r.counts.ends[signals.NoValue].Add(1)
	}
	settled = r.settle()
	r.scheduleBeat()
	r.letGo()
	return settled
}

// letGo forgets the message that was worked on: the signal may be idle for long.
func (r *runner) letGo() {
	const small = 16 // values: what a reader keeps room for
	clear(r.found)
	if cap(r.found) > small {
		r.found = nil
	}
	clear(r.scratch[:cap(r.scratch)])
	r.task.share, r.task.cause = nil, nil
}

// read returns what a message has for the signal, in the order of the message.
func (r *runner) read(s *pipeline.Share) (found []signals.Found, err error) {
	if s.Found != nil {
		return s.Found, nil
	}
	r.found, err = r.reader.Read(r.found[:0], s.Content(), s.Message.Properties)
	return r.found, err
}

// unreadable sends a message to the dead letters that is not in the signal's format.
func (r *runner) unreadable(s *pipeline.Share, err error) {
	reason := module.ReasonNotJSON
	if errors.Is(err, signals.ErrFormat) {
		reason = module.ReasonWrongFormat
	}
	r.counts.deadLetters.Add(1)
	s.DeadLetter(module.DeadLetter{Reason: reason, Description: err.Error(), Guest: r.work.Spec.Name, Digest: r.work.Digest})
	s.Finish()
	r.traceEnd(err)
}

// call calls the instance. If that kills it, a fresh one gets one more try; if that one dies too, or cannot be
// started, the runner backs off. If it is a version on probation that is to blame, the task is for the version before.
func (r *runner) call(f func(Instance) (module.Verdict, error)) (verdict module.Verdict, attempts int, err error) {
	verdict, err = r.once(f)
	if err == nil {
		return verdict, 1, nil
	}
	dead := r.instance.Dead()
	if dead {
		r.bury()
	}
	switch {
	case dead && r.supervisor.calledOff(err):
		return 0, 1, pipeline.ErrStopping
	case r.blames(err, f):
		r.task.blamed = err
		return 0, 1, err
	case !dead:
		return verdict, 1, err
	}
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
		if r.supervisor.calledOff(err) {
			return 0, 2, pipeline.ErrStopping
		}
		r.goOn(err)
		return 0, 2, err
	}
	r.replaced()
	return verdict, 2, err
}

// calledOff reports whether a call ended because the module stops, while its guest waited for an answer.
func (s *Supervisor) calledOff(err error) bool {
	e, ok := errors.AsType[*module.GuestError](err)
	return ok && e.Kind == module.KindHost && s.ctx.Err() != nil
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
	r.replaced()
}

// replaced says that an instance runs in the place of one that ended badly.
func (r *runner) replaced() {
	r.counts.restarts.Add(1)
	r.restarts.restarted(time.Now())
	r.set(module.Running, "")
}

func (r *runner) once(f func(Instance) (module.Verdict, error)) (module.Verdict, error) {
	r.calling, r.posted = true, r.task.posted // a second try posts what the first did
	verdict, err := f(r.instance)
	r.calling = false
	if err == nil {
		r.task.posted = r.posted
	}
	r.counts.calls.Add(1)
	r.counts.took(r.instance, err)
	r.times.add(r.instance.Took())
	r.load.add(time.Now(), r.instance.Took())
	r.restarts.worked = r.restarts.worked || err == nil
	r.task.traced.called(r.instance, verdict, err)
	r.takeLogs(r.instance, &r.work)
	if err == nil {
		r.takeMetrics(r.instance)
	}
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
