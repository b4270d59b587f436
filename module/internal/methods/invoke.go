package methods

import (
	"context"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
)

// shownBody is how many bytes of an output's body are shown.
const shownBody = 16 << 10

type invokeRequest struct {
	Signal  module.SignalName `json:"signal"`
	Message Message           `json:"message"`
	Source  string            `json:"source"` // key, of a signal with several
	Tick    bool              `json:"tick"`   // instead of a message
}

// InvokeAnswer is what a guest made of a message.
type InvokeAnswer struct {
	Verdict      string       `json:"verdict"` // pass, drop, done, failed; none where no value came as far as the guest
	Error        string       `json:"error,omitempty"`
	Held         []string     `json:"held,omitempty"` // values that the host's stages held back, by where they ended
	Calls        []TracedCall `json:"calls"`
	Outputs      []Message    `json:"outputs"`
	Logs         []Line       `json:"logs,omitempty"`
	StartTookUs  int64        `json:"startTookUs"`
	TookUs       int64        `json:"tookUs"`
	MemoryBytes  int64        `json:"memoryBytes"`
	StateChanged bool         `json:"stateChanged,omitempty"` // it would have changed its state
	Truncated    bool         `json:"truncated,omitempty"`
}

func (a *InvokeAnswer) shorten() bool {
	a.Truncated = true
	return halve(&a.Logs) || halve(&a.Outputs) || halve(&a.Calls)
}

// invoke runs a message through the signal's stages, as if it were the first, and its guest, in a fresh instance with a copy
// of the state. Nothing is sent and nothing is kept.
func (m *Methods) invoke(ctx context.Context, payload []byte) (any, error) {
	var q invokeRequest
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	body, err := q.Message.Bytes()
	switch {
	case err != nil:
		return nil, err
	case q.Signal == "":
		return nil, badRequest("signal is missing", `for example {"signal":"press1Temp","message":{"body":{"temperature":20}}}`)
	}
	w, state, err := m.config.Signals.Borrow(ctx, q.Signal)
	if err != nil {
		return nil, err
	}
	t, err := newTrial(w, state)
	if err != nil {
		return nil, err
	}
	defer t.Close()
	result := t.Run(trial.Message{Message: module.Message{Body: body, Properties: q.Message.List()}, Source: q.Source, Tick: q.Tick})
	return AnswerOf(result), nil
}

func newTrial(w supervise.Work, state map[string][]byte) (*trial.Trial, error) {
	c := trial.Config{Signal: w.Signal, Spec: w.Spec, State: state}
	if w.Guest != nil {
		c.Start = w.Guest.Start
	}
	switch {
	case w.Spec.Run == module.RunService:
		return nil, conflict("the guest is a service, which runs on its own and cannot be called", "")
	case w.Spec.Permissions.Files == module.FilesPrivate:
		return nil, conflict("the guest has private files, which a trial would change", "try it at the desk: wasm-on-edge call gives it an empty directory")
	}
	return trial.New(c)
}

// AnswerOf shows what came of a trial.
func AnswerOf(r trial.Result) *InvokeAnswer {
	a := &InvokeAnswer{Verdict: r.Verdict(), Calls: []TracedCall{}, Outputs: []Message{}, TookUs: r.Took().Microseconds(),
		StartTookUs: r.StartTook.Microseconds(), MemoryBytes: r.Memory(), StateChanged: r.StateChanged}
	if r.Err != nil {
		a.Error = clip(r.Err.Error(), 4<<10)
	}
	for _, end := range r.Held {
		a.Held = append(a.Held, end.String())
	}
	for _, c := range r.Calls {
		a.Calls = append(a.Calls, tracedCall(c.Verdict, c.Err, c.Took, c.Memory))
	}
	for _, o := range r.Outputs {
		a.Outputs = append(a.Outputs, messageOf(o.Output, o.Body, len(o.Body), shownBody, o.Properties))
	}
	for _, l := range r.Logs {
		a.Logs = append(a.Logs, Line{Level: levelOf(l.Level), Text: clip(l.Text, 1<<10)})
	}
	return a
}
