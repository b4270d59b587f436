package portal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Pace of a stream.
const (
	tickPeriod  = 250 * time.Millisecond
	manySignals = 200 // with more, and of a module elsewhere, states are told every fourth tick
	writeTime   = 10 * time.Second
	toldAtOnce  = 40 // messages of a tick
)

// Tick is what is new since the last one of a stream.
type Tick struct {
	Time     int64     `json:"time"` // in milliseconds since 1970
	Hub      HubState  `json:"hub"`
	Signals  []Signal  `json:"signals,omitempty"` // that are not as they were
	All      []string  `json:"all,omitempty"`     // names of the signals that there are, when those changed
	Values   *Values   `json:"values,omitempty"`
	Upstream []Message `json:"upstream,omitempty"`
	Missed   uint64    `json:"missed,omitempty"` // upstream messages that were too many to be told
	Letters  []Message `json:"letters,omitempty"`
	Events   []Event   `json:"events,omitempty"`
	Problem  string    `json:"problem,omitempty"` // why the states are not known
}

// stream is a browser that follows what happens.
type stream struct {
	portal *Portal
	signal module.SignalName // looked at; "" for none

	told                      map[module.SignalName]Signal
	seen                      seen
	upstream, letters, events uint64
	ticks                     int
}

// getStream answers with a tick as a server-sent event every quarter of a second, as fast as the browser takes them.
func (p *Portal) getStream(w http.ResponseWriter, r *http.Request) {
	select {
	case p.streams <- struct{}{}:
		defer func() { <-p.streams }()
	default:
		refuse(w, http.StatusServiceUnavailable, "sixteen pages are open already", "close one")
		return
	}
	s := &stream{portal: p, signal: module.SignalName(r.URL.Query().Get("signal")), told: make(map[module.SignalName]Signal)}
	if s.signal != "" {
		if err := p.watched.enter(s.signal); err != nil {
			refuse(w, http.StatusServiceUnavailable, err.Error(), "close another page")
			return
		}
		defer p.watched.leave(s.signal)
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	s.run(w, r)
}

func (s *stream) run(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	ticker := time.NewTicker(tickPeriod) // it drops ticks while a write waits
	defer ticker.Stop()
	for {
		line, err := json.Marshal(s.tick(r))
		if err != nil {
			return // what is told is texts and numbers
		}
		_ = control.SetReadDeadline(time.Time{}) // the request is read; without it the server ends the stream
		_ = control.SetWriteDeadline(time.Now().Add(writeTime))
		if _, err := fmt.Fprintf(w, "data: %s\n\n", line); err != nil || control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}

// tick gathers what is new.
func (s *stream) tick(r *http.Request) Tick {
	p := s.portal
	t := Tick{Time: time.Now().UnixMilli(), Hub: p.hubState()}
	if p.config.Module != nil && len(s.told) <= manySignals || s.ticks%4 == 0 {
		s.states(r, &t)
	}
	s.ticks++
	if s.signal != "" {
		t.Values = p.watched.since(s.signal, &s.seen)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	t.Upstream, t.Missed, s.upstream = p.upstream.since(s.upstream, s.limit(upstreamKept))
	t.Letters, _, s.letters = p.letters.since(s.letters, s.limit(lettersKept))
	t.Events, _, s.events = p.events.since(s.events, eventsKept)
	return t
}

// limit is how many messages a tick tells of: the first one all that is kept.
func (s *stream) limit(kept int) int {
	if s.ticks == 1 {
		return kept
	}
	return toldAtOnce
}

// states tells of the signals that are not as they were.
func (s *stream) states(r *http.Request, t *Tick) {
	states, err := s.portal.detail.signals(r.Context())
	if err != nil {
		t.Problem = err.Error()
		return
	}
	fresh := false
	for _, state := range states {
		before, known := s.told[state.Name]
		fresh = fresh || !known
		if before != state {
			t.Signals = append(t.Signals, state)
		}
	}
	if !fresh && len(states) == len(s.told) {
		for _, state := range t.Signals {
			s.told[state.Name] = state
		}
		return
	}
	clear(s.told)
	t.All = make([]string, 0, len(states))
	for _, state := range states {
		s.told[state.Name] = state
		t.All = append(t.All, string(state.Name))
	}
}
