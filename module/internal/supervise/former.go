package supervise

import (
	"errors"
	"slices"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// errOnProbation is why a signal does not go over to a version that another one has found to be bad.
var errOnProbation = errors.New("the version failed on probation")

// enter has the runner take part in the probation of w, which it is about to do, and keeps the state for the version before.
// It reports whether it does so anew. A runner that never ran does that version's work where the new one failed already.
func (r *runner) enter(w *Work) (entered bool, err error) {
	p := w.Probation
	if p == nil || p == r.work.Probation {
		return false, nil
	}
	switch p.join(r) {
	case passed:
		w.Probation, w.Former = nil, nil
		return false, nil
	case failed:
		if !r.lastStart.IsZero() {
			return false, errOnProbation
		}
		*w = *w.Former
	case open:
		r.kept.Snapshot(w.Former.Digest)
		return true, nil
	}
	return false, nil
}

// quit ends the part that the runner takes in a probation without a conclusion: it does other work, or none.
func (r *runner) quit() {
	if p := r.work.Probation; p != nil {
		r.work.Probation, r.work.Former = nil, nil
		p.leave(r)
	}
}

// judged is closed when the probation of what the runner does is decided. Without one it never is.
func (r *runner) judged() <-chan struct{} {
	if r.work.Probation == nil {
		return nil
	}
	return r.work.Probation.over
}

// conclude follows a probation that is decided: the version before is forgotten, or is back.
func (r *runner) conclude() {
	p := r.work.Probation
	if p == nil || p.standing() == open {
		return
	}
	if p.standing() == failed {
		r.goBack()
	} else {
		r.work.Probation, r.work.Former = nil, nil
		r.dropSnapshots("")
		r.hold()
	}
	p.leave(r)
}

// dropSnapshots forgets the states of other versions than that with the given digest, where they lie there for this one to go
// back to: also of partitions that made way for others.
func (r *runner) dropSnapshots(unless string) {
	r.kept.DropSnapshot(unless)
	if r.partition == "" {
		r.supervisor.config.Pipeline.DropSnapshots(r.name, unless)
	}
}

// goBack has the runner do again what it did before the version that failed, from the state that it had then.
func (r *runner) goBack() {
	r.counts.rolledBack.Add(1)
	old := *r.work.Former
	front, err := prepare(&old)
	r.stopTimer()
	r.closeWorker()
	r.adopt(old, front)
	r.task.changes = r.task.changes[:0]
	r.restarts = restarts{policy: old.Spec.RestartPolicy}
	var fresh worker
	if err == nil {
		fresh, err = r.start(&r.work)
	}
	if err != nil {
		r.fail(err)
		return
	}
	r.install(fresh)
	r.restarts.started(r.lastStart)
	r.set(module.Running, "")
	r.schedule()
	r.scheduleBeat()
	r.beginShadow()
	r.event(zerolog.WarnLevel, &r.work).Str("digest", old.Digest).Msg("the version before is back: the new one failed on probation")
}

// badEnds are the ways in which a call shows that a version is bad, where the one before does not end so.
var badEnds = []module.GuestErrorKind{module.KindTrap, module.KindExit, module.KindDeadline, module.KindMemory, module.KindABI}

// blames reports whether a call that ended badly is the fault of a version on probation: the version before does well in it,
// from the state that it left. What that does here has no effect, but for HTTP: requests are sent again, as by any second try.
func (r *runner) blames(cause error, call func(Instance) (module.Verdict, error)) bool {
	e, ok := errors.AsType[*module.GuestError](cause)
	if !ok || r.work.Probation.standing() != open || !slices.Contains(badEnds, e.Kind) {
		return false
	}
	former, err := r.startFormer(r.work.Former)
	if err != nil {
		return false
	}
	defer former.Close()
	r.calling, r.posted = true, r.task.posted // what it posts has the ids that it has when the message is done again
	_, err = call(former)
	r.calling = false
	return err == nil
}

// startFormer runs an instance of the version before from the state that it left, beside what is kept.
func (r *runner) startFormer(w *Work) (Instance, error) {
	state, err := r.kept.StateFor(w.Digest)
	if err != nil {
		return nil, err
	}
	files, err := r.files(w)
	if err != nil {
		return nil, err
	}
	out, err := r.outwardFor(w, nil)
	if err != nil {
		return nil, err
	}
	instance, err := w.Guest.Start(Options{Signal: r.name, Limits: w.Spec.Limits, Env: w.Spec.Permissions.Env, State: state, Files: files,
		HTTP: out, Context: r.supervisor.ctx})
	if err != nil {
		return nil, err
	}
	if err := instance.Configure(r.settingsDocument(w)); err != nil {
		instance.Close()
		return nil, err
	}
	return instance, nil
}

// condemn has a version on probation fail, and all signals of the guest go back. Where it was passed meanwhile, it goes on.
func (r *runner) condemn(cause error) {
	r.work.Probation.fail(r.name, cause)
	r.conclude()
	if r.instance == nil && r.status() == module.Running {
		r.recover()
	}
}

// undo takes back what the task came to so far: the version before does all of it again.
func (r *runner) undo() {
	t := &r.task
	t.share.Restart()
	if t.state != nil {
		*t.state = *t.before
	}
	t.changes, t.gathered, t.passed = t.changes[:0], false, false
}
