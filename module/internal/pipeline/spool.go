package pipeline

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// Spool keeps the shares of a signal that cannot take them now. A share is finished when it is synced there; it comes
// out as a new share with the same identity, and its record is removed when that is finished. It may be used from any
// goroutine.
type Spool struct {
	pipeline *Pipeline
	stream   Stream
	ready    func() // there is something to take; must not block

	mu       sync.Mutex // guards what follows
	synced   []*record  // in order; they can be taken
	taken    int        // shares that came out and are not finished
	bytes    int64      // of all that is in it
	pending  int        // not synced yet
	failed   []*Share   // could not be stored
	sequence uint64
}

// Spool returns a stream's spool, with what another life of the module left in it. Before routes are known nothing comes
// out of it: what a signal sends must find those that read it.
func (p *Pipeline) Spool(stream Stream, ready func()) *Spool {
	p.waking.add(ready)
	sp := &Spool{pipeline: p, stream: stream, ready: ready}
	for _, key := range p.journal.Keys(sp.table()) {
		value, err := p.journal.Get(sp.table(), key)
		if err != nil {
			p.onError(fmt.Errorf("read spool of signal %q: %w", stream, err))
			continue
		}
		sp.sequence = sequenceOf(key)
		sp.bytes += int64(len(value))
		sp.synced = append(sp.synced, &record{spool: sp, key: key, size: int64(len(value))})
	}
	return sp
}

func (sp *Spool) table() string { return tableSpool + sp.stream.String() }

// Put takes a share in, which is finished soon after. It reports false when the spool is full; the share then still is
// the caller's.
func (sp *Spool) Put(s *Share) bool {
	encoded := encodeShare(s)
	tx := &journal.Tx{}
	r := sp.place(tx, encoded)
	if r == nil {
		return false
	}
	sp.pipeline.removals.submit(tx, func(err error) { sp.onSynced(r, s, err) })
	return true
}

// place finds room for a share, and its place in the order.
func (sp *Spool) place(tx *journal.Tx, encoded []byte) *record {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	size := int64(len(encoded))
	if sp.bytes > 0 && sp.bytes+size > sp.pipeline.spoolLimit.Load() {
		return nil
	}
	sp.sequence++
	sp.bytes += size
	sp.pending++
	r := &record{spool: sp, key: sequenceKey(sp.sequence), size: size}
	tx.Put(sp.table(), r.key, encoded)
	return r
}

// onSynced is called by the journal, in order.
func (sp *Spool) onSynced(r *record, s *Share, err error) {
	sp.mu.Lock()
	sp.pending--
	if err == nil {
		sp.synced = append(sp.synced, r)
	} else {
		sp.bytes -= r.size
		s.spooled = sequenceOf(r.key)
		sp.failed = append(sp.failed, s)
	}
	sp.mu.Unlock()
	if err == nil {
		s.close()
	} else {
		sp.pipeline.onError(fmt.Errorf("store in spool of signal %q: %w", sp.stream, err))
	}
	sp.ready()
}

// Follows reports whether all that is in the spool comes after a share that it could not store.
func (sp *Spool) Follows(s *Share) bool {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return s.spooled > 0 && (len(sp.synced) == 0 || s.spooled < sequenceOf(sp.synced[0].key))
}

// Take returns the next share, or nil where none is synced. One that cannot be read is left out.
func (sp *Spool) Take() *Share {
	for {
		r := sp.next()
		if r == nil {
			return nil
		}
		s, err := sp.read(r)
		if err == nil {
			return s
		}
		sp.pipeline.onError(fmt.Errorf("read spool of signal %q: %w", sp.stream, err))
		r.release()
	}
}

func (sp *Spool) next() *record {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	if len(sp.synced) == 0 || sp.pipeline.routes.Load() == nil {
		return nil
	}
	r := sp.synced[0]
	sp.synced = slices.Delete(sp.synced, 0, 1)
	sp.taken++
	r.open.Store(1)
	return r
}

func (sp *Spool) read(r *record) (*Share, error) {
	value, err := sp.pipeline.journal.Get(sp.table(), r.key)
	if err != nil {
		return nil, err
	}
	s, err := decodeShare(value)
	if err != nil {
		return nil, err
	}
	s.Stream, s.pipeline, s.debt = sp.stream, sp.pipeline, r
	return s, nil
}

// remove lets go of a record whose share is finished.
func (sp *Spool) remove(r *record) {
	sp.mu.Lock()
	sp.bytes -= r.size
	sp.taken--
	sp.mu.Unlock()
	sp.pipeline.removals.add(sp.table(), r.key)
}

// Failed returns the shares that could not be stored, once. They are the caller's.
func (sp *Spool) Failed() []*Share {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	failed := sp.failed
	sp.failed = nil
	return failed
}

// Len returns how many shares wait in the spool, those included that are about to be synced.
func (sp *Spool) Len() int {
	sp.mu.Lock()
	defer sp.mu.Unlock()
	return len(sp.synced) + sp.pending
}

// wakers are called once, when routes are known.
type wakers struct {
	mu    sync.Mutex // guards what follows
	woken bool
	ready []func()
}

func (w *wakers) add(ready func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.woken {
		w.ready = append(w.ready, ready)
	}
}

func (w *wakers) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.woken = true
	for _, ready := range w.ready {
		ready()
	}
	w.ready = nil
}

// Overdue reports whether a share has waited for so long that it must not wait in memory any longer (6).
func (s *Share) Overdue(now time.Time) bool { return now.Sub(s.Received) >= inputTime }

// Forget removes what is kept of signals that are not there any more. What lies in their spools goes to the dead letters.
func (p *Pipeline) Forget(there func(module.SignalName) bool) {
	for _, table := range p.journal.Tables(tableSpool) {
		stream := streamOf(table[len(tableSpool):])
		if there(stream.Signal) {
			continue
		}
		sp := p.Spool(stream, func() {})
		for s := sp.Take(); s != nil; s = sp.Take() {
			s.DeadLetter(module.DeadLetter{Reason: module.ReasonSignalNotRunning, Description: "the signal was removed while the message waited for it"})
			s.Finish()
		}
	}
	tx := &journal.Tx{}
	for _, prefix := range [...]string{tableState, tableSeen, tableOwn, tableStages, tableSnapshot} {
		for _, table := range p.journal.Tables(prefix) {
			if !there(streamOf(table[len(prefix):]).Signal) {
				tx.DeleteTable(table)
			}
		}
	}
	if !tx.Empty() {
		p.journal.Submit(tx, nil)
	}
}
