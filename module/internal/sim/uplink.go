package sim

import (
	"context"
	"slices"
	"sync"
	"time"
)

// uplink is the hub's way to IoT Hub. While it is cut, what is for $upstream waits in order, and is acknowledged to
// its senders all the same.
type uplink struct {
	hub  *Hub
	room chan struct{} // a token for each message that waits; its capacity is the limit

	mu      sync.Mutex // guards the fields below; it is taken before a peer's
	queues  []*queue   // by priority, first ones first
	twinGet time.Duration
	online  chan struct{} // closed while IoT Hub is reachable
}

func newUplink(h *Hub) *uplink {
	online := make(chan struct{})
	close(online)
	return &uplink{hub: h, room: make(chan struct{}, h.cfg.QueueLimit), online: online}
}

// put sends a message to IoT Hub, or keeps it until that is possible. It waits while too many wait.
func (u *uplink) put(ctx context.Context, priority int, expires time.Time, up Upstream) error {
	if u.sendNow(up) {
		return nil
	}
	select {
	case u.room <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-u.hub.stopped:
		return ErrStopped
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	q := queueOf(&u.queues, priority)
	m := &message{up: &up, expires: expires}
	u.hub.journal.append(change{Message: m.record("", priority, q.push(m))})
	if !u.cut() {
		u.drain(time.Now())
	}
	return nil
}

// sendNow sends a message that nothing waits before.
func (u *uplink) sendNow(up Upstream) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.cut() || slices.ContainsFunc(u.queues, func(q *queue) bool { return len(q.messages) > 0 }) {
		return false
	}
	u.send(up)
	return true
}

func (u *uplink) send(up Upstream) {
	if p, ok := u.hub.peers[up.Module]; ok { // or it was in the deployment once
		p.upstream()
	}
	u.hub.observe.upstream(up)
	u.hub.ledger.upstream(up)
}

// drain sends what waits, ten between checkpoints.
func (u *uplink) drain(now time.Time) {
	for _, q := range u.queues {
		u.settle(q, q.expire(now, u.hub.ledger.expired))
		for q.waiting() > 0 {
			m := q.peek()
			q.take()
			q.ack()
			u.send(*m.up)
			if q.acked == batchSize || q.waiting() == 0 {
				u.settle(q, q.checkpoint())
			}
		}
	}
}

// settle makes room after n messages left a queue.
func (u *uplink) settle(q *queue, n int) {
	if n == 0 {
		return
	}
	for range n {
		<-u.room
	}
	u.hub.journal.append(change{Done: &doneRecord{Priority: q.priority, Through: q.first - 1}})
}

// cut tells whether IoT Hub cannot be reached.
func (u *uplink) cut() bool {
	select {
	case <-u.online:
		return false
	default:
		return true
	}
}

// set cuts the uplink, or mends it and sends what has waited. A twin GET then takes so long before edgeHub gives up on
// IoT Hub and answers from its store.
func (u *uplink) set(offline bool, twinGet time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.twinGet = twinGet
	switch cut := u.cut(); {
	case offline && !cut:
		u.online = make(chan struct{})
	case !offline && cut:
		close(u.online)
		u.drain(time.Now())
	}
}

func (u *uplink) offline() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.cut()
}

// reach waits until IoT Hub answers or edgeHub gives up on it, and reports which.
func (u *uplink) reach(ctx context.Context) bool {
	u.mu.Lock()
	online, wait := u.online, u.twinGet
	u.mu.Unlock()
	select {
	case <-online:
		return true
	default:
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-online:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// apply makes a change again that an earlier hub had made.
func (u *uplink) apply(r change) {
	switch {
	case r.Message != nil:
		queueOf(&u.queues, r.Message.Priority).put(r.Message)
	case r.Done != nil:
		queueOf(&u.queues, r.Done.Priority).done(r.Done.Through)
	}
}

// restored takes note of what an earlier hub has left.
func (u *uplink) restored() {
	count := 0
	for _, q := range u.queues {
		count += len(q.messages)
	}
	u.room = make(chan struct{}, max(u.hub.cfg.QueueLimit, count))
	for range count {
		u.room <- struct{}{}
	}
}
