package supervise

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// payloadSamples is the shape that samples have within the module.
const payloadSamples = "samples"

// emit sends what a guest emitted. It is copied: the effects point into the instance.
func (r *runner) emit(e module.Emitted) {
	output, own := module.OutputName(strings.Clone(string(e.Output))), false
	if output == "" || output == r.work.Signal.Output {
		output, own = r.work.Signal.Output, true
	}
	properties := make(module.Properties, 0, len(e.Properties)+len(r.work.Signal.Properties)+8)
	for _, p := range e.Properties {
		properties = append(properties, struct{ Name, Value string }{strings.Clone(p.Name), strings.Clone(p.Value)})
	}
	r.send(output, module.Message{Body: bytes.Clone(e.Body), Properties: properties}, own)
}

// send sends what the guest made.
func (r *runner) send(output module.OutputName, m module.Message, own bool) {
	m = r.complete(m, "event")
	r.task.share.Send(output, m, own)
	r.task.traced.sent(output, m)
	if own && r.work.gathers() && json.Valid(m.Body) { // what is not JSON has no place in a message with others
		r.gather(signals.Named{Signal: string(r.name), Partition: r.partition, Raw: m.Body})
	}
}

// pass sends a piece on.
func (r *runner) pass(p piece) {
	kind := "event"
	if p.named != nil {
		kind = "sample"
	}
	inner := r.complete(module.Message{Body: p.Body, Properties: pipeline.Inherit(p.Properties, len(r.work.Signal.Properties)+8)}, kind)
	outer := inner
	shaped := p.named != nil && r.work.Signal.Payload != payloadSamples
	if shaped {
		about := signals.Batch{PublisherID: r.supervisor.config.Pipeline.PublisherID(), MessageID: r.task.share.NextID(), Time: time.Now()}
		outer.Body = signals.AppendPayload(nil, r.work.Signal.Payload, []signals.Named{*p.named}, about)
		outer.Properties = inner.Properties.Clone(1)
	}
	r.task.share.Send(r.work.Signal.Output, outer, true)
	r.task.traced.sent(r.work.Signal.Output, outer)
	if shaped {
		r.task.share.Within(inner)
	}
	switch {
	case !r.work.gathers():
	case p.named != nil:
		r.gather(*p.named)
	case json.Valid(p.Body):
		r.gather(signals.Named{Signal: string(r.name), Partition: r.partition, Raw: p.Body})
	}
}

// complete adds the properties that the host and the twin give to a message that comes of the task.
func (r *runner) complete(m module.Message, kind string) module.Message {
	return r.completeOf(r.task.share.Message.Properties, m, kind)
}

// completeOf adds them to a message that comes of one with the given properties.
func (r *runner) completeOf(of module.Properties, m module.Message, kind string) module.Message {
	m.Properties.Set(pipeline.PropertyMessageType, kind)
	m.Properties.Set(pipeline.PropertySignal, string(r.name))
	if r.partition != "" {
		m.Properties.Set(pipeline.PropertyPartition, r.partition)
	}
	pipeline.Trace(&m.Properties, of, r.supervisor.originProperties.Load())
	for _, name := range r.properties {
		m.Properties.Set(name, r.work.Signal.Properties[name])
	}
	r.counts.out.Add(1)
	return m
}

// gather puts what was sent last into the publish group.
func (r *runner) gather(n signals.Named) {
	queue := pipeline.Queue{Size: r.work.Signal.QueueSize, DiscardNew: r.work.Signal.DiscardNew}
	r.task.share.Gather(r.envelopeFor(r.task.share.Message.Properties), n, queue)
	r.task.gathered = true
}

// envelopeFor returns the envelope for what comes of a message: it says where that came from. A heartbeat goes where the
// values before it went.
func (r *runner) envelopeFor(of module.Properties) *pipeline.Envelope {
	var from [2]string
	if r.supervisor.originProperties.Load() {
		from[0], from[1] = pipeline.Origin(of)
	}
	if r.envelope != nil && (from == r.envelopeFrom || of == nil) {
		return r.envelope
	}
	var properties module.Properties
	for i, name := range [...]string{pipeline.PropertySourceDevice, pipeline.PropertySourceModule} {
		if from[i] != "" {
			properties.Set(name, from[i])
		}
	}
	for _, name := range r.properties {
		properties.Set(name, r.work.Signal.Properties[name])
	}
	w := &r.work.Signal
	r.envelope, r.envelopeFrom = pipeline.NewEnvelope(w.PublishGroup, w.Output, w.Payload, properties), from
	return r.envelope
}

// deadLetter sends the task's message, of which a piece ended badly, to the dead letters, with the kind of the error as its
// reason.
func (r *runner) deadLetter(err error) {
	reason := module.ReasonStateNotKept
	var e *module.GuestError
	switch {
	case errors.As(err, &e):
		reason = string(e.Kind)
	case errors.Is(err, errLines):
		reason = module.ReasonInvalid
	}
	t := &r.task
	description := err.Error()
	if t.failures > 1 {
		description = fmt.Sprintf("%d samples of the message, at first: %s", t.failures, description)
	}
	r.counts.deadLetters.Add(1)
	r.logDeadLetter(err, t.attempts)
	t.share.DeadLetter(module.DeadLetter{Reason: reason, Description: description, Guest: r.work.Spec.Name, Digest: r.work.Digest, Attempts: t.attempts})
}

// unavailable deals with a message for a signal that does not run, or whose spool is full, and finishes it (5). It may be
// called from any goroutine.
func (r *runner) unavailable(s *pipeline.Share, why string) {
	defer s.Finish()
	if r.supervisor.dropUnavailable.Load() {
		r.counts.unavailable.Add(1)
		return
	}
	r.counts.deadLetters.Add(1)
	state := r.snapshot()
	if why == "" {
		why = string(state.Status) + ": " + state.Description
	}
	s.DeadLetter(module.DeadLetter{Reason: module.ReasonSignalNotRunning, Description: why, Guest: state.Guest, Digest: state.Digest})
}
