package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// summary is the last object of --json.
type summary struct {
	Type        string `json:"type"`              // "summary"
	Sent        int64  `json:"sent"`              // by the sensors
	Received    int64  `json:"received"`          // by the module, repeats not counted
	Acked       int64  `json:"acked"`             // of those
	Upstream    int64  `json:"upstream"`          // messages of the module that reached $upstream
	DeadLetters int64  `json:"deadLetters"`       // of those
	Spooled     int    `json:"spooled,omitempty"` // messages that wait in the spools of signals that do not run, or are slow
	DurationMs  int64  `json:"durationMs"`
}

func (s summary) String() string {
	spooled := ""
	if s.Spooled > 0 {
		spooled = fmt.Sprintf(", %d in spools", s.Spooled)
	}
	return fmt.Sprintf("%d sent, %d received, %d acknowledged, %d upstream, %s%s in %v", s.Sent, s.Received, s.Acked, s.Upstream,
		count(int(s.DeadLetters), "dead letter"), spooled, (time.Duration(s.DurationMs) * time.Millisecond).Round(100*time.Millisecond))
}

func (s *simulation) summary() summary {
	stats := s.hub.Stats()
	ours := stats.Modules[s.command.Module]
	total := summary{
		Type: "summary", Received: ours.Delivered - ours.Redelivered, Acked: ours.Acked, Upstream: ours.Upstream,
		DeadLetters: s.letters.Load(), DurationMs: time.Since(s.started).Milliseconds(),
	}
	for _, name := range s.sources {
		total.Sent += stats.Modules[name].Received
	}
	if s.module != nil {
		for _, signal := range s.module.Signals() {
			total.Spooled += signal.Spooled
		}
	}
	return total
}

// snapshot is what people are shown.
type snapshot struct {
	summary
	module    string
	elsewhere bool // the module is in another process: only the hub's side is known
	connected bool
	desired   int64 // version that the hub has
	answered  int64 // version that the module has answered
	status    module.DesiredStatus
	rows      []row // by name
}

// row is a signal.
type row struct {
	name, guest           string
	status                module.RuntimeStatus
	description           string
	in, out, dropped, bad int64
}

// starting is what is shown of a signal until the module says something: its guest is being compiled.
const starting module.RuntimeStatus = "starting"

// well reports whether there is nothing to look at.
func (r row) well() bool {
	return r.status == module.Running && r.description == "" || r.status == module.Stopped
}

// condition is how the signal is, in words.
func (r row) condition() string {
	if r.description == "" {
		return string(r.status)
	}
	return string(r.status) + ": " + r.description
}

func (s *simulation) snapshot() snapshot {
	document, version := s.hub.Desired(s.command.Module)
	shot := snapshot{
		summary: s.summary(), module: s.command.Module, elsewhere: s.module == nil,
		connected: s.hub.Stats().Modules[s.command.Module].Connected, desired: version,
	}
	if s.module != nil {
		reported := s.module.Reported()
		shot.answered, shot.status = reported.LastDesiredVersion, reported.LastDesiredStatus
		shot.rows = s.rows(twin.Parse(document, atHand(s.command.Module, s.command.Guests)), reported)
	}
	return shot
}

// rows are the signals that the module reports, and those that it was told of and has not come to yet.
func (s *simulation) rows(desired module.Desired, reported module.Reported) []row {
	states := s.module.Signals()
	var rows []row
	for name, entry := range reported.Signals {
		state := states[name]
		r := row{name: string(name), guest: string(state.Guest), status: entry.RuntimeStatus, description: entry.StatusDescription,
			in: state.In, out: state.Out, dropped: state.Dropped, bad: state.DeadLetters}
		if r.status == module.Unknown {
			r.status = starting
		}
		rows = append(rows, r)
	}
	for name, signal := range desired.Signals {
		if _, known := reported.Signals[name]; !known {
			rows = append(rows, row{name: string(name), guest: string(signal.Guest), status: starting})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.name, b.name) })
	return rows
}
