package methods

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// About is what the module says of itself as a whole.
type About struct {
	Runtime   module.RuntimeInfo   `json:"runtime"`
	Desired   int64                `json:"desiredVersion"`
	Status    module.DesiredStatus `json:"desiredStatus"`
	Summary   module.Summary       `json:"summary"`
	Connected bool                 `json:"connected"` // to edgeHub
	Pipeline  Pipeline             `json:"pipeline"`
}

// Pipeline are the module's counts since its start, and what waits now.
type Pipeline struct {
	Received      int64 `json:"received"`
	Redelivered   int64 `json:"redelivered"`
	Dropped       int64 `json:"dropped"`
	DeadLetters   int64 `json:"deadLetters"`
	OutboxDropped int64 `json:"outboxDropped"`
	InFlight      int   `json:"inFlight"`
	Outbox        int   `json:"outbox"`
	OutboxBytes   int64 `json:"outboxBytes"`
	OutboxLimit   int64 `json:"outboxLimit"`
	Gathered      int   `json:"gathered"`
}

// Pages of a status.
const (
	defaultPage = 100
	maxPage     = 1000
)

type statusRequest struct {
	Signal string               `json:"signal"` // a name, or how names begin, with * at the end
	Guest  module.GuestName     `json:"guest"`
	Status module.RuntimeStatus `json:"status"`
	After  module.SignalName    `json:"after"`
	Limit  int                  `json:"limit"`
}

func (q statusRequest) wants(name module.SignalName, s supervise.State) bool {
	prefix, begins := strings.CutSuffix(q.Signal, "*")
	switch {
	case begins && !strings.HasPrefix(string(name), prefix),
		!begins && q.Signal != "" && q.Signal != string(name),
		q.Guest != "" && q.Guest != s.Guest,
		q.Status != "" && q.Status != s.Status:
		return false
	}
	return name > q.After
}

type statusAnswer struct {
	Module    About         `json:"module"`
	Matching  int           `json:"matching"` // signals from this page on
	Signals   []SignalState `json:"signals"`
	Truncated bool          `json:"truncated,omitempty"` // there are more: ask again with after
	Next      string        `json:"next,omitempty"`      // the after to ask with
}

// SignalState is a signal in a status, by name.
type SignalState struct {
	Name         module.SignalName    `json:"name"`
	Guest        module.GuestName     `json:"guest,omitempty"`
	Status       module.RuntimeStatus `json:"status"`
	Description  string               `json:"description,omitempty"`
	Digest       string               `json:"digest,omitempty"`
	LastStart    string               `json:"lastStartTimeUtc,omitempty"`
	RestartCount int                  `json:"restartCount,omitempty"`
	Paused       bool                 `json:"paused,omitempty"`
	Slow         bool                 `json:"slow,omitempty"`
	Waiting      int                  `json:"waiting,omitempty"`
	Spooled      int                  `json:"spooled,omitempty"`
	Partitions   int                  `json:"partitions,omitempty"`
	Troubled     int                  `json:"troubled,omitempty"`
	In           int64                `json:"in"`
	Out          int64                `json:"out"`
	Dropped      int64                `json:"dropped"`
	DeadLetters  int64                `json:"deadLetters"`
	Traps        int64                `json:"traps"`
	Calls        int64                `json:"calls"`
	BusyMs       int64                `json:"busyMs"`
	MemoryBytes  int64                `json:"memoryBytes"`
}

func (a *statusAnswer) shorten() bool {
	if !halve(&a.Signals) {
		return false
	}
	a.paged()
	return true
}

// paged says that there are more signals than those.
func (a *statusAnswer) paged() {
	a.Truncated = true
	if len(a.Signals) > 0 {
		a.Next = string(a.Signals[len(a.Signals)-1].Name)
	}
}

func (m *Methods) status(_ context.Context, payload []byte) (any, error) {
	q := statusRequest{Limit: defaultPage}
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	if q.Limit < 0 || q.Limit > maxPage {
		return nil, badRequest("limit must be from 0 to 1000", "after names the last signal of the page before")
	}
	states := m.config.Signals.Snapshot()
	maps.DeleteFunc(states, func(name module.SignalName, s supervise.State) bool { return !q.wants(name, s) })
	a := &statusAnswer{Module: m.config.About(), Matching: len(states), Signals: []SignalState{}}
	names := slices.Sorted(maps.Keys(states))
	for _, name := range names[:min(len(names), q.Limit)] {
		a.Signals = append(a.Signals, stateOf(name, states[name]))
	}
	if len(a.Signals) < len(names) {
		a.paged()
	}
	return a, nil
}

func stateOf(name module.SignalName, s supervise.State) SignalState {
	state := SignalState{Name: name, Guest: s.Guest, Status: s.Status, Description: clip(s.Description, 1<<10), Digest: s.Digest,
		RestartCount: s.RestartCount, Paused: s.Paused, Slow: s.Slow, Waiting: s.Waiting, Spooled: s.Spooled,
		Partitions: s.Partitions, Troubled: s.Troubled, In: s.In, Out: s.Out, Dropped: s.Dropped, DeadLetters: s.DeadLetters,
		Traps: s.Traps, Calls: s.Calls, BusyMs: s.Busy.Milliseconds(), MemoryBytes: s.Memory}
	if !s.LastStart.IsZero() {
		state.LastStart = timeOf(s.LastStart)
	}
	return state
}

func timeOf(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type pingAnswer struct {
	Time    string             `json:"time"` // of the device, which a caller can compare with its own
	Runtime module.RuntimeInfo `json:"runtime"`
}

func (m *Methods) ping(_ context.Context, payload []byte) (any, error) {
	if err := decode(payload, &struct{}{}); err != nil {
		return nil, err
	}
	return pingAnswer{Time: timeOf(time.Now()), Runtime: m.config.About().Runtime}, nil
}
