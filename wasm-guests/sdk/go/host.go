package edge

import (
	"bytes"
	"errors"
)

// Host is what a guest may ask of the program that runs it. It is valid until the handler that got it returns.
type Host struct {
	imports           Imports
	signal, partition string
	scratch           []byte // reused for what the host hands in
	bag               []byte // reused for properties on their way out
}

// Message is what a guest sends. The host takes a copy: body and properties may be reused.
type Message struct {
	Output     string // an output of the module; empty: the signal's own
	Body       []byte
	Properties Properties
}

// Properties of a message: application properties, which IoT Hub can route on, and [ContentType],
// [ContentEncoding] and [Schema]. The host adds the signal's own.
type Properties []struct{ Name, Value string }

// System properties that a guest may set. IoT Hub routes on a body only where its type is application/json
// and its encoding is utf-8.
const (
	ContentType     = "$.ct"
	ContentEncoding = "$.ce"
	Schema          = "$.schema"
)

// Errors of what a guest asks. They can be returned from the handler as they are.
var (
	// ErrLimit means that a message is one too many for this call or too large.
	ErrLimit = errors.New("emit: over a limit of the guest (emitsPerCall, emitKiBPerCall)")
	// ErrNotAllowed means that an output or a property has a name that guests may not use.
	ErrNotAllowed = errors.New("emit: name of output or property is not allowed")
	// ErrStorage means that a value does not fit what the guest may store.
	ErrStorage = errors.New("store state: over the guest's storageMiB")
)

// Signal returns the name of the signal that the instance works for.
func (h *Host) Signal() string { return h.signal }

// Partition returns which of the signal's partitions the instance works for; empty where it has none.
func (h *Host) Partition() string { return h.partition }

// Emit sends a message when the handler returns without an error: [ErrLimit] or [ErrNotAllowed] if it is not
// to be had.
func (h *Host) Emit(m Message) error {
	h.bag = appendBag(h.bag[:0], m.Properties)
	switch h.imports.Emit(m.Output, m.Body, h.bag) {
	case codeLimit:
		return ErrLimit
	case codeNotAllowed:
		return ErrNotAllowed
	}
	return nil
}

// Property returns a property of the message at hand and whether it has one of that name: an application
// property, or a system property such as "$.ct", "$.cdid", "$source" or "$input".
func (h *Host) Property(name string) (string, bool) {
	value, ok := h.read(h.imports.Property, name)
	return string(value), ok
}

// Log writes a line to the module's log, under the guest's name and signal.
func (h *Host) Log(level Level, line string) { h.imports.Log(int32(level), line) }

// Level says how much a log line matters.
type Level int32

// The levels.
const (
	Trace Level = iota
	Debug
	Info
	Warning
	Error
	Critical
)

// Now returns the host's time as Unix time in milliseconds, the argument of time.UnixMilli.
func (h *Host) Now() int64 { return h.imports.Now() }

// State returns a copy of what was stored under key and whether there is such a thing. It survives restarts
// and swaps. A signal whose guest uses state is committed to disk with each message, which takes time.
func (h *Host) State(key string) ([]byte, bool) {
	value, ok := h.read(h.imports.StateGet, key)
	return bytes.Clone(value), ok
}

// SetState stores value under key, or returns [ErrStorage].
func (h *Host) SetState(key string, value []byte) error {
	if h.imports.StateSet(key, value) < 0 {
		return ErrStorage
	}
	return nil
}

// DeleteState forgets what is stored under key.
func (h *Host) DeleteState(key string) { h.imports.StateDelete(key) }

// Count adds delta to the counter called name. A guest may have 32 metrics of all kinds.
func (h *Host) Count(name string, delta float64) { h.imports.Metric(metricCounter, name, delta) }

// Gauge sets the gauge called name.
func (h *Host) Gauge(name string, value float64) { h.imports.Metric(metricGauge, name, value) }

// Observe adds a value to the histogram called name.
func (h *Host) Observe(name string, value float64) { h.imports.Metric(metricHistogram, name, value) }

// read calls a getter, a second time where the value is longer than what there is room for. What it returns is
// valid until the next read.
func (h *Host) read(get func(key string, buf []byte) int32, key string) ([]byte, bool) {
	length := int(get(key, h.scratch))
	if length > len(h.scratch) {
		h.scratch = make([]byte, length)
		length = int(get(key, h.scratch))
	}
	if length < 0 {
		return nil, false
	}
	return h.scratch[:min(length, len(h.scratch))], true
}
