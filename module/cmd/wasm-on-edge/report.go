package main

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// summary is the last object of --json.
type summary struct {
	Type        string `json:"type"`        // "summary"
	Sent        int64  `json:"sent"`        // by the sensors
	Received    int64  `json:"received"`    // by the module, repeats not counted
	Acked       int64  `json:"acked"`       // of those
	Upstream    int64  `json:"upstream"`    // messages of the module that reached $upstream
	DeadLetters int64  `json:"deadLetters"` // of those
	DurationMs  int64  `json:"durationMs"`
}

func (s *simulation) summary() summary {
	stats := s.hub.Stats()
	ours := stats.Modules[s.command.Module]
	total := summary{
		Type: "summary", Received: ours.Delivered - ours.Redelivered, Acked: ours.Acked, Upstream: ours.Upstream,
		DeadLetters: s.output.deadLetters(), DurationMs: time.Since(s.started).Milliseconds(),
	}
	for _, name := range s.sources {
		total.Sent += stats.Modules[name].Received
	}
	return total
}

// snapshot is what the screen shows.
type snapshot struct {
	summary
	connected bool
	version   int64 // of desired
	status    module.DesiredStatus
	signals   map[module.SignalName]supervise.State
}

func (s *simulation) snapshot() snapshot {
	shot := snapshot{summary: s.summary(), connected: s.hub.Stats().Modules[s.command.Module].Connected}
	if s.module != nil {
		reported := s.module.Reported()
		shot.version, shot.status, shot.signals = reported.LastDesiredVersion, reported.LastDesiredStatus, s.module.Signals()
	}
	return shot
}
