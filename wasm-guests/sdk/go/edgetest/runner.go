// Package edgetest runs a guest natively against a fake host, so that its logic is tested with plain go test:
//
//	run := edgetest.Start(t, guest, `{"high":80}`)
//	assert.Equal(t, edge.Pass, run.Number(81.5).Verdict)
//	assert.Equal(t, edge.Drop, run.Number(79).Verdict)
//
// The guest's own code, the SDK's reading of settings and samples and its encoding of properties are those of
// the sandbox; what the host does is imitated as far as a guest can see it. A call is a transaction: what a
// guest emitted, stored and counted in a call that failed is forgotten. Not imitated are deadlines and the
// limit of memory.
//
// Concurrency: a [Runner] belongs to the test that started it and is used by one goroutine at a time, as an
// instance is by the host.
package edgetest

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"testing"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

// Signal is the name of the signal that a [Runner]'s guest works for.
const Signal = "signal"

// Runner is a guest at work on a fake host. Its fields are what a test may arrange, or look at, between calls.
type Runner struct {
	Effects
	Properties map[string]string // of the messages to come, by name
	Now        int64             // the host's clock, Unix time in milliseconds
	Storage    int               // bytes of keys and values that the guest may store; 1 MiB at the start
	Logs       []Log             // what the guest has logged, failed calls included

	t     testing.TB
	guest exports
	call  call
}

// Effects is what the successful calls of a guest have left behind at its host.
type Effects struct {
	State      map[string][]byte    // what it stored
	Counters   map[string]float64   // sums
	Gauges     map[string]float64   // last values
	Histograms map[string][]float64 // all values, in order
}

// Log is a line that a guest logged.
type Log struct {
	Level edge.Level
	Text  string
}

// Result is what came of a call.
type Result struct {
	Verdict edge.Verdict   // negative where the call failed
	Err     error          // the reason of a failed call, else nil
	Emitted []edge.Message // what is sent because of it, properties decoded; nothing where the call failed
}

// Sample is a sample as a test writes it. Value is a number, a string, a boolean, nil, or anything else that
// encoding/json writes. Signal is [Signal] where it is empty.
type Sample struct {
	Signal           string       `json:"signal"`
	Value            any          `json:"value"`
	Unit             string       `json:"unit,omitempty"`
	SourceTimestamp  string       `json:"sourceTimestamp,omitempty"`
	PublishTimestamp string       `json:"publishTimestamp,omitempty"`
	Quality          edge.Quality `json:"quality,omitempty"`
	Reason           edge.Reason  `json:"reason,omitempty"`
}

// exports are the methods of an edge.Instance of any settings.
type exports interface {
	Configure(document []byte) int32
	Message(body []byte) int32
	Timer() int32
}

// Start returns a runner whose guest has accepted settings, a JSON object. The test ends where it refuses them.
func Start[S any](t testing.TB, guest edge.Guest[S], settings string) *Runner {
	t.Helper()
	r := New(t, guest)
	if err := r.Configure(settings); err != nil {
		t.Fatalf("configure guest: %v", err)
	}
	return r
}

// New returns a runner whose guest has not been given settings yet.
func New[S any](t testing.TB, guest edge.Guest[S]) *Runner {
	r := &Runner{
		Effects: Effects{
			State:      map[string][]byte{},
			Counters:   map[string]float64{},
			Gauges:     map[string]float64{},
			Histograms: map[string][]float64{},
		},
		Properties: map[string]string{},
		Storage:    1 << 20,
		t:          t,
	}
	r.guest = edge.NewInstance(guest, &host{r})
	return r
}

// Configure gives the guest settings, a JSON object, and returns the reason where it refuses them.
func (r *Runner) Configure(settings string) error {
	r.t.Helper()
	document := r.marshal(map[string]any{"signal": Signal, "partition": "", "settings": json.RawMessage(settings)})
	return r.run(func() int32 { return r.guest.Configure(document) }).Err
}

// Message hands the guest the body of a message.
func (r *Runner) Message(body string) Result {
	return r.run(func() int32 { return r.guest.Message([]byte(body)) })
}

// Sample hands the guest a sample.
func (r *Runner) Sample(sample Sample) Result {
	r.t.Helper()
	if sample.Signal == "" {
		sample.Signal = Signal
	}
	return r.Message(string(r.marshal(sample)))
}

// Number hands the guest a good sample of a number.
func (r *Runner) Number(value float64) Result {
	r.t.Helper()
	return r.Sample(Sample{Value: value})
}

// Tick hands the guest a tick.
func (r *Runner) Tick() Result { return r.run(r.guest.Timer) }

// run makes one call and undoes what it did where it failed.
func (r *Runner) run(export func() int32) Result {
	before := r.clone()
	r.call = call{}
	verdict := edge.Verdict(export())
	if verdict >= 0 {
		return Result{Verdict: verdict, Emitted: r.call.emitted}
	}
	r.Effects = before
	return Result{Verdict: verdict, Err: errors.New(cmp.Or(r.call.reason, "guest gave no reason"))}
}

func (r *Runner) marshal(value any) []byte {
	r.t.Helper()
	document, err := json.Marshal(value)
	if err != nil {
		r.t.Fatalf("encode what the guest is given: %v", err)
	}
	return document
}

// clone returns a copy that later calls do not change. Values are only ever replaced or appended to.
func (e Effects) clone() Effects {
	return Effects{maps.Clone(e.State), maps.Clone(e.Counters), maps.Clone(e.Gauges), maps.Clone(e.Histograms)}
}

// call is what a guest has asked for during the call at hand.
type call struct {
	emitted []edge.Message
	bytes   int // of all that was emitted
	reason  string
}
