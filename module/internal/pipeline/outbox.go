package pipeline

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Publisher is edgeHub's side of the outbox.
type Publisher interface {
	// Publish sends a message to an output and returns when it is written. done is called exactly once, in the order
	// of the publishes, from any goroutine: with nil when edgeHub has acknowledged the message, with an error when
	// the connection ended first. It waits for room while too many are unacknowledged. When it returns
	// an error done is not called: an *UnsendableError, or any other while there is no connection.
	Publish(ctx context.Context, output module.OutputName, m module.Message, done func(error)) error
}

// UnsendableError is a message that edgeHub would close the connection over, or throw away: it can never be sent.
type UnsendableError struct {
	Reason string // for the dead letter
	Err    error
}

func (e *UnsendableError) Error() string { return e.Err.Error() }

func (e *UnsendableError) Unwrap() error { return e.Err }

// result is one message on its way to edgeHub.
type result struct {
	output         module.OutputName
	module.Message // empty once it is only stored
	signal         module.SignalName
	input          module.InputName
	debt           debt // nil: nothing waits for it, or no longer
	size           int64
	since          time.Time // what waits for it has waited since then

	sequence uint64 // the place among all results, over restarts
	stored   storage
	unloaded bool // its message is in the journal alone
	flying   bool // it is with the publisher
	acked    bool
	refusals int // by edgeHub's limits
}

// storage says how far a result is on its way to the journal.
type storage int

const (
	inMemory storage = iota
	beingStored
	stored
)

// settled returns what waits for a result that is finished now, to be released without the outbox's lock.
func (r *result) settled() debt {
	d := r.debt
	r.debt = nil
	return d
}

func release(d debt) {
	if d != nil {
		d.release()
	}
}

// outbox holds results in order until edgeHub has acknowledged them, over reconnects. Only when all that was under way
// on a connection which ended has come back it sends again, from the first on: order is kept, and edgeHub sees new
// packets. What waits for too long is stored, so that nothing has to wait for it any more (6).
type outbox struct {
	publisher Publisher
	journal   disk
	removals  *removals
	refused   func(*result, *UnsendableError) bool // puts something sendable in its place, or reports false to give it up
	onError   func(error)
	wake      chan struct{} // capacity 1: there is something to send, or a connection to send on

	mu       sync.Mutex // guards what follows
	room     sync.Cond  // bytes or the queue fell, something was stored, or closed
	limit    int64
	dropping bool // the oldest, where there is no room
	dropped  int64
	blocked  int // how many wait for room
	bytes    int64
	queue    []*result
	sequence uint64 // of the newest result
	next     int    // queue[:next] is under way
	flying   int    // of those, how many wait for their acknowledgement or loss
	lost     bool   // some were lost; wait for flying to be 0, then send all of the queue again
	closed   bool
}

// newOutbox returns an outbox with what another life of the module stored.
func newOutbox(c Config, removals *removals, refused func(*result, *UnsendableError) bool) *outbox {
	o := &outbox{publisher: c.Publisher, journal: newDisk(c), removals: removals, refused: refused, onError: c.OnError, wake: make(chan struct{}, 1)}
	o.room.L = &o.mu
	o.load()
	return o
}

// put takes a result and waits for room. It reports false when the outbox is closed.
func (o *outbox) put(r *result) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.take(r.size) {
		return false
	}
	o.number(r)
	o.queue = append(o.queue, r)
	o.notify()
	return true
}

// take waits for room. A result that is larger than the whole outbox is taken when that is empty.
func (o *outbox) take(size int64) bool {
	for o.bytes > 0 && o.bytes+size > o.limit && !o.closed {
		if !o.dropping || !o.dropOldest() {
			o.blocked++
			o.room.Wait()
			o.blocked--
		}
	}
	if o.closed {
		return false
	}
	o.bytes += size
	return true
}

// fits reports whether there is room without waiting.
func (o *outbox) fits(size int64) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes == 0 || o.bytes+size <= o.limit
}

func (o *outbox) number(r *result) {
	o.sequence++
	r.sequence = o.sequence
}

// dropOldest gives up the oldest result that is not under way, and reports whether there was one.
func (o *outbox) dropOldest() bool {
	i := slices.IndexFunc(o.queue, func(r *result) bool { return !r.flying && !r.acked && r.stored != beingStored })
	if i < 0 {
		return false
	}
	r := o.queue[i]
	o.queue = slices.Delete(o.queue, i, i+1)
	if i < o.next {
		o.next--
	}
	o.bytes -= r.size
	o.dropped++
	o.unstore(r)
	d := r.settled()
	o.mu.Unlock()
	release(d)
	o.mu.Lock()
	return true
}

// sizeOf estimates what a message takes in memory.
func sizeOf(m module.Message) int64 {
	size := int64(len(m.Body)) + 256
	for _, p := range m.Properties {
		size += int64(len(p.Name)+len(p.Value)) + 32
	}
	return size
}

// setLimit changes how many bytes may wait, and whether the oldest are dropped beyond that.
func (o *outbox) setLimit(bytes int64, dropping bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit, o.dropping = bytes, dropping
	o.room.Broadcast()
}

// close lets go of those who wait for room; what is in the outbox stays and is still sent while run runs.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.room.Broadcast()
}

// await waits until each result that is left is finished, and reports whether all are by the time that ctx ends.
func (o *outbox) await(ctx context.Context, finished func(*result) bool) bool {
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.room.Broadcast()
	})
	defer stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for !o.all(finished) && ctx.Err() == nil {
		o.room.Wait()
	}
	return o.all(finished)
}

func (o *outbox) all(finished func(*result) bool) bool {
	return !slices.ContainsFunc(o.queue, func(r *result) bool { return !finished(r) })
}

// waiting returns how many results edgeHub has not acknowledged.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue)
}

// droppedSoFar returns how many results were given up for want of room.
func (o *outbox) droppedSoFar() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.dropped
}
