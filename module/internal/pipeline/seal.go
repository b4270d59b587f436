package pipeline

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// PropertyGroup names the publish group of a message that gathers samples.
const PropertyGroup = "group"

// run seals the messages that are due until ctx ends.
func (g *groups) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-g.wake:
		case <-timer.C:
		}
		for b := g.due(time.Now()); b != nil; b = g.due(time.Now()) {
			if !g.seal(b) {
				return
			}
		}
		timer.Reset(g.untilNext(time.Now()))
	}
}

// idle is how long run waits where nothing will be due: it is woken when something is.
const idle = time.Hour

// untilNext returns the time until a group's interval is over.
func (g *groups) untilNext(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	wait := idle
	for _, b := range g.bags {
		if s := g.of(b); len(b.items) > 0 && s.Interval > 0 {
			wait = min(wait, b.since.Add(s.Interval).Sub(now))
		}
	}
	return max(wait, 0)
}

// due returns a bag whose message is due.
func (g *groups) due(now time.Time) *bag {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.bags {
		s := g.of(b)
		_, there := g.settings[b.envelope.group]
		switch {
		case len(b.items) == 0:
		case !there && g.settings != nil: // the group is gone: what is left of it is sent
			return b
		case b.size >= s.MaxBytes, s.MaxSamples > 0 && len(b.items) >= s.MaxSamples, s.Interval > 0 && now.Sub(b.since) >= s.Interval:
			return b
		}
	}
	return nil
}

// flush seals what waits, unless the outbox is about to be full: then it stays in the journal.
func (g *groups) flush() {
	for b := g.any(); b != nil && g.pipeline.outbox.fits(2*groupBytes) && g.seal(b); b = g.any() {
	}
}

func (g *groups) any() *bag {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.bags {
		if len(b.items) > 0 {
			return b
		}
	}
	return nil
}

// release seals what waits where the samples of a share would: those go by themselves, after it.
func (g *groups) release(s *Share) {
	for _, o := range s.sent {
		if o.gather == nil {
			continue
		}
		for b := g.filled(o.gather.envelope); b != nil && g.seal(b); b = g.filled(o.gather.envelope) {
		}
		return // they share an envelope
	}
}

// filled returns the bag of an envelope, or nil where nothing waits in it.
func (g *groups) filled(e *Envelope) *bag {
	g.mu.Lock()
	defer g.mu.Unlock()
	if b := g.bag(e); len(b.items) > 0 {
		return b
	}
	return nil
}

// seal makes a message of the samples that wait in a bag, as many as fit, and gives it to the outbox: in one transaction,
// so that it is sent with one id however often the module dies. Where the journal cannot be written it goes all the same.
// It reports false when the module stops.
func (g *groups) seal(b *bag) bool {
	g.sealing.Lock()
	defer g.sealing.Unlock()
	items := g.open(b)
	if len(items) == 0 {
		return true // another one was faster
	}
	p, tx := g.pipeline, &journal.Tx{}
	r := b.result(items, p.publisherID)
	if !p.outbox.reserve(tx, r) {
		return false
	}
	for _, i := range items {
		tx.Delete(b.table(), i.key)
	}
	if err := p.commit(tx); err != nil {
		p.onError(fmt.Errorf("seal message of publish group %q: %w", b.envelope.group, err))
		r.stored = inMemory
		for _, i := range items {
			p.removals.add(b.table(), i.key)
		}
	}
	g.shut(b, items)
	p.outbox.enqueue(r)
	return true
}

// open returns the samples of a bag that fit into a message.
func (g *groups) open(b *bag) []*item {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.of(b)
	n, size := 0, 0
	for n < len(b.items) && (s.MaxSamples == 0 || n < s.MaxSamples) {
		size += b.items[n].size
		if n > 0 && size > s.MaxBytes {
			break
		}
		n++
	}
	return b.items[:n:n]
}

// shut takes the samples that were sealed out of the bag. One that was replaced meanwhile is out of it already.
func (g *groups) shut(b *bag, items []*item) {
	g.mu.Lock()
	defer g.mu.Unlock()
	sealed := make(map[*item]bool, len(items))
	for _, i := range items {
		sealed[i] = true
	}
	var rest []*item
	for _, i := range b.items {
		if sealed[i] {
			b.size -= i.size
		} else {
			rest = append(rest, i)
		}
	}
	b.items, b.since = rest, time.Now()
	g.sealed, g.gathered = g.sealed+1, g.gathered+int64(len(items))
	g.room.Broadcast()
}

// result makes the message of some samples.
func (b *bag) result(items []*item, publisher string) *result {
	named := make([]signals.Named, len(items))
	for n, i := range items {
		named[n] = i.Named
	}
	id := MessageID(rand.Text(), b.envelope.group, 0)
	about := signals.Batch{Group: b.envelope.group, PublisherID: publisher, MessageID: id, Time: time.Now()}
	m := module.Message{
		Body:       signals.AppendPayload(nil, b.envelope.payload, named, about),
		Properties: b.envelope.properties.Clone(8),
	}
	m.Properties.Set(module.PropertyMessageID, id)
	m.Properties.Set(module.PropertyContentType, "application/json")
	m.Properties.Set(module.PropertyContentEncoding, "utf-8")
	m.Properties.Set(PropertyMessageType, "batch")
	m.Properties.Set(PropertyGroup, b.envelope.group)
	return &result{output: b.envelope.output, Message: m, size: sizeOf(m), since: time.Now(), stored: stored}
}
