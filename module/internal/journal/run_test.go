package journal

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inBubble runs a journal on a simulated disk where time is simulated too, until the test returns.
func inBubble(t *testing.T, test func(t *testing.T, j *Journal, d *disk)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk()
		j, _, err := open(Config{Limit: 64 << 20, SegmentBytes: 1 << 20}, d)
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer cancel()
		go j.Run(ctx)
		synctest.Wait()
		test(t, j, d)
	})
}

func TestWhoWaitsIsNotDelayed(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		start := time.Now()
		require.NoError(t, j.Commit(puts("k")[0].tx))
		assert.Zero(t, time.Since(start))
	})
}

func TestWhatNobodyWaitsForCostsNoSyncOfItsOwn(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		syncs := d.syncs
		for i := range 10 {
			j.Submit(puts(fmt.Sprint(i))[0].tx, nil)
		}
		synctest.Wait()
		assert.Equal(t, syncs, d.syncs, "it waits for company")
		require.NoError(t, j.Commit(puts("waited for")[0].tx))
		assert.Equal(t, syncs+1, d.syncs)
		assert.Len(t, j.Keys("t"), 11)
	})
}

func TestWhatNobodyWaitsForIsSyncedWithin100Milliseconds(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		j.Submit(puts("k")[0].tx, nil)
		time.Sleep(50 * time.Millisecond)
		j.Submit(puts("later")[0].tx, nil)
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		assert.Len(t, j.Keys("t"), 2)
	})
}

func TestWhatFailedIsTriedAgainAfterASecond(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		d.failOnce("write", errKept)
		j.Submit(puts("k")[0].tx, nil)
		time.Sleep(patience + retryAfter/2)
		synctest.Wait()
		assert.Empty(t, j.Keys("t"))
		time.Sleep(retryAfter / 2)
		synctest.Wait()
		assert.Len(t, j.Keys("t"), 1)
	})
}

func TestCleaningThatFailedIsTriedAgain(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		j.config.SegmentBytes = 100
		require.NoError(t, j.Commit(puts("k")[0].tx))
		var stuck atomic.Bool
		stuck.Store(true)
		d.fault = func(op string) error {
			if op == "remove" && stuck.Load() {
				return errKept
			}
			return nil
		}
		for range 10 {
			require.NoError(t, j.Commit(puts("k")[0].tx))
		}
		synctest.Wait()
		before := j.Usage().Disk
		stuck.Store(false)
		time.Sleep(2 * retryAfter)
		synctest.Wait()
		assert.Less(t, j.Usage().Disk, before)
		assert.Len(t, j.Keys("t"), 1)
	})
}

// TestWhatArrivesDuringASyncIsWrittenTogether holds the first sync until ten more are submitted.
func TestWhatArrivesDuringASyncIsWrittenTogether(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		require.NoError(t, j.Commit(puts("first")[0].tx)) // makes the segment
		hold := make(chan struct{})
		d.fault = func(op string) error {
			if op == "sync" {
				<-hold
			}
			return nil
		}
		syncs := d.syncs
		var order []int
		for i := range 11 {
			j.Submit(puts(fmt.Sprint(i))[0].tx, func(err error) {
				assert.NoError(t, err)
				order = append(order, i)
			})
			synctest.Wait()
		}
		assert.Empty(t, order)
		close(hold)
		synctest.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, order)
		assert.Equal(t, syncs+2, d.syncs)
	})
}

func TestSubmitBlocksWhile16MiBWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, _, err := open(Config{Limit: 64 << 20, SegmentBytes: 1 << 20}, newDisk())
		require.NoError(t, err)
		submitted := 0
		ended := make(chan error, 100)
		go func() {
			for range 20 {
				tx := new(Tx)
				tx.Put("t", "k", make([]byte, 1<<20))
				j.Submit(tx, func(err error) { ended <- err })
				submitted++
			}
		}()
		synctest.Wait()
		assert.Equal(t, 15, submitted, "the names make each a little larger than 1 MiB")

		ctx, cancel := context.WithCancel(t.Context())
		go j.Run(ctx)
		synctest.Wait()
		assert.Equal(t, 20, submitted)
		for range 20 {
			assert.NoError(t, <-ended)
		}
		cancel()
		synctest.Wait()
	})
}

func TestWhoIsBlockedWhenTheJournalEndsIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, _, err := open(Config{Limit: 64 << 20, SegmentBytes: 1 << 20}, newDisk())
		require.NoError(t, err)
		ended := make(chan error, 16) // those that wait are told by Close, the one that is blocked by Submit
		go func() {
			for range 16 {
				tx := new(Tx)
				tx.Put("t", "k", make([]byte, 1<<20))
				j.Submit(tx, func(err error) { ended <- err })
			}
		}()
		synctest.Wait()
		require.NoError(t, j.Close())
		synctest.Wait()
		require.Len(t, ended, 16)
		for range 16 {
			assert.ErrorIs(t, <-ended, ErrClosed)
		}
	})
}

func TestATransactionThatIsTooLargeIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T, j *Journal, d *disk) {
		tx := new(Tx)
		tx.Put("t", "k", make([]byte, maxTransaction))
		assert.ErrorIs(t, j.Commit(tx), ErrFull)
		assert.NoError(t, j.Commit(new(Tx)), "an empty one is none")
	})
}
