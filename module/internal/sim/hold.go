package sim

import "time"

// What a fault can keep back of a client's answers.
const (
	heldAcks = iota // PUBACKs of what it publishes
	heldTwin        // answers to its twin requests
	heldKinds
)

// hold says what becomes of answers: they are kept back, come late, or neither.
type hold struct {
	on    bool
	delay time.Duration
}

// held is an answer that is kept back.
type held struct {
	due  time.Time // at the earliest
	send func()    // with the peer's lock held
}

// holding reports whether an answer of a kind cannot be sent at once: it would overtake others, or is kept back
// itself. The peer's lock is held.
func (c *connection) holding(kind int) bool {
	return len(c.held[kind]) > 0 || c.peer.holds[kind] != hold{}
}

// keep keeps an answer back. The peer's lock is held.
func (c *connection) keep(kind int, send func()) {
	if len(c.held[kind]) >= maxUnacked {
		c.end(errNotReading)
		return
	}
	due := time.Now().Add(c.peer.holds[kind].delay)
	c.held[kind] = append(c.held[kind], held{due: due, send: send})
	c.peer.due(due)
}

// letGo sends what is not to be kept back any longer, and returns when there is more to send, zero for never.
func (c *connection) letGo(now time.Time) (next time.Time) {
	for kind := range c.held {
		if c.peer.holds[kind].on {
			continue
		}
		list := c.held[kind]
		for len(list) > 0 && overdue(list[0].due, now) {
			list[0].send()
			list[0] = held{}
			list = list[1:]
		}
		c.held[kind] = list
		if len(list) > 0 {
			next = earlier(next, list[0].due)
		}
	}
	return next
}

// setHold changes what becomes of a module's answers from now on. Those of a connection that ends in the meantime are
// never sent.
func (h *Hub) setHold(module string, kind int, change func(*hold)) error {
	p, err := h.peer(module)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.holds[kind])
	if c, ok := p.link.(*connection); ok {
		p.due(c.letGo(time.Now()))
	}
	return nil
}
