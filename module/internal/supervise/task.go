package supervise

import (
	"errors"
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// task is a share that the runner works on, and what came of it so far. Its pieces are worked on one after the other and
// settled together.
type task struct {
	share    *pipeline.Share
	changes  []module.StateChange // of the guest's state
	gathered bool                 // samples of it go into a publish group

	state  *signals.State // what the stages remember of the share's source; nil: it has whole messages
	before *signals.State // the same when the task began; the supervisor's to lend
	passed bool           // the stages let something pass

	posted  int  // messages that went out at once, whatever becomes of the call
	stopped bool // the module stops, and called a call off: the input comes again

	blamed   error // on a version on probation: it has no further part in the task
	failures int   // pieces that go to the dead letters
	cause    error // of the first
	attempts int

	observed []shadowed // for the candidate that runs beside the guest

	traced *Traced // nil: it is not traced
}

// piece is what the guest works on at a time: a sample, or a message as a whole.
type piece struct {
	module.Message
	named *signals.Named // nil: no sample
}

// Names of properties that only a guest is told.
const (
	propertyInput  = "$input"  // that its message came in by
	propertySource = "$source" // key of the source, of a signal with several
)

var errEndedBefore = errors.New("an earlier sample of the same message ended the guest")

// begin takes a share up.
func (r *runner) begin(s *pipeline.Share) {
	r.task = task{share: s, changes: r.task.changes[:0], traced: r.traceShare(s)}
}

// handlePiece has the guest work on a piece, and reports whether that went well. What fails goes to the dead letters.
func (r *runner) handlePiece(p piece) bool {
	var attempts int
	var err error
	switch {
	case r.task.blamed != nil:
		return false
	case r.service != nil:
		err = r.feed(p.Message)
	case r.work.Guest == nil: // a host-only signal passes what it selects
		r.pass(p)
	case r.instance == nil:
		err = errEndedBefore
	default:
		var verdict module.Verdict
		verdict, attempts, err = r.call(func(i Instance) (module.Verdict, error) { return i.Message(r.told(p.Message)) })
		r.observePiece(p, verdict, err)
		if err == nil {
			r.effect(p, verdict)
		}
	}
	if err != nil {
		r.task.fail(err, attempts)
	}
	return err == nil
}

func (t *task) fail(err error, attempts int) {
	if errors.Is(err, pipeline.ErrStopping) {
		t.stopped = true
		return
	}
	if t.failures++; t.failures == 1 {
		t.cause, t.attempts = err, attempts
	}
}

// told adds what only the guest is told. The slice is the runner's and valid for one call.
func (r *runner) told(m module.Message) module.Message {
	s := r.task.share
	r.scratch = append(r.scratch[:0], m.Properties...)
	r.scratch = append(r.scratch, struct{ Name, Value string }{propertyInput, string(s.Input)})
	if s.Source != "" {
		r.scratch = append(r.scratch, struct{ Name, Value string }{propertySource, s.Source})
	}
	return module.Message{Body: m.Body, Properties: r.scratch}
}

// effect notes what a call did: what the guest emitted, its verdict on the piece itself, and the state that it changed.
func (r *runner) effect(p piece, verdict module.Verdict) {
	effects := r.instance.Effects()
	for _, e := range effects.Emitted {
		r.emit(e)
	}
	switch verdict {
	case module.Pass:
		r.pass(p)
	case module.Drop:
		if len(effects.Emitted) == 0 {
			r.counts.dropped.Add(1)
		}
	}
	r.task.changes = append(r.task.changes, cloneState(effects.State)...)
}

// settle finishes the share. Where state is to be kept, or samples are gathered, all that came of it is one transaction. If
// that cannot be stored the instance, which believes that it is, makes way for one with the state that is stored. It reports
// false where the task is to be done again: a version was to blame for it that has given way.
func (r *runner) settle() bool {
	t := &r.task
	defer func() { r.traceEnd(t.cause) }()
	defer r.forgetBefore()
	if t.stopped {
		return true
	}
	if t.blamed != nil {
		r.undo()
		if r.condemn(t.blamed); r.instance != nil {
			return false
		}
		t.failures = 0
		t.fail(t.blamed, 1)
	}
	if t.failures > 0 {
		r.deadLetter(t.cause)
	}
	if !r.durable() {
		r.work.Probation.count(r.name, false)
		r.showShadow()
		t.share.Finish()
		return true
	}
	changes := pipeline.Changes{State: t.changes}
	if t.state != nil && r.stages.Remembering() {
		changes.Stages = t.state.Append(nil)
		r.stagesKept.Store(true)
	}
	err := r.kept.Settle(t.share, changes)
	if err == nil {
		r.work.Probation.count(r.name, len(t.changes) > 0)
		r.showShadow()
	}
	t.changes = t.changes[:0]
	if err == nil || errors.Is(err, pipeline.ErrStopping) {
		return true
	}
	if t.state != nil {
		*t.state = *t.before
	}
	r.recover()
	t.attempts = 1
	t.cause = fmt.Errorf("keep state: %w", err)
	r.deadLetter(t.cause)
	t.share.Finish()
	return true
}

// keepBefore notes what the stages remember when the task begins to change that.
func (r *runner) keepBefore(state signals.State) {
	if r.task.before == nil {
		r.task.before = r.supervisor.befores.Get().(*signals.State)
	}
	*r.task.before = state
}

func (r *runner) forgetBefore() {
	if b := r.task.before; b != nil {
		r.supervisor.befores.Put(b)
		r.task.before = nil
	}
}

// durable reports whether what came of the task is to be stored. Where the stages' memory is stored it must not fall behind
// what was sent.
func (r *runner) durable() bool {
	t := &r.task
	return len(t.changes) > 0 || t.gathered || t.passed && r.stagesKept.Load()
}
