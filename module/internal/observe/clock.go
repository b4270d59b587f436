package observe

import (
	"sync"
	"time"
)

const (
	// clockJump is how far the wall clock must move, beside the time that goes by, to have been set. Corrections are smaller.
	clockJump = time.Minute

	// clockSettles is how long a clock that was set must go on undisturbed to be believed: it may be set again at once.
	clockSettles = time.Minute
)

// Clock tells whether the wall clock is to be believed, for those who stamp with it. It is suspect
//
//   - while it is before a time that has certainly been: that of the program's build, and those that [Clock.Learn] was told.
//     A gateway without a battery starts in 1970, or where its image was made;
//   - for a minute after it was set, forward or backward, by more than a minute. After that it is believed, also if it went
//     back: whoever sets a clock knows the time better than the clock did. That a device slept counts as such a jump.
//
// A clock that is wrong, runs on evenly and is past all that was learnt cannot be told from a right one. Whether the kernel
// calls it synchronised is not asked: not all who set clocks tell the kernel, and containers may not ask everywhere.
// A Clock may be used from any goroutine.
type Clock struct {
	wall   func() time.Time     // without a monotonic reading
	steady func() time.Duration // never jumps

	mu     sync.Mutex // guards what follows
	floor  time.Time
	offset time.Duration // of wall and steady, when last looked at
	set    time.Duration // steady, when a jump was seen last; negative before the first
}

// NewClock returns a Clock that does not believe times before that of the build.
func NewClock(built time.Time) *Clock {
	start := time.Now()
	return newClock(built, func() time.Time { return time.Now().Round(0) }, func() time.Duration { return time.Since(start) })
}

func newClock(built time.Time, wall func() time.Time, steady func() time.Duration) *Clock {
	c := &Clock{wall: wall, steady: steady, floor: built, set: -clockSettles}
	c.offset = c.current()
	return c
}

// current is how far the wall clock is ahead of the steady one.
func (c *Clock) current() time.Duration {
	return time.Duration(c.wall().UnixNano()) - c.steady()
}

// Learn tells the clock of a time that has been, by a better clock.
func (c *Clock) Learn(been time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if been.After(c.floor) {
		c.floor = been
	}
}

// Suspect reports whether the wall clock is not to be believed now.
func (c *Clock) Suspect() bool { return c.Doubts(c.wall()) }

// Doubts reports whether a time that this clock stamped, now or before, is not to be believed.
func (c *Clock) Doubts(stamp time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	offset, now := c.current(), c.steady()
	if moved := offset - c.offset; moved.Abs() > clockJump {
		c.set = now
	}
	c.offset = offset
	return stamp.Before(c.floor) || now-c.set < clockSettles
}
