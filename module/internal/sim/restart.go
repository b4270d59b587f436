package sim

import (
	"errors"
	"time"
)

var errRestarted = errors.New("hub restarted")

// Restart does to the modules what killing edgeHub does, and starting it again after down: connections break, what was
// acknowledged since the last checkpoint comes again, up to ten messages for each input, and backoffs begin anew.
// Sessions, twins and what waits are kept, as edgeHub keeps them on disk. The simulated sensors live on and wait.
func (h *Hub) Restart(down time.Duration) {
	h.listener.shut(down)
	for _, p := range h.peers {
		p.restart(time.Now().Add(down))
	}
}

// restart forgets what is not on disk.
func (p *peer) restart(again time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c, ok := p.link.(*connection); ok {
		p.leave(c, errRestarted)
	}
	p.ready = nil
	for _, e := range p.endpoints {
		e.restart(again)
	}
}

func (e *endpoint) restart(again time.Time) {
	e.giveUp()
	for _, q := range e.queues {
		q.forget()
	}
	e.batch = batch{}
	e.failures = 0
	e.listed = false
	e.retryAt = again
	e.peer.due(again)
}
