package journal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// contents are the values of a journal, by table and key.
type contents map[[2]string]string

func read(t testing.TB, j *Journal) contents {
	t.Helper()
	found := contents{}
	for _, table := range j.Tables("") {
		for _, key := range j.Keys(table) {
			value, err := j.Get(table, key)
			require.NoError(t, err)
			found[[2]string{table, key}] = string(value)
		}
	}
	return found
}

// randomTx changes a transaction and, in the same way, what a journal should hold.
func randomTx(r *rand.Rand, model contents) *Tx {
	tx := new(Tx)
	for range 1 + r.IntN(3) {
		table, key := fmt.Sprint("table", r.IntN(3)), fmt.Sprint(r.IntN(6))
		switch r.IntN(10) {
		case 0:
			tx.DeleteTable(table)
			maps.DeleteFunc(model, func(k [2]string, _ string) bool { return k[0] == table })
		case 1, 2:
			tx.Delete(table, key)
			delete(model, [2]string{table, key})
		default:
			value := make([]byte, r.IntN(60))
			for i := range value {
				value[i] = byte(r.Uint32())
			}
			tx.Put(table, key, value)
			model[[2]string{table, key}] = string(value)
		}
	}
	return tx
}

// history is what was done to a journal: what it held after each transaction, and how many of them were acknowledged.
type history struct {
	states []contents
	acked  int
}

// live commits transactions in batches until all are done or the power is off.
func live(t testing.TB, d *disk, r *rand.Rand, transactions int) history {
	h := history{states: []contents{{}}}
	j, damage, err := open(small, d)
	if err != nil {
		return h
	}
	require.Empty(t, damage)
	for len(h.states) <= transactions && (d.crashAt == 0 || d.ops < d.crashAt) {
		var batch []request
		for range 1 + r.IntN(3) {
			model := maps.Clone(h.states[len(h.states)-1])
			tx := randomTx(r, model)
			h.states = append(h.states, model)
			batch = append(batch, request{tx: tx, done: func(err error) {
				if err == nil {
					h.acked = len(h.states) - 1
				}
			}})
		}
		j.commit(batch)
		for j.cleaningDue() && j.clean(0) == nil { // to the end, so that there is much of it
			continue
		}
	}
	return h
}

// small is a configuration with many segments.
var small = Config{Limit: 1 << 20, SegmentBytes: 600}

// check opens what a power cut left and finds all that was acknowledged, and nothing that is half of a transaction.
func (h history) check(t testing.TB, d *disk, what string, args ...any) {
	t.Helper()
	j, _, err := open(small, d)
	require.NoError(t, err)
	found := read(t, j)
	for _, state := range h.states[h.acked:] {
		if maps.Equal(found, state) {
			return
		}
	}
	require.Fail(t, "the journal is in no state that it was in since the last acknowledgement", what, args)
}

func TestAPowerCutAtAnyMomentLosesNothingThatWasAcknowledged(t *testing.T) {
	const transactions = 60
	whole := newDisk()
	live(t, whole, rand.New(rand.NewPCG(1, 1)), transactions)
	random := rand.New(rand.NewPCG(2, 2))
	for op := 1; op <= whole.ops; op++ {
		d := newDisk()
		d.crashAt = op
		h := live(t, d, rand.New(rand.NewPCG(1, 1)), transactions)
		for _, names := range []naming{syncedNames, seenNames, eitherName(random)} {
			h.check(t, d.found(names, nothing), "nothing, operation %d", op)
			h.check(t, d.found(names, everything), "everything, operation %d", op)
			for range 10 {
				h.check(t, d.found(names, someBlocks(random)), "some blocks, operation %d", op)
			}
		}
	}
}

func TestAWriteThatIsCutAtAnyByteIsWholeOrAbsent(t *testing.T) {
	const transactions = 12
	whole := newDisk()
	live(t, whole, rand.New(rand.NewPCG(3, 3)), transactions)
	for op := 1; op <= whole.ops; op++ {
		d := newDisk()
		d.crashAt = op
		h := live(t, d, rand.New(rand.NewPCG(3, 3)), transactions)
		for n := range 400 {
			h.check(t, d.found(seenNames, firstBytes(n)), "%d bytes, operation %d", n, op)
		}
	}
}

func TestWhatACrashCutsOffIsNoDamage(t *testing.T) {
	whole := newDisk()
	live(t, whole, rand.New(rand.NewPCG(4, 4)), 12)
	for op := 1; op <= whole.ops; op++ {
		d := newDisk()
		d.crashAt = op
		live(t, d, rand.New(rand.NewPCG(4, 4)), 12)
		for n := range 100 {
			_, damage, err := open(small, d.found(seenNames, firstBytes(n*4)))
			require.NoError(t, err)
			assert.Empty(t, damage, "%d bytes, operation %d", n*4, op)
		}
	}
}

// TestCrashAfterCrash ends the process or cuts the power again and again, and goes on with what is left.
func TestCrashAfterCrash(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 5))
		d := newDisk()
		for range 8 {
			j, _, err := open(small, d)
			require.NoError(t, err)
			h := history{states: []contents{read(t, j)}}
			d.crashAt = d.ops + 1 + r.IntN(60)
			h.goOn(j, d, r)
			if d.crashAt = 0; r.IntN(2) == 0 {
				d = d.found(eitherName(r), someBlocks(r))
			}
			h.check(t, d, "seed %d", seed)
		}
	}
}

// goOn commits until the power is off.
func (h *history) goOn(j *Journal, d *disk, r *rand.Rand) {
	for d.ops < d.crashAt {
		model := maps.Clone(h.states[len(h.states)-1])
		tx := randomTx(r, model)
		h.states = append(h.states, model)
		j.commit([]request{{tx: tx, done: func(err error) {
			if err == nil {
				h.acked = len(h.states) - 1
			}
		}}})
		if j.cleaningDue() {
			_ = j.clean(0) // the power may go here too
		}
	}
}
