package sim

import "time"

// batchSize is how many messages edgeHub reads of a queue at a time (AsyncEndpointExecutorOptions).
const batchSize = 10

// queue holds the messages of one priority in order:
//
//	acknowledged │ in flight │ waiting
//	├── acked ───┼── taken ──┤
//
// What is acknowledged stays until the checkpoint, because a hub that is killed before it does not know of it. What is
// in flight stays where it is, so that a failure merely steps back.
type queue struct {
	priority int
	messages []*message
	first    uint64 // number of messages[0]; numbers count up from 1 and are never used again
	acked    int
	taken    int
}

func newQueue(priority int) *queue { return &queue{priority: priority, first: 1} }

// push appends a message and returns its number.
func (q *queue) push(m *message) uint64 {
	q.messages = append(q.messages, m)
	return q.first + uint64(len(q.messages)) - 1
}

// waiting is how many messages are neither acknowledged nor in flight.
func (q *queue) waiting() int { return len(q.messages) - q.acked - q.taken }

// peek returns the next message to send. There must be one.
func (q *queue) peek() *message { return q.messages[q.acked+q.taken] }

// take moves the message that peek returned in flight.
func (q *queue) take() { q.taken++ }

// ack takes note that the oldest message in flight is done with, and returns it.
func (q *queue) ack() *message {
	m := q.messages[q.acked]
	q.acked++
	q.taken--
	return m
}

// rewind takes back all that is in flight.
func (q *queue) rewind() { q.taken = 0 }

// forget takes back all that has happened since the last checkpoint.
func (q *queue) forget() { q.acked, q.taken = 0, 0 }

// checkpoint forgets what is acknowledged, and returns how many messages that were.
func (q *queue) checkpoint() int {
	n := q.acked
	q.acked = 0
	q.drop(n)
	return n
}

// expire forgets messages from the front that have outlived their time, tells of each, and returns how many. Those behind one that is
// in flight, or acknowledged and not yet forgotten, have to wait for it.
func (q *queue) expire(now time.Time, tell func(*message)) int {
	n := 0
	for q.acked+q.taken == 0 && n < len(q.messages) && !q.messages[n].expires.IsZero() && now.After(q.messages[n].expires) {
		tell(q.messages[n])
		n++
	}
	q.drop(n)
	return n
}

func (q *queue) drop(n int) {
	clear(q.messages[:n])
	q.messages = q.messages[n:]
	q.first += uint64(n)
}
