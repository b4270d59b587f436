package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// Journal is the disk's side of the pipeline. See package journal.
type Journal interface {
	Submit(*journal.Tx, func(error))
	Get(table, key string) ([]byte, error)
	Keys(table string) []string
	Tables(prefix string) []string
}

// ErrStopping means that the module stops: the share stays open for good, and its input comes again.
var ErrStopping = errors.New("the module stops")

// commit submits a transaction and waits until it is synced.
func (p *Pipeline) commit(tx *journal.Tx) error {
	done := make(chan error, 1) // done is called once
	p.journal.put(tx, func(err error) { done <- err })
	err := <-done
	if errors.Is(err, journal.ErrClosed) {
		return ErrStopping
	}
	return err
}

// Kept is what survives of a stream: the state of its guest, and which inputs are in it already. It belongs to the
// goroutine that works on the stream.
type Kept struct {
	pipeline *Pipeline
	stream   Stream
	seen     *seen // nil until it is asked for
}

// Kept returns what is kept of a stream.
func (p *Pipeline) Kept(stream Stream) *Kept { return &Kept{pipeline: p, stream: stream} }

// State returns the state of the stream's guest. What cannot be read is left out, and named by the error.
func (k *Kept) State() (map[string][]byte, error) {
	table := tableState + k.stream.String()
	var state map[string][]byte
	var errs []error
	for _, key := range k.pipeline.journal.Keys(table) {
		value, err := k.pipeline.journal.Get(table, key)
		if err != nil {
			errs = append(errs, fmt.Errorf("read state %q: %w", key, err))
			continue
		}
		if state == nil {
			state = make(map[string][]byte)
		}
		state[key] = value
	}
	return state, errors.Join(errs...)
}

// SetState keeps what a guest stored outside a message. After an error nothing of it is kept.
func (k *Kept) SetState(changes []module.StateChange) error {
	if len(changes) == 0 {
		return nil
	}
	tx := &journal.Tx{}
	k.putState(tx, changes)
	return k.pipeline.commit(tx)
}

func (k *Kept) putState(tx *journal.Tx, changes []module.StateChange) {
	table := tableState + k.stream.String()
	for _, c := range changes {
		if key := strings.Clone(c.Key); c.Delete {
			tx.Delete(table, key)
		} else {
			tx.Put(table, key, c.Value)
		}
	}
}

// Settle finishes a share whose call changed the guest's state, in one transaction: the new state, the input's identity,
// and what was sent (3). It returns when that is synced. After an error nothing of it is kept or sent, and the share is
// still open; after ErrStopping it stays so.
func (k *Kept) Settle(s *Share, changes []module.StateChange) error {
	err := k.settle(s, changes)
	if err != nil {
		s.sent = nil
	}
	return err
}

func (k *Kept) settle(s *Share, changes []module.StateChange) error {
	p := k.pipeline
	tx := &journal.Tx{}
	k.putState(tx, changes)
	results, err := p.outbox.reserve(tx, s)
	if err != nil {
		return err
	}
	learnt := k.putSeen(tx, s)
	if err := p.commit(tx); err != nil {
		p.outbox.abandon(results)
		return err
	}
	k.learn(learnt)
	for _, o := range s.sent {
		if o.own {
			p.chain(s, o.Message)
		}
	}
	p.outbox.enqueue(results)
	s.close()
	return nil
}

// Repeat reports whether the guest's state has a share's input in it already. Then its outputs are in the outbox or were
// sent; the signals that read this one get theirs again, and the share is finished.
func (k *Kept) Repeat(s *Share) bool {
	if s.receipt || !k.loadSeen() {
		return false
	}
	key, known := k.seen.keys[hashOf(s)]
	if !known {
		return false
	}
	a, _ := k.readAccount(key) // one that cannot be read any more: the input is in the state all the same
	for _, m := range a.own {
		k.pipeline.chain(s, m)
	}
	s.close()
	return true
}
