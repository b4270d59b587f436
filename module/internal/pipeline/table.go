package pipeline

import (
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Delivery is one copy of a message as edgeHub delivered it.
type Delivery struct {
	Input      module.InputName
	Message    module.Message
	Connection uint64    // which connection of this process brought it, counted from 1
	Received   time.Time // with its monotonic part
	Ack        func()    // acknowledges this copy; called exactly once, from any goroutine
}

// ErrTableFull means that more inputs are in flight than an edgeHub should ever have: the caller drops the connection.
var ErrTableFull = errors.New("too many inputs in flight")

// redeliveryAge is how long edgeHub certainly waits for an acknowledgement before it sends a message again (its
// MessageAckTimeoutSecs is 30): an equal message without identity that comes earlier on the same connection is another.
const redeliveryAge = 20 * time.Second

// table holds the inputs that are in flight: those whose results are pending, and those that are finished but may not
// be known to edgeHub as such because the connection went with the acknowledgement (2).
type table struct {
	limit int

	mu      sync.Mutex // guards what follows
	entries map[[sha256.Size]byte][]*entry
	unsure  []*entry // finished; edgeHub may deliver them once more; in order of finishing
	pending int
	ended   uint64 // inputs finished so far
}

// entry is one input, in all its copies.
type entry struct {
	table     *table
	input     module.InputName
	key       [sha256.Size]byte
	identity  string
	anonymous bool
	message   module.Message
	received  time.Time

	open atomic.Int32 // shares and results that are not finished; at 0 the input is

	// Guarded by table.mu.
	copies   []Delivery
	finished bool
	order    uint64 // among the finished
}

func newTable(limit int) *table {
	return &table{limit: limit, entries: make(map[[sha256.Size]byte][]*entry)}
}

// add takes a copy in. It returns the entry to work on, or nil where the copy belongs to one that is already known.
func (t *table) add(d Delivery) (*entry, error) {
	key := content(&d)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.settle(d.Connection)
	if known := t.match(key, &d); known != nil {
		t.attach(known, d)
		return nil, nil
	}
	t.forget(d.Input, d.Connection)
	if t.pending >= t.limit {
		return nil, ErrTableFull
	}
	e := &entry{table: t, input: d.Input, key: key, message: d.Message, received: d.Received, copies: []Delivery{d}}
	e.identity, e.anonymous = identify(d.Message.Properties)
	e.open.Store(1) // the dispatcher's
	t.entries[key] = append(t.entries[key], e)
	t.pending++
	return e, nil
}

// match finds the input that d is a copy of.
func (t *table) match(key [sha256.Size]byte, d *Delivery) *entry {
	for _, e := range t.entries[key] {
		last := e.copies[len(e.copies)-1]
		elsewhere := last.Connection != d.Connection
		if elsewhere || !e.finished && (!e.anonymous || d.Received.Sub(last.Received) >= redeliveryAge) {
			return e
		}
	}
	return nil
}

// attach adds a copy to an input that is known. Where its outcome is settled already the copy is acknowledged.
func (t *table) attach(e *entry, d Delivery) {
	e.copies = append(e.copies, d)
	if !e.finished {
		return
	}
	d.Ack()
	// edgeHub repeats in order: what was finished before this one on the same input is known to it.
	t.drop(func(u *entry) bool { return u.input == e.input && u.order < e.order })
}

// settle forgets the finished inputs whose acknowledgement edgeHub must have seen: it sends the next input on a
// connection only then.
func (t *table) settle(connection uint64) {
	t.drop(func(u *entry) bool { return u.copies[len(u.copies)-1].Connection == connection })
}

// forget drops the finished inputs of other connections once one arrives on the same input that is none of them: what
// is to be repeated comes first.
func (t *table) forget(input module.InputName, connection uint64) {
	t.drop(func(u *entry) bool { return u.input == input && u.copies[len(u.copies)-1].Connection != connection })
}

func (t *table) drop(gone func(*entry) bool) {
	if len(t.unsure) == 0 {
		return
	}
	t.unsure = slices.DeleteFunc(t.unsure, func(u *entry) bool {
		if !gone(u) {
			return false
		}
		t.remove(u)
		return true
	})
}

func (t *table) remove(e *entry) {
	rest := slices.DeleteFunc(t.entries[e.key], func(other *entry) bool { return other == e })
	if len(rest) == 0 {
		delete(t.entries, e.key)
	} else {
		t.entries[e.key] = rest
	}
}

// retain says that one more share or result of the input is open.
func (e *entry) retain() { e.open.Add(1) }

// release says that one is finished. The last one acknowledges all copies.
func (e *entry) release() {
	if e.open.Add(-1) > 0 {
		return
	}
	for _, c := range e.finish() {
		c.Ack()
	}
}

// finish settles the input and returns the copies to acknowledge. One that comes later is acknowledged as it comes.
func (e *entry) finish() []Delivery {
	t := e.table
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending--
	t.ended++
	t.unsure = append(t.unsure, e)
	e.finished, e.order = true, t.ended
	e.message = module.Message{} // nobody needs it any more
	copies := e.copies
	e.copies = []Delivery{copies[len(copies)-1]}
	return copies
}

// waiting returns how many inputs are not finished.
func (t *table) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending
}
