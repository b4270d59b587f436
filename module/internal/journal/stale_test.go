package journal

import (
	"fmt"
	"slices"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// failOnce fails the next operation of that name.
func (d *disk) failOnce(op string, err error) {
	d.fault = func(now string) error {
		if now != op {
			return nil
		}
		d.fault = nil
		return err
	}
}

// puts are transactions whose frames have the same size.
func puts(keys ...string) (batch []request) {
	for _, key := range keys {
		tx := new(Tx)
		tx.Put("t", key, []byte("value"))
		batch = append(batch, request{tx: tx})
	}
	return batch
}

func openDisk(t *testing.T, d *disk) *Journal {
	t.Helper()
	j, damage, err := open(small, d)
	require.NoError(t, err)
	require.Empty(t, damage)
	return j
}

// reopened returns the keys that are found when the process has ended.
func reopened(t *testing.T, d *disk) []string {
	t.Helper()
	return openDisk(t, d).Keys("t")
}

func TestWhatWasHalfWrittenDoesNotComeBackBehindTheNextTransaction(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	d.failOnce("write", syscall.EIO)
	j.commit(puts("a", "b", "c", "d")) // a and b reach the file
	j.queue = newQueue(batchBytes)     // nobody tries them again
	j.commit(puts("1"))                // lies where a was
	assert.Equal(t, []string{"0", "1"}, reopened(t, d))
}

func TestWhatACrashCutOffDoesNotComeBackBehindTheNextTransaction(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	end := j.active.size
	j.commit(puts("a", "b"))
	clear(j.active.file.(*inode).data[end : end+frameHead])

	j, damage, err := open(small, d)
	require.NoError(t, err)
	assert.Len(t, damage, 1, "b is whole, but may rest on a")
	assert.Equal(t, []string{"0"}, j.Keys("t"))
	j.commit(puts("1")) // lies where a was
	assert.Equal(t, []string{"0", "1"}, reopened(t, d))
}

func TestWhatCouldNotBeSyncedIsGoneWhenTheProcessEnds(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	d.failOnce("sync", errKept)
	j.commit(puts("a"))
	assert.Equal(t, []string{"0"}, reopened(t, d))
}

func TestAfterASyncThatFailedAnotherSegmentIsWritten(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	d.failOnce("sync", syscall.EIO)
	j.commit(puts("a"))
	j.commit(puts("1"))
	assert.Len(t, d.files(), 2)
}

func TestACrashAtTheStartOfASegmentBehindOneThatWasGivenUpIsNoDamage(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	d.fault = func(op string) error { // a is half written, and cannot be cut off
		return map[string]error{"write": syscall.EIO, "truncate": syscall.EIO}[op]
	}
	j.commit(puts("a"))
	d.fault = nil
	file, err := d.create(newSegmentName(2), 0)
	require.NoError(t, err)
	_, err = file.WriteAt(make([]byte, 100), 0)
	require.NoError(t, err)
	assert.Equal(t, []string{"0"}, reopened(t, d))
}

func TestAnAbandonedTailIsIgnoredThoughItCannotBeCut(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	d.fault = func(op string) error {
		return map[string]error{"sync": errKept, "truncate": syscall.EIO}[op]
	}
	j.commit(puts("a"))
	d.fault = nil
	j.queue = newQueue(batchBytes)
	j.commit(puts("1"))
	assert.Equal(t, []string{"0", "1"}, reopened(t, d))
}

func TestWhatIsAllocatedInAdvanceIsKeptOverARestart(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	require.Len(t, d.names[d.files()[0]].data, int(small.SegmentBytes))
	j = openDisk(t, d)
	assert.Len(t, d.names[d.files()[0]].data, int(small.SegmentBytes))
	j.commit(puts("1"))
	assert.Equal(t, []string{"0", "1"}, reopened(t, d))
}

func TestWhatWasAllocatedAndNotWrittenIsNoDamage(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	j.commit(puts("0"))
	j.end()
	j.commit(puts("1"))
	first, second := d.names[d.files()[0]], d.names[d.files()[1]]
	first.data = append(first.data, make([]byte, 100)...) // giving it back was not synced
	second.data[0] ^= 1                                   // and where the first one ends is not known
	j.commit(puts("2"))
	j, damage, err := open(small, d)
	require.NoError(t, err)
	require.Len(t, damage, 1)
	assert.Equal(t, prefixDamaged+d.files()[1], damage[0].File)
	assert.Equal(t, []string{"0", "1", "2"}, j.Keys("t"))
}

func TestFullSegmentsFollowEachOther(t *testing.T) {
	d := newDisk()
	j := openDisk(t, d)
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprint(i+10))
		j.commit(puts(keys[i]))
	}
	assert.Greater(t, len(d.names), 3)
	assert.True(t, slices.Equal(keys, reopened(t, d)))
}
