package pipeline

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Share is a signal's part in an input, a message of another signal, or a tick. Whoever takes it sends what comes of
// it and then finishes it, exactly once.
type Share struct {
	Signal   module.SignalName
	Message  module.Message // read-only: other signals share it
	Identity string         // of the message; the ids of outputs derive from it
	Input    module.InputName
	Received time.Time

	pipeline *Pipeline
	entry    *entry // nil: no input waits for it
	index    int    // of the next output
}

// Tick returns a share for a tick of a signal's timer, scheduled at the given time. No input waits for it.
func (p *Pipeline) Tick(signal module.SignalName, at time.Time) *Share {
	return &Share{Signal: signal, Identity: "tick\x00" + at.UTC().Format(time.RFC3339Nano), Received: at, pipeline: p}
}

// Send puts a message into the outbox, with the id that derives from the input's, and hands it to the signals that
// read this one if it goes to the signal's own output. It waits for room. An output of "" stays inside the module.
func (s *Share) Send(output module.OutputName, m module.Message, own bool) {
	m.Properties.Set(module.PropertyMessageID, MessageID(s.Identity, s.Signal, s.index))
	s.index++
	if own {
		s.pipeline.chain(s, m)
	}
	if output != module.OutputNone {
		s.put(output, m)
	}
}

// DeadLetter sends the message, or the tick, to the dead letters with its reason. It counts as finished when edgeHub
// has the dead letter.
func (s *Share) DeadLetter(l module.DeadLetter) {
	l.Input, l.Time = s.Input, time.Now()
	if l.Signal == "" {
		l.Signal = s.Signal
	}
	index := s.index
	s.index++
	if !s.pipeline.letters.admit(s.Message, l) {
		return // kept in the local folder, which is what was asked for
	}
	s.pipeline.deadLetters.Add(1)
	m := letterMessage(s.Message, l)
	m.Properties.Set(module.PropertyMessageID, MessageID(s.Identity, s.Signal+"/deadletter", index))
	s.put(module.OutputDeadLetter, m)
}

// Finish says that all that comes of the share has been sent.
func (s *Share) Finish() {
	if s.entry != nil {
		s.entry.release()
	}
}

// put gives a result to the outbox. The input stays open until edgeHub has it. When the outbox is closed, because the
// module stops, the input stays open for good and comes again.
func (s *Share) put(output module.OutputName, m module.Message) {
	if s.entry != nil {
		s.entry.retain()
	}
	s.pipeline.outbox.put(&result{output: output, Message: m, sent: s.Finish, refused: s.substitute(output, m)})
}

// substitute stands a dead letter in for a result that edgeHub would not take, and cuts a dead letter: first its body,
// then the properties that are not its own. What is cut off is in the folder. So is what exceeds the minute's dead letters,
// which then need not be sent.
func (s *Share) substitute(output module.OutputName, m module.Message) substitute {
	refusals := 0
	return func(err *UnsendableError) (module.OutputName, module.Message, bool) {
		letters := s.pipeline.letters
		letter := module.DeadLetter{Reason: err.Reason, Description: err.Error(), Signal: s.Signal, Input: s.Input, Time: time.Now()}
		refusals++
		kept := refusals == 1 && letters.keep(m, letter)
		if output != module.OutputDeadLetter {
			if !letters.within(letter.Time) && kept {
				return "", module.Message{}, false
			}
			s.pipeline.deadLetters.Add(1)
			id := m.Properties.Value(module.PropertyMessageID)
			m, output = letterMessage(m, letter), module.OutputDeadLetter
			m.Properties.Set(module.PropertyMessageID, id)
		}
		m = cutLetter(m, refusals > 1)
		return output, m, refusals <= 2
	}
}
