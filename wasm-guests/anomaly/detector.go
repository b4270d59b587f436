package main

import (
	"errors"
	"math"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

// detector compares each sample with the window before it, then learns it.
type detector struct {
	window *window
	watch  watch
}

// configure fits the window to new settings. What it has learnt stays.
func (d *detector) configure(_ *edge.Host, set *settings) error {
	switch {
	case d.window == nil:
		d.window = newWindow(set.Window)
	case d.window.size != set.Window:
		d.window = d.window.resized(set.Window)
	}
	return nil
}

// sample judges a sample. It drops all of them: alerts leave as messages of their own.
func (d *detector) sample(h *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
	if s.Quality == edge.Bad || s.Reason == edge.Heartbeat { // no reading of the machine, or not a new one
		h.Count("ignored", 1)
		return edge.Drop, nil
	}
	value, ok := s.Float()
	if !ok {
		return edge.Drop, errors.New("value is not a number: " + string(s.Value))
	}
	verdict := edge.Drop
	if d.window.full() {
		usual := d.window.usual(set.MinScale)
		next := d.watch.after(math.Abs(usual.score(value)) > set.Threshold, s.SourceTimestamp, set)
		if next.incident && !d.watch.incident {
			if err := alert(h, s, usual, value, next.since); err != nil {
				return edge.Drop, err
			}
			verdict = edge.Done
		}
		d.watch = next
	}
	d.window.add(value)
	return verdict, nil
}

// alert sends the one message of an incident.
func alert(h *edge.Host, s *edge.Sample, usual usual, value float64, since string) error {
	h.Count("alerts", 1)
	var alert edge.Object
	alert.Text("signal", s.Signal)
	alert.Text("alert", "anomaly")
	alert.Value("value", s.Value)
	alert.Number("expected", usual.median)
	alert.Number("score", math.Round(usual.score(value)*100)/100)
	if s.Unit != "" {
		alert.Text("unit", s.Unit)
	}
	if s.SourceTimestamp != "" {
		alert.Text("sourceTimestamp", s.SourceTimestamp)
		alert.Text("since", since)
	}
	return h.Emit(alert.Message(edge.Properties{{"alert", "anomaly"}}))
}
