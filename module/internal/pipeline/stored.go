package pipeline

import (
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// inputTime is how long an input may wait in all, for its signals and for edgeHub to acknowledge what came of it.
// edgeHub sends it again after 30 s.
const inputTime = 20 * time.Second

// load finds the results that another life of the module stored.
func (o *outbox) load() {
	for _, key := range o.journal.Keys(tableOutbox) {
		value, err := o.journal.Get(tableOutbox, key)
		var r *result
		if err == nil {
			r, err = decodeResult(value)
		}
		if err != nil {
			o.onError(fmt.Errorf("read stored result: %w", err))
			continue
		}
		r.size, r.sequence, r.stored, r.since = sizeOf(r.Message), sequenceOf(key), stored, time.Now()
		r.Message, r.unloaded = module.Message{}, true
		o.bytes += r.size
		o.sequence = r.sequence
		o.queue = append(o.queue, r)
	}
	if len(o.queue) > 0 {
		o.notify()
	}
}

// message returns a result's message, from the journal where it is there alone.
func (o *outbox) message(r *result) (module.Message, error) {
	o.mu.Lock()
	m, unloaded := r.Message, r.unloaded
	o.mu.Unlock()
	if !unloaded {
		return m, nil
	}
	value, err := o.journal.Get(tableOutbox, sequenceKey(r.sequence))
	if err == nil {
		r, err = decodeResult(value)
	}
	if err != nil {
		return m, fmt.Errorf("read stored result: %w", err)
	}
	return r.Message, nil
}

// reserve waits for room for results and adds them to a transaction. It reports false when the outbox is closed.
func (o *outbox) reserve(tx *journal.Tx, results ...*result) bool {
	var size int64
	for _, r := range results {
		size += r.size
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.take(size) {
		return false
	}
	for _, r := range results {
		o.number(r)
		tx.Put(tableOutbox, sequenceKey(r.sequence), encodeResult(r))
	}
	return true
}

// abandon gives back the room of results whose transaction failed.
func (o *outbox) abandon(results []*result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range results {
		o.bytes -= r.size
	}
	o.room.Broadcast()
}

// enqueue takes results that are stored.
func (o *outbox) enqueue(results ...*result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queue = append(o.queue, results...)
	o.notify()
}

// storeOverdue stores the results that something waits for since too long, or that wait for edgeHub themselves. Once they
// are stored nothing waits for them, and their messages need no memory.
func (o *outbox) storeOverdue(now time.Time) {
	o.store(func(r *result) bool { return now.Sub(r.since) >= inputTime })
}

// store stores the results that a condition holds for. What cannot be stored stays as it is, and so does what comes after
// it in its signal: on a full disk a small result may fit where a larger one did not, and if the process ended then, the next one
// would send it before those whose inputs come again.
func (o *outbox) store(wanted func(*result) bool) {
	failed := make(map[module.SignalName]uint64) // the first one's sequence, guarded by mu
	for _, r := range o.choose(wanted) {
		tx := &journal.Tx{}
		tx.Put(tableOutbox, sequenceKey(r.sequence), encodeResult(r))
		o.removals.submit(tx, func(err error) { o.onStored(r, err, failed) })
	}
}

// choose marks the results that are to be stored, and lets go of the messages of those that are.
func (o *outbox) choose(wanted func(*result) bool) (chosen []*result) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.queue {
		switch {
		case r.acked || r.flying && r.stored != inMemory || !wanted(r):
		case r.stored == inMemory:
			r.stored = beingStored
			chosen = append(chosen, r)
		case r.stored == stored && r.refusals == 0:
			r.Message, r.unloaded = module.Message{}, true
		}
	}
	return chosen
}

// onStored is called by the journal when a result is synced, or could not be. In failed are those of
// its signal and of others that could not be stored before.
func (o *outbox) onStored(r *result, err error, failed map[module.SignalName]uint64) {
	if err != nil {
		o.onError(fmt.Errorf("store result: %w", err))
	}
	o.mu.Lock()
	var d debt
	first, some := failed[r.signal]
	switch r.stored = stored; {
	case err != nil:
		r.stored = inMemory
		if !some || r.sequence < first {
			failed[r.signal] = r.sequence
		}
	case r.acked:
		o.unstore(r)
	case some && r.sequence > first:
		o.unstore(r)
		r.stored = inMemory
	default:
		d = r.settled()
	}
	o.mu.Unlock()
	release(d)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.room.Broadcast()
}

// unstore removes a result from the journal, soon.
func (o *outbox) unstore(r *result) {
	if r.stored == stored {
		o.removals.add(tableOutbox, sequenceKey(r.sequence))
	}
}
