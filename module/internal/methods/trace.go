package methods

import (
	"context"
	"errors"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Bounds of traces. A method has its caller's response timeout to answer, 30 s where nothing is said, so a trace waits for
// less than that; what has not come by then is asked for by the next call.
const (
	defaultTraced  = 5
	maxTraced      = 50
	defaultWait    = 10 // seconds
	maxWait        = 240
	maxTraces      = 4                // at a time
	forgottenAfter = 10 * time.Minute // a trace that nobody asks for any more
)

type traceRequest struct {
	Signal   module.SignalName `json:"signal"`
	Messages int               `json:"messages"`
	Seconds  int               `json:"seconds"` // that this call waits at most
}

type traceAnswer struct {
	Signal    module.SignalName `json:"signal"`
	Complete  bool              `json:"complete"` // nothing more is traced; else the next call goes on
	Messages  []TracedMessage   `json:"messages"`
	Truncated bool              `json:"truncated,omitempty"` // messages were left out, for their size
}

func (a *traceAnswer) shorten() bool { a.Truncated = true; return halve(&a.Messages) }

// TracedMessage is what a signal did with a message. It is a line of a recording, too.
type TracedMessage struct {
	Time      string       `json:"time"`
	Signal    string       `json:"signal"`
	Partition string       `json:"partition,omitempty"`
	Input     string       `json:"input,omitempty"`
	Source    string       `json:"source,omitempty"`
	WaitedUs  int64        `json:"waitedUs"`
	TookUs    int64        `json:"tookUs"`
	Message   Message      `json:"message"`
	Calls     []TracedCall `json:"calls,omitempty"`
	Outputs   []Message    `json:"outputs,omitempty"`
	Left      int          `json:"left,omitempty"` // calls and outputs beyond those
	Failure   string       `json:"failure,omitempty"`
}

// TracedCall is a call of the guest.
type TracedCall struct {
	Verdict     string `json:"verdict"`
	TookUs      int64  `json:"tookUs"`
	MemoryBytes int64  `json:"memoryBytes"`
	Error       string `json:"error,omitempty"`
}

// tracing is a trace that is under way.
type tracing struct {
	*supervise.Trace
	asked time.Time // last
}

// trace begins a trace, or goes on with the one that there is, and answers when it is complete or the time is up.
func (m *Methods) trace(ctx context.Context, payload []byte) (any, error) {
	q := traceRequest{Messages: defaultTraced, Seconds: defaultWait}
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Signal == "":
		return nil, badRequest("signal is missing", `for example {"signal":"press1Temp","messages":5,"seconds":20}`)
	case q.Messages < 1 || q.Messages > maxTraced:
		return nil, badRequest("messages must be from 1 to 50", "")
	case q.Seconds < 0 || q.Seconds > maxWait:
		return nil, badRequest("seconds must be from 0 to 240, and less than the response timeout of the call", "call again for what has not come by then")
	}
	t, err := m.tracing(q.Signal, q.Messages)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(time.Duration(q.Seconds) * time.Second)
	defer timer.Stop()
	a := &traceAnswer{Signal: q.Signal, Messages: []TracedMessage{}}
	select {
	case <-t.Full():
		a.Complete = true
		m.endTrace(q.Signal, t)
	case <-timer.C:
	case <-ctx.Done(): // nobody gets an answer: what came stays for the next call
		return nil, ctx.Err()
	}
	for _, traced := range t.Take() {
		a.Messages = append(a.Messages, tracedMessage(q.Signal, traced))
	}
	return a, nil
}

// tracing returns the trace of a signal that is under way, or begins one. Traces that nobody asks for any more end.
func (m *Methods) tracing(name module.SignalName, n int) (*tracing, error) {
	if _, there := m.config.Signals.Snapshot()[name]; !there {
		return nil, supervise.ErrNoSignal
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for other, t := range m.traces {
		if now.Sub(t.asked) >= forgottenAfter {
			m.config.Signals.Untrace(other, t.Trace)
			delete(m.traces, other)
		}
	}
	t := m.traces[name]
	if t == nil {
		if len(m.traces) >= maxTraces {
			return nil, conflict("4 signals are traced already", "call trace for them until they are complete; one that nobody asks for ends after ten minutes")
		}
		t = &tracing{Trace: m.config.Signals.Trace(name, n)}
		m.traces[name] = t
	}
	t.asked = now
	return t, nil
}

func (m *Methods) endTrace(name module.SignalName, t *tracing) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config.Signals.Untrace(name, t.Trace)
	if m.traces[name] == t {
		delete(m.traces, name)
	}
}

func tracedMessage(signal module.SignalName, t supervise.Traced) TracedMessage {
	m := TracedMessage{Time: timeOf(t.Time), Signal: string(signal), Partition: t.Partition, Input: string(t.Input), Source: t.Source,
		WaitedUs: t.Waited.Microseconds(), TookUs: t.Took.Microseconds(), Left: t.Left, Failure: clip(t.Failure, 2<<10),
		Message: messageOf("", t.Message.Body, t.Message.Bytes, len(t.Message.Body), t.Message.Properties)}
	for _, c := range t.Calls {
		m.Calls = append(m.Calls, tracedCall(c.Verdict, c.Err, c.Took, c.Memory))
	}
	for _, o := range t.Outputs {
		m.Outputs = append(m.Outputs, messageOf(o.Output, o.Body, o.Bytes, len(o.Body), o.Properties))
	}
	return m
}

func tracedCall(verdict module.Verdict, err error, took time.Duration, memory int64) TracedCall {
	call := TracedCall{Verdict: "failed", TookUs: took.Microseconds(), MemoryBytes: memory}
	if err == nil {
		call.Verdict = [...]string{"drop", "pass", "done"}[verdict]
		return call
	}
	call.Error = clip(err.Error(), 2<<10)
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		call.Verdict = string(e.Kind)
	}
	return call
}
