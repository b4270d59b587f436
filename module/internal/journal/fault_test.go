package journal

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faulty commits under random faults, and knows what the journal holds and what it may come to hold.
type faulty struct {
	*Journal
	disk     *disk
	random   *rand.Rand
	model    contents
	possible []contents // after transactions that failed since the last that succeeded, if the process ends now
}

// commitSome commits a batch, of which nothing or everything counts then.
func (f *faulty) commitSome(t *testing.T) {
	var batch []request
	var failed int
	model, possible := maps.Clone(f.model), []contents{}
	for range 1 + f.random.IntN(3) {
		tx := randomTx(f.random, model)
		possible = append(possible, maps.Clone(model))
		batch = append(batch, request{tx: tx, done: func(err error) {
			if err != nil {
				failed++
			}
		}})
	}
	f.commit(batch)
	switch failed {
	case 0:
		f.model, f.possible = model, nil
	case len(batch):
		f.possible = append(f.possible, possible...)
	default:
		require.Fail(t, "a part of a batch has failed")
	}
	require.Equal(t, f.model, read(t, f.Journal))
}

// check opens what is found later, and finds what was acknowledged.
func (f *faulty) check(t *testing.T, d *disk) *Journal {
	j, _, err := open(small, d)
	require.NoError(t, err)
	found := read(t, j)
	if !slices.ContainsFunc(append(f.possible, f.model), func(c contents) bool { return maps.Equal(c, found) }) {
		require.Fail(t, "the journal is in no state that is possible")
	}
	return j
}

func TestADeviceThatFailsNowAndThenLosesNothingThatWasAcknowledged(t *testing.T) {
	errs := []error{syscall.EIO, syscall.EROFS, errKept}
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 6))
		d := newDisk()
		for range 4 {
			j, _, err := open(small, d)
			require.NoError(t, err)
			f := &faulty{Journal: j, disk: d, random: r, model: read(t, j)}
			rate := 2 + r.IntN(10)
			d.fault = func(string) error {
				if r.IntN(rate) > 0 {
					return nil
				}
				return errs[r.IntN(len(errs))]
			}
			for range r.IntN(40) {
				f.commitSome(t)
				if j.cleaningDue() {
					_ = j.clean(0) // it is tried again
					require.Equal(t, f.model, read(t, j))
				}
			}
			d.fault = nil
			if r.IntN(2) == 0 {
				d = d.found(eitherName(r), someBlocks(r))
			}
			f.check(t, d)
		}
	}
}

func TestAfterAFailureTheNextCommitSucceeds(t *testing.T) {
	for _, op := range []string{"create", "write", "sync", "sync directory"} {
		t.Run(op, func(t *testing.T) {
			d := newDisk()
			j, _, err := open(small, d)
			require.NoError(t, err)
			d.fault = func(now string) error {
				if now == op {
					return syscall.EIO
				}
				return nil
			}
			tx := new(Tx)
			tx.Put("t", "k", []byte("v"))
			commit := func() (result error) {
				j.commit([]request{{tx: tx, done: func(err error) { result = err }}})
				return result
			}
			assert.ErrorIs(t, commit(), syscall.EIO)
			assert.Empty(t, j.Keys("t"))
			d.fault = nil
			assert.NoError(t, commit())
			_, err = j.Get("t", "k")
			assert.NoError(t, err)
		})
	}
}

func TestOnAFullDiskDeletionsAreTakenWhereTheyHaveRoom(t *testing.T) {
	d := newDisk()
	j, _, err := open(small, d)
	require.NoError(t, err)
	put, remove := new(Tx), new(Tx)
	put.Put("t", "large", make([]byte, 500))
	remove.Delete("t", "k")
	d.fault = func(op string) error {
		if op == "write" {
			d.fault = nil // the next one is smaller and fits
			return syscall.ENOSPC
		}
		return nil
	}
	var results []error
	note := func(err error) { results = append(results, err) }
	j.commit([]request{{tx: put, done: note}, {tx: remove, done: note}})
	require.Len(t, results, 2)
	assert.ErrorIs(t, results[0], ErrFull)
	assert.ErrorIs(t, results[0], syscall.ENOSPC)
	assert.NoError(t, results[1])
	assert.Empty(t, j.Keys("t"))
}

func TestAJournalThatFilledItsDiskIsOfUseAgainOnceSomethingIsDeleted(t *testing.T) {
	config := Config{Limit: 256 << 10, SegmentBytes: 4 << 10}
	d := newDisk()
	d.room = 40 << 10
	j, _, err := open(config, d)
	require.NoError(t, err)
	var result error
	commit := func(change func(*Tx)) error {
		tx := new(Tx)
		change(tx)
		j.commit([]request{{tx: tx, done: func(err error) { result = err }}})
		for j.cleaningDue() && j.clean(0) == nil {
		}
		return result
	}
	put := func(n int) error {
		return commit(func(tx *Tx) { tx.Put("t", strconv.Itoa(n), make([]byte, 100)) })
	}
	for range 3 {
		n := 0
		for put(n) == nil {
			n++
		}
		require.ErrorIs(t, result, ErrFull)
		require.ErrorIs(t, result, syscall.ENOSPC, "it is the disk that is full, not the journal")
		require.Greater(t, n, 10)
		for i := range n {
			require.NoError(t, commit(func(tx *Tx) { tx.Delete("t", strconv.Itoa(i)) }), "deletion %d of %d", i, n)
		}
		require.NoError(t, put(0), "there is room again")
		require.NoError(t, commit(func(tx *Tx) { tx.DeleteTable("t") }))

		j, _, err = open(config, d) // as after a kill
		require.NoError(t, err)
		require.Empty(t, j.Keys("t"))
	}
}

// TestCleaningComesToAnEndWithoutAReserve is for journals of many segments, whose headers and frames alone are more than a
// segment: no cleaning gains that.
func TestCleaningComesToAnEndWithoutAReserve(t *testing.T) {
	for value, keys := range map[int]int{0: 1000, 20: 1000, 200: 500, 500: 300, 5000: 100} {
		t.Run(fmt.Sprintf("values of %d bytes", value), func(t *testing.T) {
			d := newDisk()
			j, _, err := open(small, d)
			require.NoError(t, err)
			for n := range 2 * keys {
				tx := new(Tx)
				tx.Put("t", strconv.Itoa(n%keys), make([]byte, value))
				j.commit([]request{{tx: tx, done: func(err error) { require.NoError(t, err) }}})
			}
			j.reserve.held = false // as after it was used
			steps := 0
			for bound := 10 * len(j.segments); j.cleaningDue() && steps < bound; steps++ {
				require.NoError(t, j.clean(0))
			}
			require.False(t, j.cleaningDue(), "after %d steps there are %d segments, of %d bytes, of which %d count", steps, len(j.segments), j.index.disk, j.index.live)
			require.Positive(t, steps)
			require.Len(t, j.Keys("t"), keys)
		})
	}
}

// TestWhatNobodyWaitsForIsTriedAgain is for removals: whoever submits them does not look back.
func TestWhatNobodyWaitsForIsTriedAgain(t *testing.T) {
	d := newDisk()
	j, _, err := open(small, d)
	require.NoError(t, err)
	put, remove := new(Tx), new(Tx)
	put.Put("t", "k", nil)
	j.commit([]request{{tx: put}})
	require.Equal(t, []string{"k"}, j.Keys("t"))

	remove.Delete("t", "k")
	d.fault = func(string) error { return syscall.EIO }
	j.commit([]request{{tx: remove}})
	require.Equal(t, []string{"k"}, j.Keys("t"))
	d.fault = nil
	batch, wait := j.queue.take()
	assert.Empty(t, batch, "not at once")
	assert.Positive(t, wait)
	j.Submit(new(Tx), func(error) {})
	j.step()
	assert.Empty(t, j.Keys("t"))
}
