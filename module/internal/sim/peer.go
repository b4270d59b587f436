package sim

import (
	"context"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// peer is the hub's side of one module of the manifest: who it is, its session, its twin, what waits for it, and the
// link to it while there is one.
type peer struct {
	hub          *Hub
	name         string
	key          []byte // of its SAS tokens
	generation   string
	batch        string // of the messages of the sensor that stands in for the module
	inputsFilter string // the subscription to its inputs that every SDK makes
	log          zerolog.Logger
	wake         chan struct{}        // of capacity 1: something is due earlier than keepTime expects
	turn         chan struct{}        // of capacity 1: whose direct method goes next, of those that waited for the module
	endpoints    map[string]*endpoint // by input; fixed, and guarded by mu

	mu        sync.Mutex  // guards the fields below, and what their comments say
	link      link        // nil while the module is away
	session   *session    // nil before the first connection and after a clean one
	ready     []*endpoint // those with something to send, in the order in which they get the link
	next      time.Time   // when keepTime looks again; zero for never
	twin      twin
	calls     map[string]*call // direct methods that wait for an answer, by request id
	listening chan struct{}    // closed and made anew when the module subscribes to direct methods
	holds     [heldKinds]hold
	revoked   string    // password that a fault has expired
	twinFault TwinFault // what is wrong with the twin that a GET answers
	counters  ModuleStats
	unrouted  map[string]struct{} // outputs that were warned of
}

// attach makes l the link to the module. The newest wins: an older one is closed, and what was in flight on it is
// repeated after a backoff. greet runs when l is in place and before anything is delivered over it.
func (p *peer) attach(l link, greet func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut(errReplaced)
	p.link = l
	greet()
	p.hub.observe.connected(p.name)
	p.due(l.expires())
	for _, e := range p.endpoints {
		e.list()
	}
	p.pump(time.Now())
}

// cut closes the link from the hub's side, which edgeHub notices: deliveries in flight and direct methods fail at once.
func (p *peer) cut(cause error) {
	l := p.link
	if l == nil {
		return
	}
	p.leave(l, cause)
	p.abandon(l)
	for _, e := range p.endpoints {
		if len(e.inFlight) > 0 && e.inFlight[0].link == l {
			e.fail(time.Now())
		}
	}
}

// detach takes note that l ended from the client's side. Deliveries in flight and direct methods are not given up
// before their time: that is how edgeHub does it.
func (p *peer) detach(l link, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link == l {
		p.leave(l, cause)
	}
}

func (p *peer) leave(l link, cause error) {
	p.link = nil
	l.close(cause)
	p.hub.observe.disconnected(p.name, cause)
}

// pump delivers as much as the link takes. Endpoints take turns.
func (p *peer) pump(now time.Time) {
	for len(p.ready) > 0 && (p.link == nil || p.link.free()) {
		e := p.ready[0]
		p.ready = p.ready[1:]
		e.listed = false
		e.send(now)
		e.list()
	}
}

// acked takes note of a client's PUBACK for d.
func (p *peer) acked(d *delivery) {
	d.endpoint.acked(d)
	d.endpoint.list()
	p.pump(time.Now())
}

// count takes note that m is delivered once more.
func (p *peer) count(m *message) {
	p.counters.Delivered++
	if m.sent++; m.sent > 1 {
		p.counters.Redelivered++
	}
}

// due has keepTime look at t, if that is earlier than it would.
func (p *peer) due(t time.Time) {
	if earlier(p.next, t) == p.next {
		return
	}
	p.next = t
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// keepTime does what the passing of time asks for: acknowledgements overdue, backoffs, the keep-alive.
func (p *peer) keepTime(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-p.wake:
		}
		if next := p.tick(time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// tick returns when to look again, zero for when it is woken.
func (p *peer) tick(now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != nil && overdue(p.link.expires(), now) {
		p.leave(p.link, errKeepAlive)
	}
	p.next = time.Time{}
	if p.link != nil {
		p.next = p.link.expires()
	}
	if c, ok := p.link.(*connection); ok {
		p.next = earlier(p.next, c.letGo(now))
	}
	for _, e := range p.endpoints {
		p.next = earlier(p.next, e.tick(now))
	}
	p.pump(now)
	return p.next
}

// overdue reports whether t has come; the zero time never does.
func overdue(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// earlier returns the earlier of two times, the zero time being the last of all.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
