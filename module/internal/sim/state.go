package sim

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// flushPeriod is how long a change that no client waits for is kept in memory at most.
const flushPeriod = 100 * time.Millisecond

// change is a step of the hub's state, or a part of all of it: one of its pointers is set.
type change struct {
	Module   string // "" for what waits for $upstream
	Message  *messageRecord
	Done     *doneRecord
	Session  *sessionRecord
	Twin     *twinRecord
	Counters *ModuleStats
}

// messageRecord is a message that was stored for an input or for $upstream.
type messageRecord struct {
	Input    string
	Priority int
	Number   uint64
	Expires  time.Time
	Body     []byte
	Topic    string // of an input

	From, Output string // of what waits for $upstream, and its properties and the time of its arrival
	Properties   edgehub.Properties
	Time         time.Time
}

// doneRecord says that no message of a queue is needed any more up to a number.
type doneRecord struct {
	Input    string
	Priority int
	Through  uint64
}

// sessionRecord holds a session's subscriptions; without a session there are none.
type sessionRecord struct {
	Present bool
	Granted map[string]byte
}

// twinRecord is a twin. Its sections are JSON objects.
type twinRecord struct {
	Deployed                        []byte // desired properties of the manifest
	Desired, Reported, Cached       []byte
	DesiredVersion, ReportedVersion int64
	CachedVersion                   int64 // 0 where there is no cached section
}

// restore takes up what an earlier hub has left in the directory, and begins a new journal.
func (h *Hub) restore() error {
	if !h.cfg.Keep {
		return nil
	}
	h.journal = newJournal(h.cfg.Dir, h.ledger)
	var problem error
	err := h.journal.read(func(r change) {
		if err := h.apply(r); err != nil && problem == nil {
			problem = err
		}
	})
	if err == nil {
		err = problem
	}
	if err != nil {
		return err
	}
	for _, p := range h.peers {
		p.restored()
	}
	h.uplink.restored()
	if err := h.rewrite(); err != nil {
		return err
	}
	h.uplink.mu.Lock()
	defer h.uplink.mu.Unlock()
	h.uplink.drain(time.Now()) // nothing says that IoT Hub cannot be reached any more
	return nil
}

// apply makes one change again. What the deployment does not have any more is left out.
func (h *Hub) apply(r change) error {
	if r.Module == "" {
		h.uplink.apply(r)
		return nil
	}
	p, ok := h.peers[r.Module]
	if !ok {
		return nil
	}
	switch {
	case r.Message != nil:
		if e := p.endpoints[r.Message.Input]; e != nil {
			e.queue(r.Message.Priority).put(r.Message)
		}
	case r.Done != nil:
		if e := p.endpoints[r.Done.Input]; e != nil {
			e.queue(r.Done.Priority).done(r.Done.Through)
		}
	case r.Session != nil:
		p.session = r.Session.session()
	case r.Twin != nil:
		if err := p.twin.restore(r.Twin); err != nil {
			return fmt.Errorf("read state of module %q: %w", r.Module, err)
		}
	case r.Counters != nil:
		p.counters = *r.Counters
	}
	return nil
}

// restored takes note of what a peer was left with.
func (p *peer) restored() {
	for _, e := range p.endpoints {
		count := 0
		for _, q := range e.queues {
			count += len(q.messages)
		}
		e.room = make(chan struct{}, max(p.hub.cfg.QueueLimit, count))
		for range count {
			e.room <- struct{}{}
		}
		p.hub.pending.add(count) // keepTime finds it
	}
}

// rewrite makes a new journal of what there is now. All of the hub stands still for it.
func (h *Hub) rewrite() error {
	h.uplink.mu.Lock()
	defer h.uplink.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(h.peers)) { // the only place that holds more than one
		h.peers[name].mu.Lock()
		defer h.peers[name].mu.Unlock()
	}
	return h.journal.rewrite(func(emit func(change)) {
		for _, q := range h.uplink.queues {
			q.emit("", "", emit)
		}
		for _, p := range h.peers {
			p.emit(emit)
		}
	})
}

// emit tells all there is to keep of a module.
func (p *peer) emit(emit func(change)) {
	emit(p.sessionRecord())
	emit(p.twinRecord())
	emit(p.countersRecord())
	for _, e := range p.endpoints {
		for _, q := range e.queues {
			q.emit(p.name, e.input, emit)
		}
	}
}

// keepState writes changes that nobody waits for, and rewrites the journal when it has grown, until ctx ends or
// something goes wrong.
func (h *Hub) keepState(ctx context.Context) error {
	if h.journal == nil && h.ledger == nil {
		return nil
	}
	ticker := time.NewTicker(flushPeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			if err := h.flush(); err != nil {
				return err
			}
		case <-h.journal.grown():
			if err := h.rewrite(); err != nil {
				return err
			}
		}
	}
}

// flush makes what has happened survive the end of the process.
func (h *Hub) flush() error {
	if h.journal == nil {
		return h.ledger.flush()
	}
	return h.journal.flush()
}

// grown tells that it is time to rewrite; a nil journal never grows.
func (j *journal) grown() <-chan struct{} {
	if j == nil {
		return nil
	}
	return j.full
}
