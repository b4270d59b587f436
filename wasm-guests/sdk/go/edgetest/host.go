package edgetest

import (
	"bytes"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

// The limits that the twin gives a guest where it names none.
const (
	emitsPerCall     = 64
	emitBytesPerCall = 1024 << 10
	maxMetrics       = 32
)

// host is the side of a [Runner] that the guest sees.
type host struct{ *Runner }

var _ edge.Imports = (*host)(nil)

// Emit checks and keeps a message.
func (h *host) Emit(output string, body, bag []byte) int32 {
	properties, ok := parseBag(string(bag))
	if !ok || !allowedOutput(output) {
		return -2
	}
	h.call.bytes += len(body) + len(bag)
	if len(h.call.emitted) == emitsPerCall || h.call.bytes > emitBytesPerCall {
		return -1
	}
	h.call.emitted = append(h.call.emitted, edge.Message{
		Output: output, Body: bytes.Clone(body), Properties: properties,
	})
	return 0
}

// Property reads what the test has put into Properties.
func (h *host) Property(name string, buf []byte) int32 {
	value, ok := h.Properties[name]
	if !ok {
		return -1
	}
	copy(buf, value)
	return int32(len(value))
}

// Fail keeps the reason.
func (h *host) Fail(reason string) { h.call.reason = reason }

// Log keeps the line, whatever becomes of the call.
func (h *host) Log(level int32, text string) { h.Logs = append(h.Logs, Log{edge.Level(level), text}) }

// Now reads the test's clock.
func (h *host) Now() int64 { return h.Runner.Now }

// StateGet reads what was stored.
func (h *host) StateGet(key string, buf []byte) int32 {
	value, ok := h.State[key]
	if !ok {
		return -1
	}
	copy(buf, value)
	return int32(len(value))
}

// StateSet stores a value if all values together stay within Storage.
func (h *host) StateSet(key string, value []byte) int32 {
	total := len(key) + len(value)
	for k, v := range h.State {
		if k != key {
			total += len(k) + len(v)
		}
	}
	if total > h.Storage {
		return -1
	}
	h.State[key] = bytes.Clone(value)
	return 0
}

// StateDelete forgets a value.
func (h *host) StateDelete(key string) int32 {
	delete(h.State, key)
	return 0
}

// Metric keeps a value, unless the guest has as many metrics as it may and this would be one more.
func (h *host) Metric(kind int32, name string, value float64) {
	if h.metrics() >= maxMetrics && !h.hasMetric(name) {
		return
	}
	switch kind {
	case 0:
		h.Counters[name] += value
	case 1:
		h.Gauges[name] = value
	case 2:
		h.Histograms[name] = append(h.Histograms[name], value)
	}
}

func (h *host) metrics() int { return len(h.Counters) + len(h.Gauges) + len(h.Histograms) }

func (h *host) hasMetric(name string) bool {
	_, counter := h.Counters[name]
	_, gauge := h.Gauges[name]
	_, histogram := h.Histograms[name]
	return counter || gauge || histogram
}
