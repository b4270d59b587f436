package pipeline

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// Share is a signal's part in an input, a message of another signal, or a tick. Whoever takes it sends what comes of
// it and then finishes it, exactly once.
type Share struct {
	Stream
	Source   string         // key of the source that it came by, of a signal with several
	Message  module.Message // read-only: other signals share it
	Identity string         // of the message; the ids of outputs derive from it
	Input    module.InputName
	Received time.Time
	Found    []signals.Found // what a partition has in the message, where that is known

	content  *signals.Content
	pipeline *Pipeline
	debt     debt   // nil: nothing waits for it
	receipt  bool   // its identity is one that nothing repeats
	spooled  uint64 // its place in the spool, which could not store it
	index    int    // of the next output
	sent     []outgoing
}

// outgoing is what was sent of a share that is not finished.
type outgoing struct {
	output module.OutputName
	module.Message
	own    bool
	inner  *module.Message // what the signals that read this one get, where it is not the same
	gather *gather         // nil: it is sent by itself
}

// within returns the message for the signals that read this one.
func (o *outgoing) within() module.Message {
	if o.inner != nil {
		return *o.inner
	}
	return o.Message
}

// Tick returns a share for something that a stream does at its time, a tick or a heartbeat. No input waits for it.
func (p *Pipeline) Tick(stream Stream, what string, at time.Time) *Share {
	return &Share{Stream: stream, Identity: what + "\x00" + at.UTC().Format(time.RFC3339Nano), Received: at, receipt: true, pipeline: p}
}

// Part returns what a partition of the signal has in the share. Both are to be finished.
func (s *Share) Part(partition string, found []signals.Found) *Share {
	if s.debt != nil {
		s.debt.retain()
	}
	part := *s
	part.Partition, part.Found, part.index, part.sent = partition, found, 0, nil
	return &part
}

// Send adds a message to what comes of the share, with the id that derives from the input's. Own says that it goes to the
// signal's own output: then the signals that read this one get it too. An output of "" stays inside the module.
func (s *Share) Send(output module.OutputName, m module.Message, own bool) {
	m.Properties.Set(module.PropertyMessageID, s.NextID())
	s.index++
	s.sent = append(s.sent, outgoing{output: output, Message: m, own: own})
}

// Restart takes back what was sent of a share that is not finished, to be worked on anew: what comes of it then has the same
// ids.
func (s *Share) Restart() { s.index, s.sent = 0, nil }

// NextID returns the id that the next message sent will have.
func (s *Share) NextID() string { return MessageID(s.Identity, s.String(), s.index) }

// Within says that the signals that read this one get m instead of the message that was sent last.
func (s *Share) Within(m module.Message) {
	sent := &s.sent[len(s.sent)-1]
	m.Properties.Set(module.PropertyMessageID, sent.Properties.Value(module.PropertyMessageID))
	sent.inner = &m
}

// Gather has the message that was sent last gathered: the sample that it is goes to its output in a message of its publish
// group once the share is settled. Where it cannot be kept until then it goes by itself, as it was sent.
func (s *Share) Gather(e *Envelope, i signals.Named, q Queue) {
	s.sent[len(s.sent)-1].gather = &gather{e, i, q}
}

// Content returns the message's body, to be read. It is parsed once for all signals that the message goes to.
func (s *Share) Content() *signals.Content {
	if s.content == nil {
		s.content = signals.NewContent(s.Message.Body)
	}
	return s.content
}

// DeadLetter adds the message, or the tick, to what comes of the share: as a dead letter, with its reason.
func (s *Share) DeadLetter(l module.DeadLetter) {
	l.Input, l.Time = s.Input, time.Now()
	if l.Signal == "" {
		l.Signal = s.Signal
	}
	s.pipeline.letters.count(l.Reason)
	index := s.index
	s.index++
	if !s.pipeline.letters.admit(s.Message, l) {
		return // kept in the local folder, which is what was asked for
	}
	s.pipeline.deadLetters.Add(1)
	m := letterMessage(s.Message, l)
	m.Properties.Set(module.PropertyMessageID, MessageID(s.Identity, s.String()+"/deadletter", index))
	s.sent = append(s.sent, outgoing{output: module.OutputDeadLetter, Message: m})
}

// Finish sends what was sent: to the signals that read this one, and into the outbox, where it waits for room; each
// message by itself. The share is finished when edgeHub has all of it, or the journal.
func (s *Share) Finish() {
	for _, o := range s.sent {
		if o.own {
			s.pipeline.chain(s, o.within())
		}
		s.put(o)
	}
	s.close()
}

// close says that nothing more comes of the share.
func (s *Share) close() {
	s.sent = nil
	if s.debt != nil {
		s.debt.release()
	}
}

// put gives a result to the outbox. The share stays open until that is finished. When the outbox is closed, because the
// module stops, it stays open for good, and its input comes again.
func (s *Share) put(o outgoing) {
	if o.output == module.OutputNone {
		return
	}
	if s.debt != nil {
		s.debt.retain()
	}
	s.pipeline.outbox.put(s.result(o))
}

// results makes the results of a share that are stored in one transaction, and so finished with it.
func (s *Share) results() (results []*result) {
	for _, o := range s.sent {
		if o.output != module.OutputNone && o.gather == nil {
			r := s.result(o)
			r.stored, r.debt = stored, nil
			results = append(results, r)
		}
	}
	return results
}

func (s *Share) result(o outgoing) *result {
	r := &result{output: o.output, Message: o.Message, signal: s.Signal, input: s.Input, debt: s.debt, size: sizeOf(o.Message), since: time.Now()}
	if _, waits := s.debt.(*entry); waits {
		r.since = s.Received
	}
	return r
}
