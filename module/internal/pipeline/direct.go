package pipeline

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const (
	promptTime = time.Second      // that edgeHub has before a message sent at once is stored
	directTime = 30 * time.Second // that there may be no room for one, neither in the outbox nor on the disk
)

var (
	errOutboxFull = errors.New("the outbox has been full for 30 s")
	errNotKept    = errors.New("neither edgeHub nor the disk has taken the message for 30 s")
)

// awaited is the debt of what somebody waits for.
type awaited struct {
	open atomic.Int32
	done chan struct{} // closed when nothing is open
}

func (a *awaited) retain() { a.open.Add(1) }

func (a *awaited) release() {
	if a.open.Add(-1) == 0 {
		close(a.done)
	}
}

// SendNow sends a message to the signal's own output while a share of it is being worked on, whatever becomes of that, and
// waits until edgeHub has it or it is synced in the outbox: what follows cannot lose it. Index counts such messages of the
// share, so that a repeat of it gives them the same ids; an id that the message has stays. Its error says that there was no
// room for 30 s, or is that of ctx, or ErrStopping. The share may be worked on meanwhile.
func (p *Pipeline) SendNow(ctx context.Context, of *Share, index int, output module.OutputName, m module.Message) error {
	s := &Share{Stream: of.Stream, Identity: of.Identity, Input: of.Input, Received: time.Now(), receipt: of.receipt, pipeline: p}
	owed := &awaited{done: make(chan struct{})}
	owed.retain()
	s.debt = owed
	inner := module.Message{Body: m.Body, Properties: m.Properties.Clone(1)}
	inner.Properties.Set(module.PropertyMessageID, MessageID(s.Identity, s.String()+"/direct", index))
	if _, there := m.Properties.Get(module.PropertyMessageID); !there {
		m = inner
	}
	full, cancel := context.WithTimeoutCause(ctx, directTime, errOutboxFull)
	defer cancel()
	var r *result
	if output != module.OutputNone {
		r = s.result(outgoing{output: output, Message: m})
		owed.retain()
		if err := p.outbox.putWithin(full, r); err != nil {
			return err
		}
	}
	p.chain(s, inner)
	s.close()
	return p.outbox.awaitOne(ctx, r, owed.done)
}

// putWithin is put for those who do not wait for ever.
func (o *outbox) putWithin(ctx context.Context, r *result) error {
	stop := context.AfterFunc(ctx, func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.room.Broadcast()
	})
	defer stop()
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.bytes > 0 && o.bytes+r.size > o.limit && !o.dropping && !o.closed {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		o.blocked++
		o.room.Wait()
		o.blocked--
	}
	if !o.take(r.size) {
		return ErrStopping
	}
	o.number(r)
	o.queue = append(o.queue, r)
	o.notify()
	return nil
}

// awaitOne waits until a result is finished, which it is stored for where edgeHub is slow. It may be nil: then others are
// awaited, that have no place in the outbox.
func (o *outbox) awaitOne(ctx context.Context, r *result, done <-chan struct{}) error {
	prompt, late := time.NewTimer(promptTime), time.NewTimer(directTime)
	defer prompt.Stop()
	defer late.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return errNotKept
		case <-prompt.C:
			o.store(func(other *result) bool { return other == r })
		}
	}
}
