package wasm

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
)

func TestNoMoreCallsThanSlotsAndNoneIsForgotten(t *testing.T) {
	const callers, calls = 16, 3000
	for _, count := range []int{1, 2, 3} {
		s := newSlots(count)
		var running, most atomic.Int64
		holders := make([]atomic.Int64, count)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				for near := range calls {
					at := s.enter(near % count)
					most.Store(max(most.Load(), running.Add(1)))
					assert.EqualValues(t, 1, holders[at].Add(1), "a slot is one call's")
					if near%7 == 0 {
						runtime.Gosched()
					}
					holders[at].Add(-1)
					running.Add(-1)
					s.leave(at)
				}
			})
		}
		all.Wait() // for ever, if one is forgotten
		assert.LessOrEqual(t, most.Load(), int64(count))
		assert.False(t, s.busy())
		assert.Zero(t, s.waiting.Load())
		assert.Empty(t, s.handed)
	}
}

func TestCallsThatWaitGoOnInTheOrderTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots(1)
		at := s.enter(0)
		var order []int
		var all sync.WaitGroup
		for n := range 10 {
			all.Go(func() {
				at := s.enter(0)
				order = append(order, n) // its slot is the only one
				s.leave(at)
			})
			synctest.Wait() // until it waits
		}
		s.leave(at)
		all.Wait()
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, order)
	})
}

func TestAnInstanceComesBackToItsSlot(t *testing.T) {
	s := newSlots(3)
	assert.Equal(t, 2, s.enter(2))
	assert.Equal(t, 0, s.enter(2), "another one's")
	s.leave(2)
	assert.Equal(t, 2, s.enter(2))
}
