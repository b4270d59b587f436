// Package methods answers the module's direct methods: what they are asked, who may ask it, what they answer and how that
// stays under IoT Hub's 128 KiB. What they do is done by the parts that [Config] names.
//
//	m := methods.New(methods.Config{Access: methods.Read, Signals: supervisor, …})
//	status, answer := m.Answer(ctx, "status", []byte(`{"status":"quarantined"}`))
//
// The requests and answers are described by schema/methods-1.0.schema.json, which the tests hold against them. An answer that
// is no success is {"error":{"code","message","hint"}} with the status 400 (the request), 403 (not allowed), 404 (no such
// method, signal or guest), 409 (not in this state) or 500.
//
// # Concurrency
//
// Answer may be called from any goroutine, and waits for what the method does, at most until ctx ends.
package methods

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Access says which methods may be called: any module on the device can call them.
type Access int

// What may be called.
const (
	Read Access = iota // what changes nothing: ping, status, logs, trace, validate
	All                // and restart, pause, resume and invoke
)

// ParseAccess reads what WASM_ON_EDGE_METHODS says. Nothing is read.
func ParseAccess(text string) (Access, error) {
	switch text {
	case "", "read":
		return Read, nil
	case "all":
		return All, nil
	}
	return Read, fmt.Errorf("read WASM_ON_EDGE_METHODS: %q is neither read nor all", text)
}

// Signals are the signals at work, as package supervise has them.
type Signals interface {
	Snapshot() map[module.SignalName]supervise.State
	Pause(ctx context.Context, name module.SignalName) error
	Resume(ctx context.Context, name module.SignalName) error
	Restart(ctx context.Context, name module.SignalName) error
	Borrow(ctx context.Context, name module.SignalName) (supervise.Work, map[string][]byte, error)
	Logged(guest module.GuestName, n int) []supervise.LoggedLine
	Trace(name module.SignalName, n int) *supervise.Trace
	Untrace(name module.SignalName, t *supervise.Trace)
}

// Config is what Methods needs.
type Config struct {
	Access   Access
	Allows   func(method string) bool // what the device's policy allows; nil: all
	Signals  Signals
	About    func() About                         // of the module, for status and ping
	Validate func(document []byte) module.Desired // reads a desired document without taking it
}

// Methods are the module's direct methods.
type Methods struct {
	config  Config
	methods map[string]method

	mu     sync.Mutex // guards traces
	traces map[module.SignalName]*tracing
}

// method is one direct method.
type method struct {
	changes bool // it is not among those that are read
	answer  func(ctx context.Context, payload []byte) (any, error)
}

// New returns the direct methods of a module.
func New(c Config) *Methods {
	m := &Methods{config: c, traces: make(map[module.SignalName]*tracing)}
	m.methods = map[string]method{
		"ping":     {answer: m.ping},
		"status":   {answer: m.status},
		"logs":     {answer: m.logs},
		"trace":    {answer: m.trace},
		"validate": {answer: m.validate},
		"restart":  {changes: true, answer: m.restart},
		"pause":    {changes: true, answer: m.pause},
		"resume":   {changes: true, answer: m.resume},
		"invoke":   {changes: true, answer: m.invoke},
	}
	return m
}

// Answer calls the method called name with a payload of JSON, and returns its status and its answer, JSON under 128 KiB.
func (m *Methods) Answer(ctx context.Context, name string, payload []byte) (status int, answer []byte) {
	method, known := m.methods[name]
	switch {
	case !known:
		return encodeError(notFound("there is no method "+name, "there are "+strings.Join(slices.Sorted(maps.Keys(m.methods)), ", ")))
	case m.config.Allows != nil && !m.config.Allows(name):
		return encodeError(&Error{Status: 403, Code: "notAllowed", Message: "method " + name + " is not allowed on this device",
			Hint: "the policy of the device names the methods that are"})
	case method.changes && m.config.Access != All:
		return encodeError(&Error{Status: 403, Code: "notAllowed", Message: "method " + name + " is not allowed on this device",
			Hint: "set WASM_ON_EDGE_METHODS to all in the module's environment"})
	}
	result, err := method.answer(ctx, payload)
	if err != nil {
		return encodeError(asError(err))
	}
	return encode(result)
}

// decode reads a request strictly into one that holds the defaults. No payload, and null, are an empty one.
func decode(payload []byte, request any) error {
	text := strings.TrimSpace(string(payload))
	if text == "" || text == "null" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(request); err != nil {
		return badRequest(strings.TrimPrefix(err.Error(), "json: "), "schema/methods-1.0.schema.json describes the requests")
	}
	if d.More() {
		return badRequest("the payload is more than one JSON value", "")
	}
	return nil
}
