package pipeline

import (
	"sync"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// removals are records that the journal need not keep any longer. They are removed together, a little later: with the next
// transaction that somebody waits for, whose sync they share, or after a second. What comes again after a crash because that
// was not done yet has the id that it had. Add does not block.
type removals struct {
	journal disk

	mu sync.Mutex // guards tx
	tx *journal.Tx
}

func newRemovals(j disk) *removals { return &removals{journal: j, tx: &journal.Tx{}} }

func (r *removals) add(table, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tx.Delete(table, key)
}

// submit hands in a transaction that takes room, as put does, and before it what is to be removed.
func (r *removals) submit(tx *journal.Tx, done func(error)) {
	r.flush()
	r.journal.put(tx, done)
}

func (r *removals) flush() {
	r.mu.Lock()
	tx := r.tx
	r.tx = &journal.Tx{}
	r.mu.Unlock()
	if !tx.Empty() {
		r.journal.Submit(tx, nil)
	}
}
