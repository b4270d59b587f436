package methods

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

type signalRequest struct {
	Signal module.SignalName `json:"signal"`
}

// signalOf reads a request that names a signal and nothing else.
func signalOf(payload []byte) (module.SignalName, error) {
	var q signalRequest
	if err := decode(payload, &q); err != nil {
		return "", err
	}
	if q.Signal == "" {
		return "", badRequest("signal is missing", `for example {"signal":"press1Temp"}`)
	}
	return q.Signal, nil
}

// stateAnswer is the state of a signal after something was done to it.
type stateAnswer struct {
	Signals []SignalState `json:"signals"`
}

func (a *stateAnswer) shorten() bool { return halve(&a.Signals) }

func (m *Methods) after(names ...module.SignalName) (any, error) {
	states := m.config.Signals.Snapshot()
	a := &stateAnswer{Signals: []SignalState{}}
	for _, name := range names {
		if s, there := states[name]; there {
			a.Signals = append(a.Signals, stateOf(name, s))
		}
	}
	return a, nil
}

func (m *Methods) pause(ctx context.Context, payload []byte) (any, error) {
	return m.apply(ctx, payload, m.config.Signals.Pause)
}

func (m *Methods) resume(ctx context.Context, payload []byte) (any, error) {
	return m.apply(ctx, payload, m.config.Signals.Resume)
}

func (m *Methods) apply(ctx context.Context, payload []byte, do func(context.Context, module.SignalName) error) (any, error) {
	name, err := signalOf(payload)
	if err != nil {
		return nil, err
	}
	if err := do(ctx, name); err != nil {
		return nil, err
	}
	return m.after(name)
}

type restartRequest struct {
	Signal module.SignalName `json:"signal"`
	Guest  module.GuestName  `json:"guest"`
}

type restartAnswer struct {
	Restarted int             `json:"restarted"`
	Failed    []failedRestart `json:"failed,omitempty"`
	Truncated bool            `json:"truncated,omitempty"` // more failed
}

type failedRestart struct {
	Signal module.SignalName `json:"signal"`
	Error  *Error            `json:"error"`
}

func (a *restartAnswer) shorten() bool { a.Truncated = true; return halve(&a.Failed) }

// restart starts a signal's guest anew, or a guest in all its signals, one after the other.
func (m *Methods) restart(ctx context.Context, payload []byte) (any, error) {
	var q restartRequest
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	switch {
	case (q.Signal == "") == (q.Guest == ""):
		return nil, badRequest("give signal or guest, one of them", `for example {"signal":"press1Temp"}`)
	case q.Signal != "":
		if err := m.config.Signals.Restart(ctx, q.Signal); err != nil {
			return nil, err
		}
		return &restartAnswer{Restarted: 1}, nil
	}
	names := m.signalsOf(q.Guest)
	if len(names) == 0 {
		return nil, notFound("no signal at work has the guest "+strconv.Quote(string(q.Guest)), "the method status lists the signals and their guests")
	}
	a := &restartAnswer{}
	for _, name := range names {
		if err := m.config.Signals.Restart(ctx, name); err != nil {
			a.Failed = append(a.Failed, failedRestart{name, asError(err)})
			continue
		}
		a.Restarted++
	}
	return a, nil
}

func (m *Methods) signalsOf(guest module.GuestName) (names []module.SignalName) {
	states := m.config.Signals.Snapshot()
	for _, name := range slices.Sorted(maps.Keys(states)) {
		if states[name].Guest == guest {
			names = append(names, name)
		}
	}
	return names
}
