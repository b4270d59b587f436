package sim

import "time"

// queue holds the messages of one priority in order. The first of them may be in flight; they stay where they are
// until they are acknowledged, so that a failure merely steps back.
type queue struct {
	priority int
	messages []*message
	taken    int // how many of them, from the front, are in flight
}

func (q *queue) push(m *message) { q.messages = append(q.messages, m) }

// peek returns the next message to send, nil where there is none.
func (q *queue) peek() *message {
	if q.taken == len(q.messages) {
		return nil
	}
	return q.messages[q.taken]
}

// take moves the message that peek returned in flight.
func (q *queue) take() { q.taken++ }

// pop forgets the oldest message, which is in flight.
func (q *queue) pop() {
	q.messages[0] = nil
	q.messages = q.messages[1:]
	q.taken--
}

// rewind takes back all that is in flight.
func (q *queue) rewind() { q.taken = 0 }

// expire forgets messages from the front that have outlived their time and returns how many. Those behind one that is
// in flight have to wait for it.
func (q *queue) expire(now time.Time) int {
	n := 0
	for q.taken == 0 && len(q.messages) > 0 && !q.messages[0].expires.IsZero() && now.After(q.messages[0].expires) {
		q.messages = q.messages[1:]
		n++
	}
	return n
}
