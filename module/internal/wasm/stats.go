package wasm

import (
	"sync/atomic"
	"time"
)

// Stats tell what a host has done since it was made, and what it holds.
type Stats struct {
	Cached, Compiled, Refused int64         // guests: whose code was in the cache, was made, could not be made
	Compiling                 time.Duration // by the clock, of those that were compiled or refused
	CacheBytes                int64         // of compiled code on disk
	Instances                 int
	Memory, MemoryLimit       int64 // bytes: what the limits of all instances come to, and may come to
}

// compiles count what came of compiling.
type compiles struct{ cached, compiled, refused, nanoseconds atomic.Int64 }

// took counts a compiler that ended.
func (c *compiles) took(since time.Time, ok bool) {
	c.nanoseconds.Add(int64(time.Since(since)))
	if ok {
		c.compiled.Add(1)
	} else {
		c.refused.Add(1)
	}
}

// Stats returns the host's counts. It reads the cache's directory: it is for those who ask now and then.
func (h *Host) Stats() Stats {
	s := Stats{Cached: h.compiles.cached.Load(), Compiled: h.compiles.compiled.Load(), Refused: h.compiles.refused.Load(),
		Compiling: time.Duration(h.compiles.nanoseconds.Load()), MemoryLimit: h.admission.total.memory}
	if h.cache.dir != "" {
		s.CacheBytes = h.cache.size()
	}
	h.admission.mu.Lock()
	defer h.admission.mu.Unlock()
	s.Instances, s.Memory = h.admission.instances, h.admission.taken.memory
	return s
}
