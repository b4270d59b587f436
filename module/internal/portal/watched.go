package portal

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Bounds of what is kept of the signals that somebody looks at.
const (
	maxWatches   = 8
	pointsKept   = 4000
	messagesKept = 50
	watchPeriod  = 200 * time.Millisecond
	askPeriod    = time.Second // where the module is elsewhere, and logs that it was asked
	lingering    = time.Minute // that a signal is kept after the last look
)

var errTooManyWatches = errors.New("eight other signals are looked at")

// watched are the signals that somebody looks at: what came of their messages is gathered for all who look.
type watched struct {
	portal *Portal

	mu      sync.Mutex // guards what follows
	watches map[module.SignalName]*watch
}

// watch is one of them.
type watch struct {
	viewers int
	left    time.Time // when the last one did
	desired int64     // version of the twin that plotter is of
	plotter *plotter  // nil: the signal is not in the twin

	points   ring[Point]
	messages ring[Traced]
}

func newWatched(p *Portal) watched {
	return watched{portal: p, watches: make(map[module.SignalName]*watch)}
}

// enter begins to look at a signal. leave ends it.
func (w *watched) enter(name module.SignalName) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watches[name]
	if one == nil {
		if len(w.watches) >= maxWatches && !w.dropIdle() {
			return errTooManyWatches
		}
		one = &watch{points: newRing[Point](pointsKept), messages: newRing[Traced](messagesKept)}
		w.watches[name] = one
	}
	one.viewers++
	return nil
}

func (w *watched) leave(name module.SignalName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watches[name]
	one.viewers--
	one.left = time.Now()
}

// dropIdle makes room by a signal that nobody looks at now, and reports whether there was one. run ends its trace.
func (w *watched) dropIdle() bool {
	for name, one := range w.watches {
		if one.viewers == 0 {
			delete(w.watches, name)
			return true
		}
	}
	return false
}

// run gathers until ctx ends.
func (w *watched) run(ctx context.Context) {
	period := watchPeriod
	if w.portal.config.Module == nil {
		period = askPeriod
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	tracing := make(map[module.SignalName]bool)
	for {
		select {
		case <-ctx.Done():
			for name := range tracing {
				w.portal.detail.untrace(name)
			}
			return
		case now := <-ticker.C:
			w.gather(ctx, now, tracing)
		}
	}
}

// gather takes what is new of all watched signals, and ends the traces of those that are watched no more.
func (w *watched) gather(ctx context.Context, now time.Time, tracing map[module.SignalName]bool) {
	names := w.names(now)
	for name := range tracing {
		if !names[name] {
			w.portal.detail.untrace(name)
			delete(tracing, name)
		}
	}
	for name := range names {
		tracing[name] = true
		traced, err := w.portal.detail.traced(ctx, name)
		if err != nil || len(traced) == 0 { // the state tells why there is nothing
			continue
		}
		w.keep(name, traced)
	}
}

// names returns the signals that are watched now.
func (w *watched) names(now time.Time) map[module.SignalName]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	names := make(map[module.SignalName]bool, len(w.watches))
	for name, one := range w.watches {
		if one.viewers == 0 && now.Sub(one.left) > lingering {
			delete(w.watches, name)
			continue
		}
		names[name] = true
	}
	return names
}

func (w *watched) keep(name module.SignalName, traced []Traced) {
	document, version := w.portal.config.Hub.Desired(w.portal.config.Name)
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watches[name]
	if one == nil {
		return
	}
	if one.plotter == nil || one.desired != version {
		desired := twin.Parse(document, w.portal.config.Twin)
		one.desired, one.plotter = version, newPlotter(desired.Signals[name])
	}
	for i := range traced {
		one.plotter.plot(&traced[i], one.points.add)
		one.messages.add(traced[i])
	}
}

// seen is how far a stream has told of a watched signal.
type seen struct{ points, messages uint64 }

// Values is what is new of the signal that a stream looks at.
type Values struct {
	Signal   module.SignalName `json:"signal"`
	Points   []Point           `json:"points,omitempty"`
	Messages []Traced          `json:"messages,omitempty"`
	Missed   uint64            `json:"missed,omitempty"` // messages that were too many to be told
}

// messagesTold is how many messages of a signal a tick tells of: the newest.
const messagesTold = 10

// since returns what is new of a signal, or nil.
func (w *watched) since(name module.SignalName, s *seen) *Values {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := w.watches[name]
	if one == nil || one.points.next == s.points && one.messages.next == s.messages {
		return nil
	}
	limit := messagesTold
	if s.messages == 0 {
		limit = messagesKept
	}
	v := &Values{Signal: name}
	v.Points, _, s.points = one.points.since(s.points, pointsKept)
	v.Messages, v.Missed, s.messages = one.messages.since(s.messages, limit)
	return v
}

// readerOf returns what finds a signal's values, or nil.
func readerOf(s module.Signal) *signals.Reader {
	reader, err := signals.NewReader(s)
	if err != nil {
		return nil // the twin was refused, and says why
	}
	return reader
}
