package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
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
func (h *Hub) HoldAcks(module string, on bool) error {
	return h.setHold(module, heldAcks, func(h *hold) { h.on = on })
}

// DelayAcks has the PUBACKs of a module's publishes come so much later; 0 ends it for those to come.
func (h *Hub) DelayAcks(module string, delay time.Duration) error {
	return h.setHold(module, heldAcks, func(h *hold) { h.delay = delay })
}

// HoldTwin withholds the answers to a module's twin requests, or lets them all go again.
func (h *Hub) HoldTwin(module string, on bool) error {
	return h.setHold(module, heldTwin, func(h *hold) { h.on = on })
}

// DelayTwin has the answers to a module's twin requests come so much later; 0 ends it for those to come.
func (h *Hub) DelayTwin(module string, delay time.Duration) error {
	return h.setHold(module, heldTwin, func(h *hold) { h.delay = delay })
}

// TwinFault is what is wrong with the twin that a GET answers.
type TwinFault string

// The twins that a GET may answer.
const (
	TwinTrue        TwinFault = ""            // nothing
	TwinStale       TwinFault = "stale"       // desired properties are those before they were last changed
	TwinEmpty       TwinFault = "empty"       // neither desired nor reported properties: one that edgeHub never saw, offline
	TwinUnversioned TwinFault = "unversioned" // without $version
)

// ServeTwin has a module's twin GETs answered wrongly until TwinTrue ends it.
func (h *Hub) ServeTwin(module string, fault TwinFault) error {
	p, err := h.peer(module)
	if err != nil {
		return fmt.Errorf("serve twin: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.twinFault = fault
	return nil
}

// ExpireToken has the token of a module's connection expire: the connection ends as by the next sweep, and the same
// token does not let it in any more. It reports whether there was a connection.
func (h *Hub) ExpireToken(module string) (bool, error) {
	p, err := h.peer(module)
	if err != nil {
		return false, fmt.Errorf("expire token: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c, connected := p.link.(*connection)
	if connected {
		p.revoked = c.password
		p.cut(errTokenExpired)
	}
	return connected, nil
}

// RepeatInput sends the message once more that a module has acknowledged last on an input, after all that waits. It
// reports whether there was one. It waits while the input is full.
func (h *Hub) RepeatInput(ctx context.Context, module, input string) (bool, error) {
	p, err := h.peer(module)
	if err != nil {
		return false, fmt.Errorf("repeat input: %w", err)
	}
	e, ok := p.endpoints[input]
	if !ok {
		return false, fmt.Errorf("repeat input: no route leads into %q of module %q", input, module)
	}
	p.mu.Lock()
	last := e.last
	p.mu.Unlock()
	if last == nil {
		return false, nil
	}
	return true, e.put(ctx, manifest.DefaultPriority, &message{topic: last.topic, body: last.body, sent: last.sent})
}

// Offline cuts edgeHub off from IoT Hub: what is for $upstream waits, in order; changes of desired properties stay
// in the cloud; and a twin GET takes so long (edgeHub's own is 20 s, reports from the field say 60 s) before it is
// answered from edgeHub's store, during which nothing else that the module publishes is acknowledged.
func (h *Hub) Offline(twinGet time.Duration) { h.uplink.set(true, twinGet) }

// Online ends Offline: what has waited drains, and modules hear of the changes of their desired properties in one
// patch, if they have ever asked for their twin. edgeHub takes up to five minutes to notice; here it is at once.
func (h *Hub) Online() {
	h.uplink.set(false, 0)
	for _, p := range h.peers {
		p.catchUp()
	}
}

// CloseListener has nobody listen for modules for a time. Connections that are open stay so.
func (h *Hub) CloseListener(wait time.Duration) { h.listener.shut(wait) }

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
