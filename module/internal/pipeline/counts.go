package pipeline

import (
	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Counts are totals since the start, and how much is open now.
type Counts struct {
	Received, Redelivered, Dropped, DeadLetters, OutboxDropped int64
	Discarded                                                  int64            // samples, for the bounds of their queues
	Reasons                                                    map[string]int64 // dead letters by reason, those included that only the folder has
	InFlight, Outbox                                           int
	OutboxBytes, OutboxLimit                                   int64
	Gathered                                                   int   // samples that wait in publish groups
	GatheredBytes                                              int64 // that they add to messages, those included that are being stored
	Sealed, SealedSamples                                      int64 // messages of publish groups, and samples in them
}

// Counts returns the pipeline's totals.
func (p *Pipeline) Counts() Counts {
	c := Counts{
		Reasons:  p.letters.byReason(),
		Received: p.received.Load(), Redelivered: p.redelivered.Load(), Dropped: p.dropped.Load(),
		DeadLetters: p.deadLetters.Load(), InFlight: p.table.waiting(), Outbox: p.outbox.waiting(), OutboxDropped: p.outbox.droppedSoFar(),
	}
	p.groups.count(&c)
	c.OutboxBytes, c.OutboxLimit = p.outbox.size()
	return c
}

// Stored is how much of a signal, with all its partitions, is stored.
type Stored struct {
	State int64 // bytes of its guest's state
	Spool int64 // bytes that wait for it
}

// Stored returns how much is stored of each signal that anything is stored of. It looks at every key there is: it is for
// those who ask now and then.
func (p *Pipeline) Stored() map[module.SignalName]Stored {
	all := make(map[module.SignalName]Stored)
	for table, bytes := range p.journal.Sizes(tableState) {
		name := streamOf(table[len(tableState):]).Signal
		s := all[name]
		s.State += bytes
		all[name] = s
	}
	for table, bytes := range p.journal.Sizes(tableSpool) {
		name := streamOf(table[len(tableSpool):]).Signal
		s := all[name]
		s.Spool += bytes
		all[name] = s
	}
	return all
}

// size returns how many bytes wait, and how many may.
func (o *outbox) size() (bytes, limit int64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.bytes, o.limit
}
