package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// look is how often the outbox looks for results that wait for too long.
const look = time.Second

func (o *outbox) notify() {
	select {
	case o.wake <- struct{}{}:
	default: // the sender will look anyway
	}
}

// run sends until ctx ends.
func (o *outbox) run(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	defer o.removals.flush()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			o.storeOverdue(now)
			o.removals.flush()
		case <-o.wake:
			for o.send(ctx) {
			}
		}
	}
}

// send publishes the next result and reports whether there may be another.
func (o *outbox) send(ctx context.Context) bool {
	r := o.upcoming()
	if r == nil {
		return false
	}
	m, err := o.message(r)
	if err != nil {
		o.onError(err)
		o.done(r, nil) // it is gone
		return true
	}
	err = o.publisher.Publish(ctx, r.output, m, func(err error) { o.done(r, err) })
	if unsendable, ok := errors.AsType[*UnsendableError](err); ok {
		o.replace(r, m, unsendable)
		return true
	}
	if err != nil { // no connection, or stopping: as if never sent
		o.putBack(r)
	}
	return err == nil
}

// upcoming returns the result that is sent next.
func (o *outbox) upcoming() *result {
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
	r.flying = true
	return r
}

func (o *outbox) putBack(r *result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	r.flying = false
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
		o.mu.Lock()
		d := r.settled()
		o.mu.Unlock()
		release(d)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.flying--
	r.flying = false
	if err == nil {
		r.acked = true
		o.unstore(r)
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

// replace puts something in the place of a result that edgeHub would not take, or lets go of it. Nobody waits here for
// room: the sender is the one who makes it.
func (o *outbox) replace(r *result, m module.Message, err *UnsendableError) {
	substitute := *r
	substitute.Message = m
	if !o.refused(&substitute, err) {
		o.done(r, nil)
		return
	}
	o.mu.Lock()
	o.bytes -= r.size
	r.output, r.Message, r.refusals, r.unloaded = substitute.output, substitute.Message, substitute.refusals, false
	r.size = sizeOf(r.Message)
	o.bytes += r.size
	o.room.Broadcast()
	o.mu.Unlock()
	o.putBack(r)
}
