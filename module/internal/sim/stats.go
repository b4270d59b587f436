package sim

import "maps"

// Stats is what has happened at the hub so far.
type Stats struct {
	Modules map[string]ModuleStats
}

// ModuleStats counts what has happened with one module.
type ModuleStats struct {
	Connected bool // now

	// Messages for its inputs.
	Delivered   int64          // handed over, repeats included
	Redelivered int64          // handed over again
	Acked       int64          // acknowledged by the module
	Overdue     int64          // not acknowledged in time
	Expired     int64          // thrown away because their time to live was over
	Rejected    int64          // thrown away because no subscription took the input's topic
	Queued      map[string]int // by input: stored and not known for ever to be acknowledged, now

	// Messages from its outputs.
	Received  int64 // well-formed ones
	Upstream  int64 // of those, how many went to $upstream
	Dropped   int64 // of those, how many were thrown away because no route took them
	Discarded int64 // malformed ones, acknowledged and thrown away
}

// Stats returns the counters. Each module's are of one moment.
func (h *Hub) Stats() Stats {
	stats := Stats{Modules: make(map[string]ModuleStats, len(h.peers))}
	for name, p := range h.peers {
		stats.Modules[name] = p.stats()
	}
	return stats
}

func (p *peer) stats() ModuleStats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.counters
	stats.Connected = p.link != nil
	stats.Queued = maps.Collect(func(yield func(string, int) bool) {
		for input, e := range p.endpoints {
			if !yield(input, e.waiting()) {
				return
			}
		}
	})
	return stats
}
