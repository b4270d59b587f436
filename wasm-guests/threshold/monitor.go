package main

import (
	"errors"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

// state is where a signal stands. A limit itself is still normal.
//
//	      ── value < low ──▶               ── value > high ──▶
//	low                         normal                           high
//	      ◀─ value ≥ low                   ◀─ value ≤ high
//	         + hysteresis ──                  − hysteresis ──
//
// A value may also go from beyond one limit to beyond the other.
type state string

const (
	normal state = ""
	high   state = "high"
	low    state = "low"
)

// monitor is what the guest knows of its signal: where it stood at the last sample.
type monitor struct{ state state }

// sample passes what is beyond a limit. Where that changes, an event goes before it.
func (m *monitor) sample(h *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
	if s.Quality == edge.Bad { // says nothing of the machine: the state stays
		h.Count("ignored", 1)
		return edge.Drop, nil
	}
	value, ok := s.Float()
	if !ok {
		return edge.Drop, errors.New("value is not a number: " + string(s.Value))
	}
	next := set.judge(m.state, value)
	if err := announce(h, s, set, m.state, next); err != nil {
		return edge.Drop, err
	}
	m.state = next
	return edge.PassIf(next != normal), nil
}

// announce emits an event for each limit that the signal came back from or went beyond.
func announce(h *edge.Host, s *edge.Sample, set *settings, from, to state) error {
	if from == to {
		return nil
	}
	if from != normal {
		event := newEvent(s, "cleared")
		event.Text("cleared", string(from))
		if err := h.Emit(event.Message(edge.Properties{{"alert", "cleared"}})); err != nil {
			return err
		}
	}
	if to == normal {
		return nil
	}
	h.Count("alerts", 1)
	event := newEvent(s, string(to))
	event.Number("limit", set.limit(to))
	return h.Emit(event.Message(edge.Properties{{"alert", string(to)}}))
}

// newEvent returns the members that all events share.
func newEvent(s *edge.Sample, alert string) *edge.Object {
	var event edge.Object
	event.Text("signal", s.Signal)
	event.Text("alert", alert)
	event.Value("value", s.Value)
	if s.Unit != "" {
		event.Text("unit", s.Unit)
	}
	if s.SourceTimestamp != "" {
		event.Text("sourceTimestamp", s.SourceTimestamp)
	}
	return &event
}
