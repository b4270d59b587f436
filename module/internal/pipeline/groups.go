package pipeline

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// groups gather samples until their group's next message is due. A sample is in the journal before its input is
// acknowledged. A message is sealed by one transaction, in which it takes the place of its samples there (3).
type groups struct {
	pipeline *Pipeline
	wake     chan struct{} // capacity 1: something may be due
	sealing  sync.Mutex    // held by who seals

	mu        sync.Mutex // guards what follows
	room      sync.Cond  // a message was sealed, or closed
	settings  map[string]module.PublishGroup
	bags      map[string]*bag // by the key of their envelope
	discarded int64
	sealed    int64 // messages
	gathered  int64 // samples in them
	closed    bool
}

// bag holds the samples that wait for one message.
type bag struct {
	envelope *Envelope
	named    bool    // the envelope is in the journal
	items    []*item // synced, oldest first
	size     int     // of all items, those included that are being synced
	sequence uint64
	since    time.Time // the first of items waits since then
}

// item is one sample that waits.
type item struct {
	signals.Named
	key  string
	size int // in a message
}

// Queue bounds how many samples of a stream wait in its group.
type Queue struct {
	Size       int // 0: as many as there are
	DiscardNew bool
}

// gather is how an outgoing message is gathered instead of being sent by itself.
type gather struct {
	envelope *Envelope
	item     signals.Named
	queue    Queue
}

// placement is what a transaction adds to a bag, and what it takes out.
type placement struct {
	bag             *bag
	added, replaced []*item
	discarded       int64
}

// groupBytes is how large a message of a group is at most, where its group does not say, or is gone.
const groupBytes = 200_000

func newGroups(p *Pipeline) *groups {
	g := &groups{pipeline: p, wake: make(chan struct{}, 1), bags: make(map[string]*bag)}
	g.room.L = &g.mu
	g.load()
	return g
}

// load finds the samples that another life of the module gathered.
func (g *groups) load() {
	for _, table := range g.pipeline.journal.Tables(tableGroup) {
		if err := g.loadBag(table); err != nil {
			g.pipeline.onError(fmt.Errorf("read publish group: %w", err))
		}
	}
}

func (g *groups) loadBag(table string) error {
	j := g.pipeline.journal
	value, err := j.Get(table, envelopeKey)
	if err != nil {
		return err
	}
	envelope, err := decodeEnvelope(value)
	if err != nil {
		return err
	}
	keys := j.Keys(table)
	if len(keys) == 1 { // nothing waited
		g.pipeline.removals.add(table, envelopeKey)
		return nil
	}
	b := g.bag(envelope)
	b.named, b.since = true, time.Now()
	for _, key := range keys {
		if key == envelopeKey {
			continue
		}
		value, err := j.Get(table, key)
		if err != nil {
			return err
		}
		named, err := decodeItem(value)
		if err != nil {
			return err
		}
		i := &item{named, key, b.sizeOf(named)}
		b.items = append(b.items, i)
		b.size, b.sequence = b.size+i.size, sequenceOf(key)
	}
	return nil
}

// envelopeKey is the key of a bag's envelope in its table. It comes before all items.
const envelopeKey = ""

// sizeOf returns how many bytes a sample adds to a message.
func (b *bag) sizeOf(n signals.Named) int {
	return signals.ElementSize(b.envelope.payload, n, signals.Batch{Group: b.envelope.group})
}

func (b *bag) table() string { return tableGroup + b.envelope.key }

func (g *groups) bag(e *Envelope) *bag {
	b := g.bags[e.key]
	if b == nil {
		b = &bag{envelope: e}
		g.bags[e.key] = b
	}
	return b
}

// set changes the settings of the groups.
func (g *groups) set(settings map[string]module.PublishGroup) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.settings = settings
	g.notify()
}

// of returns the settings of a bag's group.
func (g *groups) of(b *bag) module.PublishGroup {
	s := g.settings[b.envelope.group]
	if s.MaxBytes == 0 {
		s.MaxBytes = groupBytes
	}
	return s
}

// reserve adds what is gathered of a share, all of it in one envelope, to a transaction. It waits for room while as much
// waits as two messages hold. It returns nil where there is nothing to gather.
func (g *groups) reserve(tx *journal.Tx, s *Share) (*placement, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var p *placement
	for _, o := range s.sent {
		if o.gather == nil {
			continue
		}
		if p == nil {
			p = &placement{bag: g.bag(o.gather.envelope)}
			for p.bag.size > 2*g.of(p.bag).MaxBytes && !g.closed {
				g.room.Wait()
			}
			if g.closed {
				return nil, ErrStopping
			}
		}
		p.place(tx, o.gather)
	}
	return p, nil
}

func (p *placement) place(tx *journal.Tx, o *gather) {
	if !p.makeRoom(tx, o) {
		p.discarded++
		return
	}
	b := p.bag
	if !b.named {
		tx.Put(b.table(), envelopeKey, b.envelope.encode())
	}
	b.sequence++
	i := &item{o.item, sequenceKey(b.sequence), b.sizeOf(o.item)}
	b.size += i.size
	tx.Put(b.table(), i.key, encodeItem(&o.item))
	p.added = append(p.added, i)
}

// makeRoom keeps a stream within its queue. It reports false where the new sample is the one that goes.
func (p *placement) makeRoom(tx *journal.Tx, o *gather) bool {
	if o.queue.Size == 0 {
		return true
	}
	var waiting []*item
	for _, i := range slices.Concat(p.bag.items, p.added) {
		if i.Signal == o.item.Signal && i.Partition == o.item.Partition && !slices.Contains(p.replaced, i) {
			waiting = append(waiting, i)
		}
	}
	over := len(waiting) - o.queue.Size + 1
	if over > 0 && o.queue.DiscardNew {
		return false
	}
	for _, i := range waiting[:max(over, 0)] {
		tx.Delete(p.bag.table(), i.key)
		p.replaced = append(p.replaced, i)
	}
	return true
}

// keep takes what a transaction added, once that is synced. A sample that was sealed meanwhile is not replaced any more.
func (g *groups) keep(p *placement) {
	if p == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	b := p.bag
	if b.named = true; len(b.items) == 0 {
		b.since = time.Now()
	}
	b.items = append(b.items, p.added...)
	before := len(b.items)
	b.items = slices.DeleteFunc(b.items, func(i *item) bool {
		gone := slices.Contains(p.replaced, i)
		if gone {
			b.size -= i.size
		}
		return gone
	})
	g.discarded += p.discarded + int64(before-len(b.items))
	g.notify()
}

// forgo gives back the room of a transaction that failed.
func (g *groups) forgo(p *placement) {
	if p == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, i := range p.added {
		p.bag.size -= i.size
	}
	g.room.Broadcast()
}

// close lets go of those who wait for room.
func (g *groups) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	g.room.Broadcast()
}

func (g *groups) notify() {
	select {
	case g.wake <- struct{}{}:
	default:
	}
}

// count adds what waits in all groups, and what became of samples so far.
func (g *groups) count(c *Counts) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.bags {
		c.Gathered += len(b.items)
		c.GatheredBytes += int64(b.size)
	}
	c.Discarded, c.Sealed, c.SealedSamples = g.discarded, g.sealed, g.gathered
}
