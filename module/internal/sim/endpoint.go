package sim

import (
	"context"
	"slices"
	"time"
)

// endpoint is an input of a module: what routes have stored for it, and the delivery of it.
//
//	         put                       window free, module there
//	idle ──────────▶ waiting ────────────────────────────────▶ in flight
//	 ▲                  ▲  │ module not there                    │  │
//	 │                  │  ▼                                     │  │ no acknowledgement in time,
//	 │   retryAt came   │ failing ◀──────────────────────────────┼──┘ connection closed by the hub
//	 └──────────────────┴────────────────────────────────────────┘
//	                          acknowledged
//
// A failing endpoint waits out its backoff; a module that comes back does not wake it (RoutingModule.cs of edgeHub
// has no such signal). When one delivery fails, all that are in flight go back: order is kept by repeating, not by
// skipping. The peer's lock guards everything but room.
type endpoint struct {
	peer  *peer
	input string
	room  chan struct{} // a token for each stored message; its capacity is the endpoint's limit

	queues   []*queue    // by priority, first ones first
	batch    batch       // that is being worked off
	inFlight []*delivery // oldest first
	last     *message    // that was acknowledged
	failures int         // in a row
	retryAt  time.Time   // end of the backoff; zero when not failing
	listed   bool        // in peer.ready
}

// message is a message stored for an endpoint.
type message struct {
	topic   string    // its input topic, property bag included
	up      *Upstream // what waits for $upstream, and has neither topic nor body of its own
	body    []byte
	expires time.Time // zero for never
	sent    int       // how often it was delivered
}

// delivery is one copy of a message on its way to a module.
type delivery struct {
	endpoint *endpoint
	queue    *queue
	link     link
	deadline time.Time // of its acknowledgement
	given    bool      // given up: an acknowledgement that still comes means nothing
}

// put stores m for the endpoint. It waits while the endpoint is full.
func (e *endpoint) put(ctx context.Context, priority int, m *message) error {
	select {
	case e.room <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.peer.hub.stopped:
		return ErrStopped
	}
	e.peer.hub.pending.add(1)
	e.peer.mu.Lock()
	defer e.peer.mu.Unlock()
	e.peer.hub.ledger.input("stored", e, m)
	number := e.queue(priority).push(m)
	if journal := e.peer.hub.journal; journal != nil { // or else the record would be made in vain
		journal.append(change{Module: e.peer.name, Message: m.record(e.input, priority, number)})
	}
	e.list()
	e.peer.pump(time.Now())
	return nil
}

// queue returns the queue of a priority. There are as many as the routes into this endpoint have priorities.
func (e *endpoint) queue(priority int) *queue {
	return queueOf(&e.queues, priority)
}

// queueOf returns the queue of a priority among others that are sorted by it.
func queueOf(queues *[]*queue, priority int) *queue {
	i, found := slices.BinarySearchFunc(*queues, priority, func(q *queue, p int) int { return q.priority - p })
	if !found {
		*queues = slices.Insert(*queues, i, newQueue(priority))
	}
	return (*queues)[i]
}

// list puts the endpoint among those that are served next, if it has something to send and may. One that has filled
// the window by itself waits for an acknowledgement first, and so comes after the others that wait.
func (e *endpoint) list() {
	busy := e.stranded() || len(e.inFlight) >= e.peer.hub.cfg.InFlight
	if !e.listed && !busy && e.retryAt.IsZero() && e.next(time.Now()) != nil {
		e.listed = true
		e.peer.ready = append(e.peer.ready, e)
	}
}

// stranded tells whether deliveries are out on a connection that is gone. edgeHub does not notice that a client closed
// it: they keep the endpoint busy until their acknowledgement is overdue.
func (e *endpoint) stranded() bool {
	return len(e.inFlight) > 0 && e.inFlight[0].link != e.peer.link
}

// send delivers the next message, or finds that the module is not there to take it.
func (e *endpoint) send(now time.Time) {
	q := e.next(now)
	if q == nil {
		return
	}
	link, m := e.peer.link, q.peek()
	if link == nil || !link.wantsInputs() {
		e.fail(now)
		return
	}
	d := &delivery{endpoint: e, queue: q, link: link, deadline: now.Add(e.peer.hub.cfg.AckTimeout)}
	e.inFlight = append(e.inFlight, d)
	q.take()
	e.peer.count(m)
	e.peer.hub.ledger.input("sent", e, m)
	switch link.deliver(d, m) {
	case delivered:
		e.peer.due(d.deadline)
	case finished:
		e.acked(d)
	case rejected:
		e.peer.counters.Rejected++
		e.finish(d, "rejected")
	}
}

// acked takes note of an acknowledgement.
func (e *endpoint) acked(d *delivery) {
	e.peer.counters.Acked++
	e.failures = 0
	e.last = e.finish(d, "acked")
}

// finish is done with the message of the oldest delivery in flight, which d is: acknowledgements come in order.
func (e *endpoint) finish(d *delivery, event string) *message {
	e.inFlight = slices.Delete(e.inFlight, 0, 1)
	m := d.queue.ack()
	e.peer.hub.ledger.input(event, e, m)
	e.worked(d.queue)
	return m
}

// settle makes room after n messages left a queue of the endpoint.
func (e *endpoint) settle(q *queue, n int) {
	if journal := e.peer.hub.journal; journal != nil { // or else the records would be made in vain
		journal.append(change{Module: e.peer.name, Done: &doneRecord{Input: e.input, Priority: q.priority, Through: q.first - 1}})
		journal.append(e.peer.countersRecord())
	}
	for range n {
		<-e.room
	}
	e.peer.hub.pending.add(-n)
}

// fail gives up what is in flight and starts the backoff. What was acknowledged before is checkpointed.
func (e *endpoint) fail(now time.Time) {
	e.giveUp()
	for _, q := range e.queues {
		q.rewind()
		e.checkpoint(q)
	}
	e.retryAt = now.Add(backoff(e.peer.hub.cfg, e.failures))
	e.failures++
	e.peer.due(e.retryAt)
}

// giveUp has acknowledgements of what is in flight mean nothing any more.
func (e *endpoint) giveUp() {
	for _, d := range e.inFlight {
		d.given = true
		d.link.release()
	}
	e.inFlight = nil
}

// backoff is the wait after a failure that follows n others: RetryMin, doubling up to RetryMax.
func backoff(cfg Config, n int) time.Duration {
	wait := cfg.RetryMin
	for ; n > 0 && wait < cfg.RetryMax; n-- {
		wait *= 2
	}
	return min(wait, cfg.RetryMax)
}

// tick does what is due at now and returns when to look again.
func (e *endpoint) tick(now time.Time) (next time.Time) {
	if len(e.inFlight) > 0 && overdue(e.inFlight[0].deadline, now) {
		e.peer.counters.Overdue++
		e.peer.log.Warn().Str("input", e.input).Msg("input was not acknowledged in time, it will be delivered again")
		e.fail(now)
	}
	if overdue(e.retryAt, now) {
		e.retryAt = time.Time{}
	}
	e.list()
	switch {
	case !e.retryAt.IsZero():
		return e.retryAt
	case len(e.inFlight) > 0:
		return e.inFlight[0].deadline
	}
	return time.Time{}
}

// waiting is how many messages the endpoint holds, those in flight included.
func (e *endpoint) waiting() int { return len(e.room) }
