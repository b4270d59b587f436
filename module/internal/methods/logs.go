package methods

import (
	"context"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const (
	defaultLines = 50
	maxLines     = 200
)

type logsRequest struct {
	Guest  module.GuestName  `json:"guest"`
	Signal module.SignalName `json:"signal"` // of it alone
	Lines  int               `json:"lines"`
}

type logsAnswer struct {
	Guest     module.GuestName `json:"guest"`
	Lines     []Line           `json:"lines"` // oldest first
	Truncated bool             `json:"truncated,omitempty"`
}

// shorten leaves the newer half.
func (a *logsAnswer) shorten() bool {
	a.Truncated = true
	if len(a.Lines) == 0 {
		return false
	}
	a.Lines = a.Lines[(len(a.Lines)+1)/2:]
	return true
}

func (m *Methods) logs(_ context.Context, payload []byte) (any, error) {
	q := logsRequest{Lines: defaultLines}
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	switch {
	case q.Guest == "":
		return nil, badRequest("guest is missing", `for example {"guest":"threshold","lines":20}`)
	case q.Lines < 1 || q.Lines > maxLines:
		return nil, badRequest("lines must be from 1 to 200", "that many are remembered")
	}
	lines := m.config.Signals.Logged(q.Guest, maxLines)
	if len(lines) == 0 && len(m.signalsOf(q.Guest)) == 0 {
		return nil, notFound("no signal at work has the guest "+strconv.Quote(string(q.Guest)), "the method status lists the signals and their guests")
	}
	a := &logsAnswer{Guest: q.Guest, Lines: []Line{}}
	for _, l := range lines {
		if q.Signal == "" || q.Signal == l.Signal {
			a.Lines = append(a.Lines, Line{Time: timeOf(l.Time), Level: levelOf(l.Level), Signal: string(l.Signal), Text: l.Text})
		}
	}
	a.Lines = a.Lines[max(0, len(a.Lines)-q.Lines):]
	return a, nil
}
