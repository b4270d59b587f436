package journal_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// running is a journal and the end of its Run.
type running struct {
	*journal.Journal
	stop func()
}

// start opens a journal in which nothing is damaged, and runs it until the test ends or stop is called.
func start(t testing.TB, c journal.Config) running {
	t.Helper()
	j, damage, err := journal.Open(c)
	require.NoError(t, err)
	require.Empty(t, damage)
	return run(t, j)
}

func run(t testing.TB, j *journal.Journal) running {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		j.Run(ctx)
	}()
	r := running{j, func() {
		cancel()
		<-ended
		require.NoError(t, j.Close())
	}}
	t.Cleanup(r.stop)
	return r
}

func (r running) put(t testing.TB, table, key, value string) {
	t.Helper()
	var tx journal.Tx
	tx.Put(table, key, []byte(value))
	require.NoError(t, r.Commit(&tx))
}

func (r running) value(t testing.TB, table, key string) string {
	t.Helper()
	value, err := r.Get(table, key)
	require.NoError(t, err)
	return string(value)
}

// everywhere runs a test in memory and on disk.
func everywhere(t *testing.T, test func(t *testing.T, c journal.Config)) {
	t.Run("in memory", func(t *testing.T) { test(t, journal.Config{Limit: 1 << 20}) })
	t.Run("on disk", func(t *testing.T) { test(t, journal.Config{Dir: t.TempDir(), Limit: 1 << 20}) })
}

func TestWhatWasCommittedCanBeRead(t *testing.T) {
	everywhere(t, func(t *testing.T, c journal.Config) {
		j := start(t, c)
		var tx journal.Tx
		assert.True(t, tx.Empty())
		tx.Put("b", "2", []byte("two"))
		tx.Put("b", "1", nil)
		tx.Put("a", "", []byte("nameless"))
		assert.False(t, tx.Empty())
		require.NoError(t, j.Commit(&tx))

		assert.Equal(t, "two", j.value(t, "b", "2"))
		assert.Equal(t, "", j.value(t, "b", "1"))
		assert.Equal(t, "nameless", j.value(t, "a", ""))
		assert.Equal(t, []string{"1", "2"}, j.Keys("b"))
		assert.Equal(t, []string{"a", "b"}, j.Tables(""))
		assert.Equal(t, []string{"b"}, j.Tables("b"))
		_, err := j.Get("b", "3")
		assert.ErrorIs(t, err, journal.ErrNotFound)
		assert.Empty(t, j.Keys("c"))
	})
}

func TestATransactionHappensInItsOrder(t *testing.T) {
	everywhere(t, func(t *testing.T, c journal.Config) {
		j := start(t, c)
		j.put(t, "t", "old", "x")
		j.put(t, "u", "old", "x")
		var tx journal.Tx
		tx.DeleteTable("t")
		tx.Put("t", "new", []byte("1"))
		tx.Put("t", "new", []byte("2"))
		tx.Delete("u", "old")
		tx.Delete("u", "never")
		require.NoError(t, j.Commit(&tx))
		assert.Equal(t, []string{"new"}, j.Keys("t"))
		assert.Equal(t, "2", j.value(t, "t", "new"))
		assert.Equal(t, []string{"t"}, j.Tables(""), "a table without keys is none")
	})
}

func TestEverythingIsThereAfterARestart(t *testing.T) {
	c := journal.Config{Dir: filepath.Join(t.TempDir(), "made", "where missing"), Limit: 1 << 20}
	j := start(t, c)
	for i := range 100 {
		j.put(t, "t", fmt.Sprint(i), fmt.Sprint("value ", i))
	}
	var tx journal.Tx
	tx.Delete("t", "7")
	require.NoError(t, j.Commit(&tx))
	j.stop()

	j = start(t, c)
	assert.Len(t, j.Keys("t"), 99)
	assert.Equal(t, "value 99", j.value(t, "t", "99"))
	j.put(t, "t", "7", "again")
	j.stop()
	assert.Equal(t, "again", start(t, c).value(t, "t", "7"))
}

func TestFilesBelongToTheOwnerAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	start(t, journal.Config{Dir: dir, Limit: 1 << 20}).put(t, "t", "k", "v")
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2, "a segment and the reserve")
	for _, e := range entries {
		info, err := e.Info()
		require.NoError(t, err)
		assert.Equal(t, os.FileMode(0o600), info.Mode())
	}
}

// sizeOf returns the bytes of all files of a directory, and 0 for none.
func sizeOf(t *testing.T, dir string) (bytes int64) {
	if dir == "" {
		return 0
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, file := range files {
		if info, err := os.Stat(file); err == nil { // else it was just cleaned
			bytes += info.Size()
		}
	}
	return bytes
}

func TestCleaningKeepsTheJournalSmall(t *testing.T) {
	everywhere(t, func(t *testing.T, c journal.Config) {
		c.SegmentBytes = 8 << 10
		j := start(t, c)
		value := string(make([]byte, 500))
		for i := range 100 { // 0.5 MiB in all, of which 25 KiB count
			var tx journal.Tx
			for k := range 10 {
				tx.Put("t", fmt.Sprint((i*10+k)%50), []byte(value))
			}
			require.NoError(t, j.Commit(&tx))
			u := j.Usage()
			require.Less(t, u.Disk, 2*u.Live+3*c.SegmentBytes)
			require.LessOrEqual(t, sizeOf(t, c.Dir), u.Disk+3*c.SegmentBytes)
		}
		assert.Len(t, j.Keys("t"), 50)
		assert.Equal(t, value, j.value(t, "t", "49"))
	})
}

func TestBeyondTheLimitOnlyDeletionsAreTaken(t *testing.T) {
	everywhere(t, func(t *testing.T, c journal.Config) {
		j := start(t, c)
		var err error
		var n int
		for ; err == nil; n++ {
			require.Less(t, n, 500)
			var tx journal.Tx
			tx.Put("t", fmt.Sprint(n), make([]byte, 5000))
			err = j.Commit(&tx)
		}
		require.ErrorIs(t, err, journal.ErrFull)
		assert.Greater(t, n, 140, "three quarters of the limit are of use")
		assert.LessOrEqual(t, j.Usage().Disk, c.Limit)

		j.put(t, "t", "0", string(make([]byte, 5000))) // takes the room of the one before
		for i := range n / 2 {
			var tx journal.Tx
			tx.Delete("t", fmt.Sprint(i))
			j.Submit(&tx, func(err error) { assert.NoError(t, err) })
		}
		for i := range n/2 - 5 {
			j.put(t, "u", fmt.Sprint(i), string(make([]byte, 5000)))
		}
		assert.LessOrEqual(t, j.Usage().Disk, c.Limit)
	})
}

func TestAClosedJournalRefuses(t *testing.T) {
	j := start(t, journal.Config{Limit: 1 << 20})
	j.put(t, "t", "k", "v")
	j.stop()
	var tx journal.Tx
	tx.Put("t", "k", nil)
	assert.ErrorIs(t, j.Commit(&tx), journal.ErrClosed)
	_, err := j.Get("t", "k")
	assert.ErrorIs(t, err, journal.ErrClosed)
}

func TestWhatNobodyRanEndsWithAnError(t *testing.T) {
	j, _, err := journal.Open(journal.Config{Limit: 1 << 20})
	require.NoError(t, err)
	var tx journal.Tx
	tx.Put("t", "k", nil)
	done := make(chan error, 1)
	j.Submit(&tx, func(err error) { done <- err })
	require.NoError(t, j.Close())
	assert.ErrorIs(t, <-done, journal.ErrClosed)
}

func TestWhatWasSubmittedBeforeTheEndIsCommitted(t *testing.T) {
	c := journal.Config{Dir: t.TempDir(), Limit: 1 << 20}
	j, _, err := journal.Open(c)
	require.NoError(t, err)
	var order []int
	for i := range 100 {
		var tx journal.Tx
		tx.Put("t", fmt.Sprint(i), nil)
		j.Submit(&tx, func(err error) {
			assert.NoError(t, err)
			order = append(order, i)
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.Run(ctx)
	require.NoError(t, j.Close())
	assert.IsIncreasing(t, order)
	assert.Len(t, order, 100)
	assert.Len(t, start(t, c).Keys("t"), 100)
}

func TestASecondJournalOnADirectoryIsRefused(t *testing.T) {
	t.Parallel()
	c := journal.Config{Dir: t.TempDir(), Limit: 1 << 20}
	start(t, c)
	_, _, err := journal.Open(c)
	assert.ErrorContains(t, err, "another journal has been open on it for 3s")
}

func TestAConfigThatCannotWorkIsRefused(t *testing.T) {
	for _, c := range []journal.Config{{}, {Limit: -1}, {Limit: 1 << 20, SegmentBytes: -1}, {Limit: 1 << 40, SegmentBytes: 1 << 32}} {
		_, _, err := journal.Open(c)
		assert.Error(t, err)
	}
}
