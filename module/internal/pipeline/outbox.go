package pipeline

import (
	"context"
	"errors"
	"sync"

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
	output module.OutputName
	module.Message
	size    int64
	acked   bool
	sent    func() // edgeHub has it, or it is given up
	refused substitute
}

// substitute returns what is sent in the place of a result that is unsendable, or false to give it up.
type substitute func(*UnsendableError) (module.OutputName, module.Message, bool)

// outbox holds results in order until edgeHub has acknowledged them, over reconnects. Only when all that was under way
// on a connection which ended has come back it sends again, from the first on: order is kept, and edgeHub sees new
// packets.
type outbox struct {
	publisher Publisher
	wake      chan struct{} // capacity 1: there is something to send, or a connection to send on

	mu     sync.Mutex // guards what follows
	room   sync.Cond  // bytes or the queue fell, or closed
	limit  int64
	bytes  int64
	queue  []*result
	next   int  // queue[:next] is under way
	flying int  // of those, how many wait for their acknowledgement or loss
	lost   bool // some were lost; wait for flying to be 0, then send all of the queue again
	closed bool
}

func newOutbox(p Publisher) *outbox {
	o := &outbox{publisher: p, wake: make(chan struct{}, 1)}
	o.room.L = &o.mu
	return o
}

// put takes a result and waits for room. One that is larger than the whole outbox is taken when it is empty. It
// reports false when the outbox is closed.
func (o *outbox) put(r *result) bool {
	r.size = sizeOf(r.Message)
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.bytes > 0 && o.bytes+r.size > o.limit && !o.closed {
		o.room.Wait()
	}
	if o.closed {
		return false
	}
	o.bytes += r.size
	o.queue = append(o.queue, r)
	o.notify()
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

// setLimit changes how many bytes may wait.
func (o *outbox) setLimit(bytes int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.limit = bytes
	o.room.Broadcast()
}

// close lets go of those who wait for room; what is in the outbox stays and is still sent while run runs.
func (o *outbox) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.room.Broadcast()
}

func (o *outbox) notify() {
	select {
	case o.wake <- struct{}{}:
	default: // the sender will look anyway
	}
}

// run sends until ctx ends.
func (o *outbox) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-o.wake:
		}
		for o.send(ctx) {
		}
	}
}

// send publishes the next result and reports whether there may be another.
func (o *outbox) send(ctx context.Context) bool {
	r := o.take()
	if r == nil {
		return false
	}
	err := o.publisher.Publish(ctx, r.output, r.Message, func(err error) { o.done(r, err) })
	if unsendable, ok := errors.AsType[*UnsendableError](err); ok {
		o.replace(r, unsendable)
		return true
	}
	if err != nil { // no connection, or stopping: as if never sent
		o.untake()
	}
	return err == nil
}

func (o *outbox) take() *result {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.lost {
		if o.flying > 0 {
			return nil
		}
		o.lost, o.next = false, 0
	}
	for o.next < len(o.queue) && o.queue[o.next].acked {
		o.next++ // acknowledged on a later connection than one before it that was lost
	}
	if o.next == len(o.queue) {
		return nil
	}
	r := o.queue[o.next]
	o.next++
	o.flying++
	return r
}

func (o *outbox) untake() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	if o.lost {
		o.notify()
		return
	}
	o.next--
}

// done notes that edgeHub has a result, or that it was lost. Who waits for the result is told first: an outbox that is
// empty has told all.
func (o *outbox) done(r *result, err error) {
	if err == nil {
		r.sent()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	if err == nil {
		r.acked = true
		o.pop()
	} else {
		o.lost = true
	}
	if o.lost {
		o.notify()
	}
}

// pop removes the results at the front that edgeHub has.
func (o *outbox) pop() {
	for len(o.queue) > 0 && o.queue[0].acked {
		o.bytes -= o.queue[0].size
		o.queue[0] = nil
		o.queue = o.queue[1:]
		o.next = max(o.next-1, 0) // 0 where it was acknowledged before one that is sent again
	}
	o.room.Broadcast()
}

// replace puts the substitute of a result in its place, or lets go of it. Nobody waits here for room: the sender is the
// one who makes it.
func (o *outbox) replace(r *result, err *UnsendableError) {
	output, m, ok := r.refused(err)
	if !ok {
		o.done(r, nil)
		return
	}
	o.mu.Lock()
	o.bytes -= r.size
	r.output, r.Message, r.size = output, m, sizeOf(m)
	o.bytes += r.size
	o.room.Broadcast()
	o.mu.Unlock()
	o.untake()
}

// drain waits until the outbox is empty, and reports whether it is by the time that ctx ends.
func (o *outbox) drain(ctx context.Context) bool {
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.room.Broadcast()
	})
	defer stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.queue) > 0 && ctx.Err() == nil {
		o.room.Wait()
	}
	return len(o.queue) == 0
}

// waiting returns how many results edgeHub has not acknowledged.
func (o *outbox) waiting() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.queue)
}
