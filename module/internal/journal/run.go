package journal

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Run commits what is submitted, and cleans. When ctx ends it commits what was submitted by then, and returns; what is
// submitted later gets ErrClosed.
func (j *Journal) Run(ctx context.Context) {
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for ctx.Err() == nil {
		wait := j.step()
		if wait == 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-j.queue.wake:
		case <-timer.C:
		}
	}
	j.queue.close()
	for batch, _ := j.queue.take(); len(batch) > 0; batch, _ = j.queue.take() {
		j.commit(batch)
	}
}

// step commits a batch and cleans a piece, where there is anything to do, and returns how long there is nothing more.
func (j *Journal) step() time.Duration {
	batch, wait := j.queue.take()
	size := j.commit(batch)
	if !j.cleaningDue() {
		return wait
	}
	if pause := time.Until(j.cleaner.retry); pause > 0 {
		return min(wait, pause)
	}
	if err := j.clean(size); err != nil {
		j.cleaner.retry = time.Now().Add(retryAfter) // whoever commits is told what is wrong with the disk
	}
	return 0
}

// commit writes a batch, and ends its requests. It returns the bytes of the batch. If the disk is full, it still tries to
// write what only deletes.
func (j *Journal) commit(batch []request) (size int) {
	var live int64
	for i, r := range batch {
		growth := j.index.growth(r.tx.payload)
		if batch[i].err = j.admit(r.tx, size, live+growth); batch[i].err == nil {
			size += frameHead + len(r.tx.payload)
			live += growth
		}
	}
	err := j.write(admitted(batch))
	if errors.Is(err, ErrFull) {
		refusePuts(batch, err)
		err = j.writeReserved(admitted(batch))
	}
	j.finish(batch, err)
	return size
}

// admitted returns the payloads of a batch that are to be written.
func admitted(batch []request) (payloads [][]byte) {
	for _, r := range batch {
		if r.err == nil && !r.tx.Empty() {
			payloads = append(payloads, r.tx.payload)
		}
	}
	return payloads
}

// refusePuts refuses with err what does not only delete.
func refusePuts(batch []request, err error) {
	for i, r := range batch {
		if r.err == nil && r.tx.puts {
			batch[i].err = err
		}
	}
}

// finish ends the requests of a batch, those that were refused with their own error and the others with err.
func (j *Journal) finish(batch []request, err error) {
	var owed []request
	for _, r := range batch {
		switch {
		case r.err != nil:
			r.finish(r.err)
		case err != nil && r.done == nil:
			owed = append(owed, r)
		default:
			r.finish(err)
		}
	}
	j.queue.putBack(owed)
}

// admit refuses a transaction for which the limit leaves no room, beside size bytes and live bytes of the same batch.
// That which only deletes is always taken. Near the limit it cleans first.
func (j *Journal) admit(t *Tx, size int, live int64) error {
	segment, limit := j.config.SegmentBytes, j.config.Limit
	needed := int64(size + headerSize + frameHead + len(t.payload))
	switch {
	case len(t.payload) > maxTransaction:
		return fmt.Errorf("%w: a transaction of %d bytes, %d are possible", ErrFull, len(t.payload), maxTransaction)
	case !t.puts:
		return nil
	case j.index.live+max(live+segment, needed) > limit-3*segment:
		return fmt.Errorf("%w: %d of %d bytes count, there is no room for %d more", ErrFull, j.index.live, limit, needed)
	}
	if err := j.keepReserve(); err != nil {
		return err
	}
	for newest := j.number; j.index.disk+needed > limit-2*segment; {
		if len(j.segments) == 0 || j.segments[0].number > newest {
			return fmt.Errorf("%w: %d of %d bytes are taken", ErrFull, j.index.disk, limit)
		}
		if err := j.clean(0); err != nil {
			return fmt.Errorf("%w: %d of %d bytes are taken: %w", ErrFull, j.index.disk, limit, err)
		}
	}
	return nil
}

// write appends payloads as frames, syncs them and makes them count: all of them or, with an error, none.
func (j *Journal) write(payloads [][]byte) error {
	if len(payloads) == 0 {
		return nil
	}
	size := 0
	for _, p := range payloads {
		size += frameHead + len(p)
	}
	s, err := j.segmentFor(size)
	if err == nil {
		err = j.writeTo(s, payloads)
	}
	return asFull(err)
}
