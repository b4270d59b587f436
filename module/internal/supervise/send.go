package supervise

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// settle makes a call's effects real: what the guest emitted, and its verdict on the message itself; and finishes the
// share. Where the guest changed its state all of that is one transaction. If that cannot be stored the instance, which
// believes that it is, makes way for one with the state that is stored.
func (r *runner) settle(s *pipeline.Share, m module.Message, verdict module.Verdict) error {
	effects := r.instance.Effects()
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
	if len(effects.State) == 0 {
		s.Finish()
		return nil
	}
	err := r.kept.Settle(s, pipeline.Changes{State: effects.State})
	if err != nil && !errors.Is(err, pipeline.ErrStopping) {
		r.recover()
		return fmt.Errorf("keep state: %w", err)
	}
	return err
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

// send puts a message into the outbox, with the properties that the host and the twin add.
func (r *runner) send(s *pipeline.Share, output module.OutputName, m module.Message, own bool, kind string) {
	m.Properties.Set(pipeline.PropertyMessageType, kind)
	m.Properties.Set(pipeline.PropertySignal, string(r.name))
	pipeline.Trace(&m.Properties, s.Message.Properties, r.supervisor.originProperties.Load())
	for _, name := range r.properties {
		m.Properties.Set(name, r.work.Signal.Properties[name])
	}
	r.counts.out.Add(1)
	s.Send(output, m, own)
}

// deadLetter sends a message whose call ended badly to the dead letters, with the kind of the error as its reason.
func (r *runner) deadLetter(s *pipeline.Share, err error, attempts int) {
	reason := module.ReasonStateNotKept
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		reason = string(e.Kind)
	}
	r.counts.deadLetters.Add(1)
	r.logDeadLetter(err, attempts)
	s.DeadLetter(module.DeadLetter{Reason: reason, Description: err.Error(), Guest: r.work.Spec.Name, Digest: r.work.Digest, Attempts: attempts})
}

// unavailable deals with a message for a signal that does not run, or whose spool is full, and finishes it (5). It may be
// called from any goroutine.
func (r *runner) unavailable(s *pipeline.Share, why string) {
	defer s.Finish()
	if r.supervisor.dropUnavailable.Load() {
		r.counts.dropped.Add(1)
		return
	}
	r.counts.deadLetters.Add(1)
	state := r.snapshot()
	if why == "" {
		why = string(state.Status) + ": " + state.Description
	}
	s.DeadLetter(module.DeadLetter{Reason: module.ReasonSignalNotRunning, Description: why, Guest: state.Guest, Digest: state.Digest})
}
