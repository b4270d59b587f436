package supervise

import (
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// inboxLength is how many shares wait for a signal in memory. Where it is full the giver waits, for as long as an input
// may: back-pressure up to edgeHub. The inputs themselves are bounded by the pipeline.
const inboxLength = 1024

// inbox holds the shares that wait for a runner, in order. Those that cannot be taken soon go to the spool: while the
// signal is held because it does not run, while it is slow, and while there are others in the spool before them (5, 6).
type inbox struct {
	spool *pipeline.Spool
	ready chan struct{} // capacity 1: there is a share, or the inbox is closed

	mu     sync.Mutex // guards what follows
	room   sync.Cond
	shares []*pipeline.Share // later than all in the spool
	held   bool              // nothing is taken
	slow   bool
	closed bool
}

// taken says what became of a share that was put into an inbox.
type taken int

const (
	refused taken = iota // the inbox is closed
	accepted
	overflowed // it had to go to the spool, which is full
)

func newInbox(p *pipeline.Pipeline, r *runner) *inbox {
	b := &inbox{ready: make(chan struct{}, 1), held: true}
	b.room.L = &b.mu
	b.spool = p.Spool(r.stream(), b.signal)
	return b
}

// put waits for room.
func (b *inbox) put(s *pipeline.Share) taken {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		switch {
		case b.closed:
			return refused
		case b.held || len(b.shares) == 0 && (b.slow || b.spool.Len() > 0): // else those in memory come first
			if b.spool.Put(s) {
				return accepted
			}
			return overflowed
		case len(b.shares) < inboxLength:
			b.shares = append(b.shares, s)
			b.signal()
			return accepted
		}
		b.room.Wait()
	}
}

// putBack takes shares that could not be stored, before those that came after them. They may be more than there is room
// for: they were in memory before.
func (b *inbox) putBack(shares []*pipeline.Share) {
	if len(shares) == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.shares = slices.Concat(shares, b.shares)
	b.signal()
}

// take returns the next share, or nil. Where more are left ready is filled again.
func (b *inbox) take() *pipeline.Share {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held {
		return nil
	}
	var s *pipeline.Share
	first := len(b.shares) > 0 && b.spool.Follows(b.shares[0])
	if !first {
		s = b.spool.Take()
	}
	if first || s == nil && b.spool.Len() == 0 && len(b.shares) > 0 {
		s = b.shares[0]
		b.shares[0] = nil
		b.shares = b.shares[1:]
		b.room.Signal()
	}
	if s != nil && (len(b.shares) > 0 || b.spool.Len() > 0) {
		b.signal()
	}
	return s
}

// hold says whether shares are taken. What waits in memory goes to the spool; what does not fit there is returned.
func (b *inbox) hold(held bool) (overflow []*pipeline.Share) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held = held
	b.signal()
	if !held {
		return nil
	}
	b.empty()
	overflow, b.shares = b.shares, nil
	return overflow
}

// setSlow says whether the signal is served from its spool, beside the path of acknowledgements.
func (b *inbox) setSlow(slow bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.slow = slow; slow {
		b.empty()
	}
}

// spill moves the shares to the spool that have waited for too long, and those after them.
func (b *inbox) spill(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.shares) > 0 && b.shares[0].Overdue(now) {
		b.empty()
	}
}

// empty moves what waits in memory to the spool, as far as it fits.
func (b *inbox) empty() {
	for len(b.shares) > 0 && b.spool.Put(b.shares[0]) {
		b.shares[0] = nil
		b.shares = b.shares[1:]
	}
	b.room.Broadcast()
}

// close refuses further shares; what is in the inbox can still be taken.
func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.room.Broadcast()
}

func (b *inbox) signal() {
	select {
	case b.ready <- struct{}{}:
	default:
	}
}

// len returns how many shares wait, in memory and in the spool.
func (b *inbox) len() (waiting, spooled int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	spooled = b.spool.Len()
	return len(b.shares) + spooled, spooled
}
