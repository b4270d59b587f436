package main

import (
	"encoding/binary"
	"errors"
	"math"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

// stateKey is where the window is kept: its values as 8 bytes each, little-endian, the oldest first.
const stateKey = "window"

// average is what the guest knows of its signal: the latest values, the oldest first.
type average struct {
	window []float64
	kept   []byte      // reused for the window on its way out
	event  edge.Object // reused
}

// configure fills the window with the latest of the values that were kept.
func (a *average) configure(h *edge.Host, set *settings) error {
	kept, _ := h.State(stateKey)
	a.window = a.window[:0]
	for ; len(kept) >= 8; kept = kept[8:] {
		a.window = append(a.window, math.Float64frombits(binary.LittleEndian.Uint64(kept)))
	}
	a.window = latest(a.window, set.Window)
	return nil
}

// sample sends the average of the window with the new value, and keeps the window.
func (a *average) sample(h *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
	if s.Quality == edge.Bad || s.Reason == edge.Heartbeat { // no reading, or no new one
		h.Count("ignored", 1)
		return edge.Drop, nil
	}
	value, ok := s.Float()
	if !ok {
		return edge.Drop, errors.New("value is not a number: " + string(s.Value))
	}
	window := latest(append(a.window, value), set.Window)
	if err := a.emit(h, s, window); err != nil {
		return edge.Drop, err
	}
	if err := a.keep(h, window); err != nil {
		return edge.Drop, err
	}
	a.window = append(a.window[:0], window...)
	return edge.Done, nil
}

func (a *average) emit(h *edge.Host, s *edge.Sample, window []float64) error {
	var sum float64
	for _, value := range window {
		sum += value
	}
	a.event.Reset()
	a.event.Text("signal", s.Signal)
	a.event.Number("average", sum/float64(len(window)))
	a.event.Number("count", float64(len(window)))
	if s.SourceTimestamp != "" {
		a.event.Text("sourceTimestamp", s.SourceTimestamp)
	}
	return h.Emit(a.event.Message(nil))
}

func (a *average) keep(h *edge.Host, window []float64) error {
	a.kept = a.kept[:0]
	for _, value := range window {
		a.kept = binary.LittleEndian.AppendUint64(a.kept, math.Float64bits(value))
	}
	return h.SetState(stateKey, a.kept)
}

// latest returns the last n values, or all where there are fewer.
func latest(values []float64, n int) []float64 { return values[max(0, len(values)-n):] }
