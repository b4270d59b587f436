package pipeline

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// tableLimit is how many inputs may be in flight. edgeHub keeps to one; the simulator can be told to send more.
const tableLimit = 4096

// Consumer is a signal's runner, as the pipeline sees it.
type Consumer interface {
	// Take hands a share over and waits for room. It reports false when the consumer has ended, because the module
	// stops or its signal was removed; the share then still is the caller's.
	Take(*Share) bool
}

// Routes say who takes what. They are replaced as a whole and never changed.
type Routes struct {
	Inputs  map[module.InputName][]Route
	Signals map[module.SignalName][]Route // who reads what a signal sends to its own output
	// Unclaimed says what becomes of an input that no signal names: module.ActionDeadLetter or ActionDrop.
	Unclaimed string
}

// Route leads to one signal.
type Route struct {
	Signal   module.SignalName
	Source   string // its key, where the signal has several
	Consumer Consumer
}

// Config is what a Pipeline needs.
type Config struct {
	Publisher   Publisher
	PublisherID string  // what messages of the shape opcPubSub say of who sends them
	Journal     Journal // of a memory's life where no volume is mounted
	Folder      Folder  // may be nil: no volume is mounted
	// Room says why nothing more may be stored, and nil while something may. It is asked for each transaction, from any
	// goroutine, and must not block. A nil Room is one without end.
	Room    func() error
	OnError func(error) // of the folder and the journal; called from any goroutine, must not block
}

// Pipeline carries messages. See the package comment.
type Pipeline struct {
	table   *table
	outbox  *outbox
	groups  *groups
	letters *letters

	publisherID string
	journal     disk
	onError     func(error)
	inputs      chan *entry // capacity tableLimit, the table's: never full

	removals   *removals
	spoolLimit atomic.Int64 // bytes in a signal's spool

	routes    atomic.Pointer[Routes]
	routed    chan struct{} // closed once routes are known (1)
	routeOnce sync.Once
	waking    wakers
	running   atomic.Pointer[context.Context] // Dispatch's: when it ends consumers end because the module stops

	received, redelivered, dropped, deadLetters atomic.Int64
}

// New returns a Pipeline that waits for its first routes, and whose limits are 0 until SetLimits: one result at a time,
// one share in a spool, and no dead letter beside the folder's. Results that another life of the module stored are in it.
func New(c Config) *Pipeline {
	p := &Pipeline{
		table:       newTable(tableLimit),
		letters:     &letters{folder: c.Folder, onError: c.OnError, reasons: make(map[string]int64)},
		journal:     newDisk(c),
		onError:     c.OnError,
		removals:    newRemovals(newDisk(c)),
		inputs:      make(chan *entry, tableLimit),
		routed:      make(chan struct{}),
		publisherID: c.PublisherID,
	}
	p.outbox = newOutbox(c, p.removals, p.substitute)
	p.groups = newGroups(p)
	return p
}

// Deliver takes a copy of an input in. It does not block. After ErrTableFull the copy is the caller's to refuse.
func (p *Pipeline) Deliver(d Delivery) error {
	e, err := p.table.add(d)
	if err != nil {
		return err
	}
	if e == nil {
		p.redelivered.Add(1)
		return nil
	}
	p.received.Add(1)
	p.inputs <- e
	return nil
}

// SetRoutes replaces the routes. The first ones open the way for the inputs that wait, and for what waits in spools.
func (p *Pipeline) SetRoutes(r *Routes) {
	p.routes.Store(r)
	p.routeOnce.Do(func() { close(p.routed); p.waking.wake() })
}

// Routed reports whether routes are known. The ready of each spool is called when that becomes so.
func (p *Pipeline) Routed() bool { return p.routes.Load() != nil }

// Limits are the bounds of what waits. They are those of the module's settings.
type Limits struct {
	Outbox               int64 // bytes
	DropOldest           bool  // where the outbox is full; else who adds to it waits
	Spool                int64 // bytes, of each signal
	DeadLettersPerMinute int
}

// SetLimits changes the bounds.
func (p *Pipeline) SetLimits(l Limits) {
	p.outbox.setLimit(l.Outbox, l.DropOldest)
	p.spoolLimit.Store(l.Spool)
	p.letters.setLimit(l.DeadLettersPerMinute)
}

// SetGroups changes the publish groups. What is left of one that is gone is sent.
func (p *Pipeline) SetGroups(groups map[string]module.PublishGroup) { p.groups.set(groups) }

// Connected says that there is a new connection to send on, of the number that its deliveries will have.
func (p *Pipeline) Connected(connection uint64) {
	p.table.connected(connection)
	p.outbox.notify()
}

// Dispatch gives inputs to signals until ctx ends. What it has not given by then stays unacknowledged. Consumers may
// end when ctx has ended, or after they were taken out of the routes.
func (p *Pipeline) Dispatch(ctx context.Context) {
	p.running.Store(&ctx)
	select {
	case <-ctx.Done():
		return
	case <-p.routed:
	}
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-p.inputs:
			if ctx.Err() == nil {
				p.dispatch(e)
			}
		}
	}
}

// stopping reports whether the module stops.
func (p *Pipeline) stopping() bool {
	ctx := p.running.Load()
	return ctx != nil && (*ctx).Err() != nil
}

// SendResults sends what signals put into the outbox until ctx ends.
func (p *Pipeline) SendResults(ctx context.Context) { p.outbox.run(ctx) }

// PublisherID returns what messages of the shape opcPubSub say of who sends them.
func (p *Pipeline) PublisherID() string { return p.publisherID }

// SealGroups sends what publish groups gather, each message when it is due, until ctx ends.
func (p *Pipeline) SealGroups(ctx context.Context) { p.groups.run(ctx) }

// drainTime is how long edgeHub has, when the module stops, to take what is left before that is stored.
const drainTime = time.Second

// Drain sends what publish groups have gathered, and waits until all results are finished, and their inputs acknowledged:
// edgeHub has them, or, a second later, the journal. It ends with ctx. Then it closes the groups and the outbox, which lets
// go of whoever waits for room in them. It reports whether all are finished.
func (p *Pipeline) Drain(ctx context.Context) bool {
	closing := context.AfterFunc(ctx, p.close)
	defer closing()
	defer p.close()
	p.groups.flush()
	prompt, cancel := context.WithTimeout(ctx, drainTime)
	defer cancel()
	none := func(*result) bool { return false }
	if p.outbox.await(prompt, none) {
		return true
	}
	p.outbox.store(func(*result) bool { return true })
	return p.outbox.await(ctx, func(r *result) bool { return r.acked || r.stored == stored })
}

// Overdue reports whether an input has waited for so long that its shares must not wait in memory any longer (6).
func (p *Pipeline) Overdue(now time.Time) bool { return p.table.overdue(now) }

// dispatch gives an input to every signal that names it.
func (p *Pipeline) dispatch(e *entry) {
	defer e.release()
	claimed := false
	for _, r := range p.routes.Load().Inputs[e.input] {
		s := e.share(p, r)
		claimed = p.give(r, s) || claimed
	}
	if !claimed {
		p.unclaimed(e, p.routes.Load().Unclaimed)
	}
}

// share returns a signal's share of an input.
func (e *entry) share(p *Pipeline, r Route) *Share {
	return &Share{Stream: Stream{Signal: r.Signal}, Source: r.Source, Message: e.message, Identity: e.identity, Input: e.input, Received: e.received, receipt: e.anonymous, content: e.content, pipeline: p, debt: e}
}

// give hands a share over and reports whether the signal is there to take it: one that was removed meanwhile is no
// longer addressed. When the module stops the share stays open for good, and its input comes again.
func (p *Pipeline) give(r Route, s *Share) bool {
	if s.debt != nil {
		s.debt.retain()
	}
	if r.Consumer.Take(s) || p.stopping() {
		return true
	}
	s.Finish()
	return false
}

func (p *Pipeline) unclaimed(e *entry, action string) {
	if action == module.ActionDrop {
		p.dropped.Add(1)
		return
	}
	s := e.share(p, Route{})
	e.retain()
	s.DeadLetter(module.DeadLetter{Reason: module.ReasonNoSignal, Description: "no signal names this input"})
	s.Finish()
}

// chain gives what a signal sent to its own output to the signals that read it (9).
func (p *Pipeline) chain(from *Share, m module.Message) {
	routes := p.routes.Load()
	if routes == nil {
		return // the module stops before it was told
	}
	readers := routes.Signals[from.Signal]
	if len(readers) == 0 {
		return
	}
	content := signals.NewContent(m.Body)
	for _, r := range readers {
		s := &Share{Stream: Stream{Signal: r.Signal}, Source: r.Source, Message: m, Identity: "id\x00" + m.Properties.Value(module.PropertyMessageID),
			Input: from.Input, Received: from.Received, receipt: from.receipt, content: content, pipeline: p, debt: from.debt}
		if !p.give(r, s) {
			p.dropped.Add(1)
		}
	}
}

func (p *Pipeline) close() {
	p.groups.close()
	p.outbox.close()
}
