package sim

import (
	"context"
	"sync"
)

// pending counts the messages that are stored for inputs and not yet acknowledged.
type pending struct {
	mu    sync.Mutex // guards the fields below
	count int
	none  chan struct{} // closed while count is 0
}

func newPending() *pending {
	none := make(chan struct{})
	close(none)
	return &pending{none: none}
}

func (p *pending) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.count
	p.count += n
	switch {
	case before == 0 && p.count > 0:
		p.none = make(chan struct{})
	case before > 0 && p.count == 0:
		close(p.none)
	}
}

func (p *pending) idle() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.none
}

// WaitIdle returns when no message waits for an input and none is in flight, or with ctx's cause. A module that
// acknowledges an input only after its outputs are acknowledged has then dealt with all that it was sent.
func (h *Hub) WaitIdle(ctx context.Context) error {
	select {
	case <-h.pending.idle():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
