package wasm

import "sync/atomic"

// slots are the calls that may run at once, one for each processor. A call that finds one free shares no memory that
// another call writes to: each slot has a cache line of its own, and an instance comes back to the one it had.
//
// A slot that is left while calls wait is handed to the first of them, so that they go on in the order they came.
type slots struct {
	all     []slot
	waiting atomic.Int64 // calls that wait and have not been given a slot
	handed  chan int     // slots on their way to calls that wait; capacity: all slots, so it is never full
}

type slot struct {
	taken atomic.Bool
	_     [124]byte // processors fetch cache lines in pairs
}

func newSlots(count int) *slots {
	return &slots{all: make([]slot, count), handed: make(chan int, count)}
}

// enter takes a slot, the one at near if it is free, or waits until it is given one. leave gives it back.
func (s *slots) enter(near int) int {
	if at, ok := s.take(near); ok {
		return at
	}
	s.waiting.Add(1)
	if at, ok := s.take(near); ok { // left before it was known that we wait
		if s.oneLess() {
			return at
		}
		s.leave(at) // another one is on its way to us
	}
	return <-s.handed
}

// leave hands the slot to a call that waits, or frees it. A call that began to wait meanwhile looks at the slots after it
// has said that it waits, and we look whether one waits after the slot is free: one of us sees the other.
func (s *slots) leave(at int) {
	taken := &s.all[at].taken
	for !s.hand(at) {
		taken.Store(false)
		if s.waiting.Load() == 0 || !taken.CompareAndSwap(false, true) {
			return
		}
	}
}

// take takes a free slot, if there is one.
func (s *slots) take(near int) (at int, ok bool) {
	if s.all[near].taken.CompareAndSwap(false, true) {
		return near, true
	}
	for at := range s.all {
		if taken := &s.all[at].taken; !taken.Load() && taken.CompareAndSwap(false, true) {
			return at, true
		}
	}
	return 0, false
}

// hand gives a slot to a call that waits, if there is one.
func (s *slots) hand(at int) bool {
	if !s.oneLess() {
		return false
	}
	s.handed <- at
	return true
}

// oneLess takes one off the calls that wait, unless there is none.
func (s *slots) oneLess() bool {
	for {
		n := s.waiting.Load()
		if n == 0 {
			return false
		}
		if s.waiting.CompareAndSwap(n, n-1) {
			return true
		}
	}
}

// busy reports whether some call has a slot.
func (s *slots) busy() bool {
	for n := range s.all {
		if s.all[n].taken.Load() {
			return true
		}
	}
	return false
}
