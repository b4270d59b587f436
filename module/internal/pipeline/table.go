package pipeline

import (
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// Delivery is one copy of a message as edgeHub delivered it.
type Delivery struct {
	Input      module.InputName
	Message    module.Message
	Connection uint64    // which connection of this process brought it, counted from 1
	Received   time.Time // with its monotonic part
	Ack        func()    // acknowledges this copy, from any goroutine; nothing once the connection has ended
}

// ErrTableFull means that more inputs are in flight than an edgeHub should ever have: the caller drops the connection.
var ErrTableFull = errors.New("too many inputs in flight")

const (
	// ackTimeout is how long edgeHub waits for an acknowledgement before it sends a message again (its
	// MessageAckTimeoutSecs). One that leaves later counts for nothing.
	ackTimeout = 30 * time.Second

	// remembered is how many finished inputs with an identity are known when they come again. Those whose
	// acknowledgement may be lost are among as many as edgeHub has in flight: one, or the simulator's 64.
	remembered = 256
)

// table holds the inputs that are in flight: those whose results are pending, and those that are finished but may not
// be known to edgeHub as such because the connection went with the acknowledgement (2).
//
// An input without an identity of its own is known by its content alone, and a reading that is equal to it may be the
// next one. So once it is finished it stays only while its acknowledgement has not left in time, as far as can be known.
// That leaves one that was lost on its way: such an input runs again, since the other choice would lose a reading (4).
type table struct {
	limit int

	mu       sync.Mutex // guards what follows
	entries  map[[sha256.Size]byte][]*entry
	recent   [remembered]*entry // finished, with an identity; a ring
	ended    uint64             // inputs that went into recent so far
	doubtful []*entry           // finished, without an identity, and the acknowledgement has not left
	owed     []copied           // on the newest connection: acknowledgements leave in order of arrival
	pending  int
	arrived  uint64 // inputs so far
	newest   uint64 // connection, as far as is known: edgeHub has closed those before it
}

// entry is one input, in all its copies.
type entry struct {
	table     *table
	input     module.InputName
	key       [sha256.Size]byte
	identity  string
	anonymous bool
	message   module.Message
	content   *signals.Content // of the message, for all signals that read it
	received  time.Time
	number    uint64 // in order of arrival

	open atomic.Int32 // shares and results that are not finished; at 0 the input is

	// Guarded by table.mu.
	acks       []func()  // of the copies that wait
	connection uint64    // of the last copy
	last       time.Time // when that came
	finished   bool
	left       bool // the acknowledgement of the last copy left while edgeHub waited for it
}

// copied is a copy that waits for its acknowledgement to leave.
type copied struct {
	entry    *entry
	received time.Time
}

func newTable(limit int) *table {
	return &table{limit: limit, entries: make(map[[sha256.Size]byte][]*entry)}
}

// add takes a copy in. It returns the entry to work on, or nil where the copy belongs to one that is already known.
func (t *table) add(d Delivery) (*entry, error) {
	e, finished, err := t.place(d)
	if finished {
		d.Ack()
	}
	return e, err
}

// place finds or makes the entry of a copy and reports whether it belongs to one that is finished.
func (t *table) place(d Delivery) (fresh *entry, finished bool, err error) {
	key := content(&d)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renew(d.Connection)
	if known := t.match(key, &d); known != nil {
		t.attach(known, &d)
		return nil, known.finished, nil
	}
	if t.pending >= t.limit {
		return nil, false, ErrTableFull
	}
	t.forget(key, d.Input)
	t.pending++
	t.arrived++
	e := &entry{table: t, input: d.Input, key: key, message: d.Message, content: signals.NewContent(d.Message.Body), received: d.Received, number: t.arrived}
	e.identity, e.anonymous = identify(d.Message.Properties)
	e.open.Store(1) // the dispatcher's
	t.entries[key] = append(t.entries[key], e)
	t.owe(e, &d)
	return e, false, nil
}

// renew notes the number of a connection. edgeHub has closed those before it: what is owed there cannot leave.
func (t *table) renew(connection uint64) {
	if connection > t.newest {
		t.newest, t.owed = connection, nil
	}
}

// owe adds a copy to its entry. Acknowledgements on connections that are closed need not be kept.
func (t *table) owe(e *entry, d *Delivery) {
	if d.Connection > e.connection {
		e.acks, e.connection = nil, d.Connection
	}
	if d.Connection == t.newest {
		t.owed = append(t.owed, copied{e, d.Received})
	}
	if !e.finished {
		e.acks = append(e.acks, d.Ack)
	}
	e.last, e.left = d.Received, false
}

// match finds the input that d is a copy of: the first that d's connection has not brought yet.
func (t *table) match(key [sha256.Size]byte, d *Delivery) *entry {
	for _, e := range t.entries[key] {
		if e.connection != d.Connection || e.repeats(d) {
			return e
		}
	}
	return nil
}

// repeats reports whether a copy on the same connection is another copy, and not another message with the same content.
func (e *entry) repeats(d *Delivery) bool {
	if !e.finished && !e.anonymous {
		return true
	}
	return !e.left && d.Received.Sub(e.last) >= ackTimeout
}

// attach adds a copy to an input that is known. edgeHub repeats in order: what came before is known to it.
func (t *table) attach(e *entry, d *Delivery) {
	t.owe(e, d)
	t.settle(func(u *entry) bool { return u.input == e.input && u.number < e.number && !t.holds(u) })
	t.leave()
}

// forget makes way for a new input: what is to be repeated comes first, so nothing in doubt on the same edgeHub input
// comes again; and what is finished and equal to the new one is not to be taken for it.
func (t *table) forget(key [sha256.Size]byte, input module.InputName) {
	t.settle(func(u *entry) bool { return u.input == input && !t.holds(u) })
	for _, u := range slices.Clone(t.entries[key]) {
		if u.finished && !t.holds(u) {
			t.remove(u)
		}
	}
}

// holds reports whether an acknowledgement waits for those before it.
func (t *table) holds(e *entry) bool {
	return slices.ContainsFunc(t.owed, func(c copied) bool { return c.entry == e })
}

// leave lets go of the acknowledgements that are given and no longer wait for one before them.
func (t *table) leave() {
	given := 0
	for ; given < len(t.owed) && t.owed[given].entry.finished; given++ {
		e := t.owed[given].entry
		e.left = t.owed[given].received.Equal(e.last) && time.Since(e.last) < ackTimeout
		if e.left {
			t.settle(func(u *entry) bool { return u == e })
		}
	}
	t.owed = slices.Delete(t.owed, 0, given)
}

// settle removes the entries that are no longer in doubt.
func (t *table) settle(known func(*entry) bool) {
	t.doubtful = slices.DeleteFunc(t.doubtful, func(u *entry) bool {
		if !known(u) {
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

// connected says that there is another connection, of the given number.
func (t *table) connected(connection uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.renew(connection)
}

// retain says that one more share or result of the input is open.
func (e *entry) retain() { e.open.Add(1) }

// release says that one is finished. The last one acknowledges all copies.
func (e *entry) release() {
	if e.open.Add(-1) > 0 {
		return
	}
	for _, ack := range e.table.finish(e) {
		ack()
	}
}

// finish settles an input and returns the acknowledgements to give. A copy that comes later is acknowledged as it comes.
func (t *table) finish(e *entry) []func() {
	t.mu.Lock()
	defer t.mu.Unlock()
	acks := e.acks
	e.acks, e.message, e.content = nil, module.Message{}, nil // nobody needs them any more
	e.finished = true
	t.pending--
	if e.anonymous {
		t.doubtful = append(t.doubtful, e)
	} else {
		t.remember(e)
	}
	t.leave()
	return acks
}

// remember keeps a finished input in the place of the one that finished longest ago.
func (t *table) remember(e *entry) {
	oldest := &t.recent[t.ended%remembered]
	if *oldest != nil {
		t.remove(*oldest)
	}
	*oldest = e
	t.ended++
}

// waiting returns how many inputs are not finished.
func (t *table) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.pending
}

// overdue reports whether an input that is not finished has waited for as long as one may in memory.
func (t *table) overdue(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.pending == 0 {
		return false
	}
	for _, same := range t.entries {
		for _, e := range same {
			if !e.finished && now.Sub(e.received) >= inputTime {
				return true
			}
		}
	}
	return false
}
