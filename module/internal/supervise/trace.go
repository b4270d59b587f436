package supervise

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// Bounds of what a trace keeps of one message.
const (
	tracedBody    = 4 << 10 // bytes of each body
	tracedOutputs = 16
	tracedCalls   = 16
)

// Traced is what a signal did with one message, tick or heartbeat.
type Traced struct {
	Time      time.Time // it was taken up
	Waited    time.Duration
	Took      time.Duration // until all that came of it was sent or stored
	Partition string
	Input     module.InputName // "" where it came from a signal or a timer
	Source    string
	Message   TracedMessage
	Calls     []TracedCall
	Outputs   []TracedMessage
	Left      int    // calls and outputs beyond those
	Failure   string // why it went to the dead letters
}

// TracedMessage is a message of which the end may be cut off.
type TracedMessage struct {
	Output     module.OutputName // of what was sent
	Body       []byte            // at most 4 KiB
	Bytes      int               // of the whole body
	Properties module.Properties
}

// TracedCall is a call of the guest. Second tries are calls too.
type TracedCall struct {
	Verdict module.Verdict
	Err     error
	Took    time.Duration
	Memory  int64 // bytes of linear memory after it
}

// Trace gathers what a signal does with its next messages.
type Trace struct {
	mu     sync.Mutex // guards what follows
	left   int
	traced []Traced

	full chan struct{} // closed when nothing is left to wait for
}

// Trace has the next n messages of a signal, ticks and heartbeats included, traced, in the place of a trace that was asked
// for before. The signal need not be there yet.
func (s *Supervisor) Trace(name module.SignalName, n int) *Trace {
	t := &Trace{left: n, full: make(chan struct{})}
	s.tracing(name).Store(t)
	return t
}

// Untrace ends a trace.
func (s *Supervisor) Untrace(name module.SignalName, t *Trace) {
	s.tracing(name).CompareAndSwap(t, nil)
}

// Full is closed when there is nothing left to wait for.
func (t *Trace) Full() <-chan struct{} { return t.full }

// Take returns what was traced since the last call.
func (t *Trace) Take() []Traced {
	t.mu.Lock()
	defer t.mu.Unlock()
	traced := t.traced
	t.traced = nil
	return traced
}

func (t *Trace) add(traced *Traced) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.left == 0 {
		return
	}
	t.traced = append(t.traced, *traced)
	if t.left--; t.left == 0 {
		close(t.full)
	}
}

// tracing returns where the trace of a signal is, for it and its partitions.
func (s *Supervisor) tracing(name module.SignalName) *atomic.Pointer[Trace] {
	p, _ := s.traces.LoadOrStore(name, new(atomic.Pointer[Trace]))
	return p.(*atomic.Pointer[Trace])
}

// traceShare begins to trace a share, if that is asked for. The methods of a nil *Traced do nothing.
func (r *runner) traceShare(s *pipeline.Share) *Traced {
	if r.trace.Load() == nil {
		return nil
	}
	now := time.Now()
	return &Traced{Time: now, Waited: now.Sub(s.Received), Partition: r.partition, Input: s.Input, Source: s.Source,
		Message: tracedMessage("", s.Message)}
}

func tracedMessage(output module.OutputName, m module.Message) TracedMessage {
	return TracedMessage{Output: output, Body: bytes.Clone(m.Body[:min(len(m.Body), tracedBody)]), Bytes: len(m.Body), Properties: slices.Clone(m.Properties)}
}

func (t *Traced) called(i Instance, verdict module.Verdict, err error) {
	switch {
	case t == nil:
	case len(t.Calls) >= tracedCalls:
		t.Left++
	default:
		t.Calls = append(t.Calls, TracedCall{Verdict: verdict, Err: err, Took: i.Took(), Memory: i.Memory()})
	}
}

func (t *Traced) sent(output module.OutputName, m module.Message) {
	switch {
	case t == nil:
	case len(t.Outputs) >= tracedOutputs:
		t.Left++
	default:
		t.Outputs = append(t.Outputs, tracedMessage(output, m))
	}
}

// traceEnd hands over what was traced of the task at hand.
func (r *runner) traceEnd(failure error) {
	traced := r.task.traced
	if traced == nil {
		return
	}
	r.task.traced = nil
	traced.Took = time.Since(traced.Time)
	if failure != nil {
		traced.Failure = failure.Error()
	}
	if t := r.trace.Load(); t != nil {
		t.add(traced)
	}
}
