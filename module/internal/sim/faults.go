package sim

import (
	"context"
	"fmt"
	"time"
)

// tokenSweep is how often edgeHub drops the clients whose tokens have expired (ConnectionReauthenticator).
const tokenSweep = 5 * time.Minute

// Disconnect closes a module's connection from the hub's side: what is in flight fails at once and is delivered again
// after a backoff. It reports whether there was a connection.
func (h *Hub) Disconnect(module string) (bool, error) {
	p, err := h.peer(module)
	if err != nil {
		return false, fmt.Errorf("disconnect: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, connected := p.link.(*connection)
	if connected {
		p.cut(errCut)
	}
	return connected, nil
}

// HoldAcks withholds the PUBACKs of a module's publishes, which are routed all the same, or lets them all go again.
// Those of a connection that ends in the meantime are never sent.
func (h *Hub) HoldAcks(module string, hold bool) error {
	p, err := h.peer(module)
	if err != nil {
		return fmt.Errorf("hold acknowledgements: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.holdAcks = hold
	if c, ok := p.link.(*connection); ok && !hold {
		for _, id := range c.held {
			c.out.add(func(b []byte) []byte { return appendPuback(b, id) })
		}
		c.held = nil
	}
	return nil
}

// RefuseConnects answers the next n CONNECTs with "server unavailable".
func (h *Hub) RefuseConnects(n int) { h.refusals.Store(int64(n)) }

// refusing reports whether a CONNECT is to be refused, and counts it.
func (h *Hub) refusing() bool {
	for {
		n := h.refusals.Load()
		if n <= 0 {
			return false
		}
		if h.refusals.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// sweepTokens drops, now and then, the clients whose tokens have expired. Until then they are left alone, as at
// edgeHub.
func (h *Hub) sweepTokens(ctx context.Context) {
	ticker := time.NewTicker(tokenSweep)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, p := range h.peers {
				p.sweep(now)
			}
		}
	}
}

func (p *peer) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil && overdue(p.link.tokenExpires(), now) {
		p.cut(errTokenExpired)
	}
}
