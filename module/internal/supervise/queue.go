package supervise

import (
	"sync"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// queueLength is how many shares wait for a signal. When it is full the giver waits: back-pressure up to edgeHub.
const queueLength = 64

// queue holds the shares that wait for a runner, in order.
type queue struct {
	ready chan struct{} // capacity 1: there is a share, or the queue is closed

	mu     sync.Mutex // guards what follows
	room   sync.Cond
	shares []*pipeline.Share
	closed bool
}

func newQueue() *queue {
	q := &queue{ready: make(chan struct{}, 1)}
	q.room.L = &q.mu
	return q
}

// put waits for room and reports false when the queue is closed.
func (q *queue) put(s *pipeline.Share) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.shares) >= queueLength && !q.closed {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.shares = append(q.shares, s)
	q.signal()
	return true
}

// take returns the next share, or nil. Where more are left ready is filled again.
func (q *queue) take() *pipeline.Share {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.shares) == 0 {
		return nil
	}
	s := q.shares[0]
	q.shares[0] = nil
	q.shares = q.shares[1:]
	if len(q.shares) > 0 {
		q.signal()
	}
	q.room.Signal()
	return s
}

// close refuses further shares; what is in the queue can still be taken.
func (q *queue) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.room.Broadcast()
}

func (q *queue) signal() {
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.shares)
}
