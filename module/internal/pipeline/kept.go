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
	Sizes(prefix string) map[string]int64
}

// ErrStopping means that the module stops: the share stays open for good, and its input comes again.
var ErrStopping = errors.New("the module stops")

// commit submits a transaction and waits until it is synced.
func (p *Pipeline) commit(tx *journal.Tx) error {
	done := make(chan error, 1) // done is called once
	p.removals.submit(tx, func(err error) { done <- err })
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
	seen     *seen  // nil until it is asked for
	owed     string // digest of the version that the state is to be kept for when it changes; "": none
	dropped  bool   // the snapshot that the journal may still have
}

// Kept returns what is kept of a stream.
func (p *Pipeline) Kept(stream Stream) *Kept { return &Kept{pipeline: p, stream: stream} }

// State returns the state of the stream's guest. What cannot be read is left out, and named by the error.
func (k *Kept) State() (map[string][]byte, error) { return k.read(tableState, "") }

// read returns the records of one of the stream's tables whose keys begin with prefix, by what follows it.
func (k *Kept) read(table, prefix string) (map[string][]byte, error) {
	table += k.stream.String()
	var state map[string][]byte
	var errs []error
	for _, name := range k.pipeline.journal.Keys(table) {
		key, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		value, err := k.pipeline.journal.Get(table, name)
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
	err := k.pipeline.commit(tx)
	if err == nil {
		k.paid()
	}
	return err
}

func (k *Kept) putState(tx *journal.Tx, changes []module.StateChange) {
	table := tableState + k.stream.String()
	if len(changes) > 0 {
		k.putSnapshot(tx)
	}
	for _, c := range changes {
		if key := strings.Clone(c.Key); c.Delete {
			tx.Delete(table, key)
		} else {
			tx.Put(table, key, c.Value)
		}
	}
}

// Changes are what a share changed that is to be kept with it.
type Changes struct {
	State  []module.StateChange // of the guest
	Stages []byte               // what the host-side stages remember of the share's source; nil: nothing new
}

// Settle finishes a share in one transaction: the new state, the input's identity, what was sent, and what is gathered (3).
// It returns when that is synced. After an error nothing of it is kept or sent, and the share is still open; after
// ErrStopping it stays so. Where the guest's state did not change no such error ends it: each message is sent at once (7).
func (k *Kept) Settle(s *Share, c Changes) error {
	err := k.settle(s, c)
	switch {
	case err == nil:
	case len(c.State) == 0 && !errors.Is(err, ErrStopping):
		k.pipeline.groups.release(s)
		s.Finish()
		return nil
	default:
		s.sent = nil
	}
	return err
}

func (k *Kept) settle(s *Share, c Changes) error {
	p, tx := k.pipeline, &journal.Tx{}
	k.putState(tx, c.State)
	k.putStages(tx, s.Source, c.Stages)
	gathered, err := p.groups.reserve(tx, s)
	if err != nil {
		return err
	}
	results := s.results()
	if !p.outbox.reserve(tx, results...) {
		p.groups.forgo(gathered)
		return ErrStopping
	}
	learnt := k.putSeen(tx, s)
	if err := p.commit(tx); err != nil {
		p.groups.forgo(gathered)
		p.outbox.abandon(results)
		return err
	}
	k.learn(learnt)
	if len(c.State) > 0 {
		k.paid()
	}
	for _, o := range s.sent {
		if o.own {
			p.chain(s, o.within())
		}
	}
	p.groups.keep(gathered)
	p.outbox.enqueue(results...)
	s.close()
	return nil
}

// Stages returns what the stages remembered of each of the stream's sources when that was kept.
func (k *Kept) Stages() map[string][]byte {
	j, table := k.pipeline.journal, tableStages+k.stream.String()
	stages := make(map[string][]byte)
	for _, source := range j.Keys(table) {
		if value, err := j.Get(table, source); err == nil { // else they begin anew, which a crash may do as well
			stages[source] = value
		}
	}
	return stages
}

// ForgetStages removes that, for a stream that does not keep it up to date: another life of the module would take it for
// what was sent last. done is called when that is sure.
func (k *Kept) ForgetStages(done func()) {
	tx := &journal.Tx{}
	tx.DeleteTable(tableStages + k.stream.String())
	k.pipeline.journal.Submit(tx, func(err error) {
		if err == nil {
			done()
		}
	})
}

// HasState reports whether the guest of the stream keeps any.
func (k *Kept) HasState() bool { return len(k.pipeline.journal.Keys(tableState+k.stream.String())) > 0 }

// SetStages keeps what the stages remember of the stream's sources, over an orderly end of the stream's work.
func (k *Kept) SetStages(stages map[string][]byte) error {
	tx := &journal.Tx{}
	for source, value := range stages {
		k.putStages(tx, source, value)
	}
	if tx.Empty() {
		return nil
	}
	return k.pipeline.commit(tx)
}

func (k *Kept) putStages(tx *journal.Tx, source string, value []byte) {
	if value != nil {
		tx.Put(tableStages+k.stream.String(), source, value)
	}
}

// Repeat reports whether the guest's state has a share's input in it already. Then its outputs are in the outbox or were
// sent; the signals that read this one get theirs again, and the share is finished.
func (k *Kept) Repeat(s *Share) bool {
	if s.receipt {
		return false
	}
	if k.loadSeen(); len(k.seen.senders) == 0 {
		return false
	}
	sender, hash := senderOf(s), hashOf(s)
	at := k.seen.senders[sender].place(hash)
	if at < 0 {
		return false
	}
	for _, m := range k.own(sender, at, hash) {
		k.pipeline.chain(s, m)
	}
	s.close()
	return true
}
