package sim

import "time"

// batch is what edgeHub has read of one queue and works off before it looks at another, whatever its priority
// (StoringAsyncEndpointExecutor.cs). It is checkpointed when all of it is acknowledged, or when a delivery fails and
// the rest has to wait (EndpointExecutorFsm.cs). A message that was read does not expire any more.
//
// A window wider than edgeHub's knows no batches: whatever waits fills it, and every ten acknowledgements are
// checkpointed.
type batch struct {
	queue *queue // nil between batches
	left  int    // messages that are not acknowledged yet
}

// begin reads the next batch of the queue of the highest priority that has something. There may be nothing.
func (e *endpoint) begin(now time.Time) {
	for _, q := range e.queues {
		e.expire(q, now)
		if n := q.waiting(); n > 0 {
			e.batch = batch{queue: q, left: min(n, batchSize)}
			return
		}
	}
}

// next returns the queue whose turn it is, nil where nothing waits.
func (e *endpoint) next(now time.Time) *queue {
	if e.peer.hub.cfg.InFlight == 1 {
		if e.batch.queue == nil {
			e.begin(now)
		}
		return e.batch.queue
	}
	for _, q := range e.queues {
		e.expire(q, now)
		if q.waiting() > 0 {
			return q
		}
	}
	return nil
}

// expire forgets messages that have outlived their time.
func (e *endpoint) expire(q *queue, now time.Time) {
	if n := q.expire(now, func(m *message) { e.peer.hub.ledger.input("expired", e, m) }); n > 0 {
		e.peer.counters.Expired += int64(n)
		e.settle(q, n)
	}
}

// worked takes note that a message of q is done with, and makes the checkpoint that is due after it.
func (e *endpoint) worked(q *queue) {
	if e.batch.queue == q {
		if e.batch.left--; e.batch.left > 0 {
			return
		}
		e.batch = batch{}
	} else if q.acked < batchSize && q.taken > 0 {
		return
	}
	e.checkpoint(q)
}

// checkpoint makes what is acknowledged survive the end of the hub.
func (e *endpoint) checkpoint(q *queue) {
	if n := q.checkpoint(); n > 0 {
		e.settle(q, n)
	}
}
