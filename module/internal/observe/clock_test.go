package observe

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

var built = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// device is a device whose clocks a test sets.
type device struct {
	*Clock
	now time.Time
	up  time.Duration
}

func newDevice(now time.Time) *device {
	d := &device{now: now}
	d.Clock = newClock(built, func() time.Time { return d.now }, func() time.Duration { return d.up })
	return d
}

func (d *device) pass(t time.Duration) { d.now, d.up = d.now.Add(t), d.up+t }

func TestAClockBeforeTheBuildIsSuspectUntilItIsSet(t *testing.T) {
	d := newDevice(time.Unix(0, 0))
	stamp := d.now
	assert.True(t, d.Suspect())
	d.pass(24 * time.Hour)
	assert.True(t, d.Suspect())
	d.now = built.Add(time.Hour)
	assert.True(t, d.Suspect(), "just set")
	d.pass(clockSettles)
	assert.False(t, d.Suspect())
	assert.True(t, d.Doubts(stamp), "which it made in 1970")
}

func TestAClockBeforeWhatWasLearntIsSuspect(t *testing.T) {
	d := newDevice(built.Add(time.Hour))
	assert.False(t, d.Suspect())
	d.Learn(built.Add(2 * time.Hour))
	d.Learn(built) // older news
	assert.True(t, d.Suspect())
	d.pass(time.Hour)
	assert.False(t, d.Suspect())
}

func TestAClockThatWasSetIsSuspectForAMinute(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": time.Hour, "backward": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			d := newDevice(built.Add(48 * time.Hour))
			d.now = d.now.Add(by)
			assert.True(t, d.Suspect())
			d.pass(clockSettles / 2)
			d.now = d.now.Add(by) // set again
			assert.True(t, d.Suspect())
			d.pass(clockSettles - 1)
			assert.True(t, d.Suspect())
			d.pass(1)
			assert.False(t, d.Suspect())
		})
	}
}

func TestSmallCorrectionsAreNoJumps(t *testing.T) {
	d := newDevice(built.Add(time.Hour))
	for range 100 {
		d.pass(time.Second)
		d.now = d.now.Add(clockJump / 2)
		assert.False(t, d.Suspect())
	}
}

func TestTheClockOfThisMachineIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := NewClock(time.Now())
		assert.False(t, c.Suspect())
		time.Sleep(time.Hour)
		assert.False(t, c.Suspect())
	})
}
