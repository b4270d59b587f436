package journal

import (
	"slices"
	"sync"
	"time"
)

const (
	queueBytes = 16 << 20               // what may wait to be committed
	batchBytes = 1 << 20                // what is committed at once at most, if it is not one transaction
	owedBytes  = 1 << 20                // what may be tried again of what nobody waits for
	patience   = 100 * time.Millisecond // how long a transaction nobody waits for may wait for company
	retryAfter = time.Second            // until what failed is tried again if nothing else is committed
	idle       = time.Hour              // how long Run waits when it knows of nothing to do
)

// request is a transaction that was submitted.
type request struct {
	tx   *Tx
	done func(error) // nil if nobody waits
	err  error       // why it was refused
}

func (r request) finish(err error) {
	if r.done != nil {
		r.done(err)
	}
}

// queue holds what was submitted and not yet taken up.
type queue struct {
	wake  chan struct{} // capacity 1; full means that Run will look anyway
	batch int           // bytes that are taken at once, if it is not one transaction

	mu       sync.Mutex // guards what follows
	space    sync.Cond  // bytes went down, or closed
	requests []request
	bytes    int
	waiting  int       // requests that somebody waits for
	due      time.Time // when the requests are taken although nobody waits
	closed   bool
}

func newQueue(batch int) *queue {
	q := &queue{wake: make(chan struct{}, 1), batch: batch}
	q.space.L = &q.mu
	return q
}

// add adds a request, waits while the queue is full, and reports false if it is closed.
func (q *queue) add(r request) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes > 0 && q.bytes+len(r.tx.payload) > queueBytes && !q.closed {
		q.space.Wait()
	}
	if q.closed {
		return false
	}
	if len(q.requests) == 0 {
		q.due = time.Now().Add(patience)
	}
	q.requests = append(q.requests, r)
	q.count(r, 1)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true
}

// count adds sign times a request to what waits.
func (q *queue) count(r request, sign int) {
	q.bytes += sign * len(r.tx.payload)
	if r.done != nil {
		q.waiting += sign
	}
}

// take returns what is to be committed next, or nothing and how long nobody will mind.
func (q *queue) take() ([]request, time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Until(q.due)
	switch {
	case len(q.requests) == 0:
		return nil, idle
	case q.waiting == 0 && q.bytes < q.batch && wait > 0 && !q.closed:
		return nil, wait
	}
	n, bytes := 0, 0
	for n < len(q.requests) && (n == 0 || bytes+len(q.requests[n].tx.payload) <= q.batch) {
		bytes += len(q.requests[n].tx.payload)
		q.count(q.requests[n], -1)
		n++
	}
	batch := q.requests[:n:n]
	if q.requests = q.requests[n:]; len(q.requests) == 0 {
		q.requests = nil // so that what was committed can go
	}
	q.space.Broadcast()
	return batch, 0
}

// putBack has requests that nobody waits for, and that failed, committed again with the next ones. What is too much is
// dropped, and so is all once the queue is closed.
func (q *queue) putBack(owed []request) {
	q.mu.Lock()
	defer q.mu.Unlock()
	bytes := 0
	for i, r := range owed {
		if bytes += len(r.tx.payload); bytes > owedBytes || q.closed {
			owed = owed[:i]
			break
		}
		q.count(r, 1)
	}
	if len(owed) > 0 {
		q.requests = slices.Concat(owed, q.requests)
		q.due = time.Now().Add(retryAfter)
	}
}

// close has later requests refused.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.space.Broadcast()
}
