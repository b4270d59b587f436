package reconcile

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPatchesAreSpacedOutWhileStatesKeepChanging(t *testing.T) {
	p, now := pace{period: reportPeriod}, time.Now()
	assert.Zero(t, p.wait(now, 1), "the first is sent at once")
	var waits []time.Duration
	for range 7 {
		p.sent(now, 1)
		waits = append(waits, p.wait(now, 1))
		now = now.Add(p.wait(now, 1))
	}
	const s, m = time.Second, time.Minute
	assert.Equal(t, []time.Duration{30 * s, m, 2 * m, 4 * m, 8 * m, 10 * m, 10 * m}, waits)

	assert.Zero(t, p.wait(now, 2), "a new desired version is answered at once")
	p.sent(now, 2)
	assert.Equal(t, 30*s, p.wait(now, 2))
	now = now.Add(2 * m)
	assert.LessOrEqual(t, p.wait(now, 2), time.Duration(0), "after a quiet time too")
	p.sent(now, 2)
	assert.Equal(t, 30*s, p.wait(now, 2))
}

func TestAPatchThatIsNotTakenIsTriedAgainMoreAndMoreSeldom(t *testing.T) {
	p, now := pace{period: reportPeriod}, time.Now()
	for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
		assert.Equal(t, want*time.Second, p.failed(now))
		assert.Equal(t, want*time.Second, p.wait(now, 1), "whatever wakes the reporter")
		now = now.Add(want * time.Second)
	}
	p.connected()
	assert.Zero(t, p.wait(now, 1))
	assert.Equal(t, 5*time.Second, p.failed(now))
}

func TestWhenTheTwinIsAskedForAgain(t *testing.T) {
	const s, m = time.Second, time.Minute
	w := waits{period: twinPeriod, retry: retryMin}
	for _, want := range []time.Duration{5 * s, 10 * s, 20 * s, 40 * s, m, m} {
		assert.Equal(t, want, w.next(s, 0, errors.New("lost")))
	}
	assert.Equal(t, 15*m, w.next(s, 0, nil))
	assert.Equal(t, 5*s, w.next(s, 0, errors.New("lost")), "an answer ends the retries")
	assert.Equal(t, m, w.next(s, m, nil), "an answer may be in doubt")
	for _, want := range []time.Duration{30 * m, 60 * m, 120 * m, 240 * m, 360 * m, 360 * m} {
		assert.Equal(t, want, w.next(3*s, 0, nil), "slow answers hold up acknowledgements")
	}
	assert.Equal(t, 15*m, w.next(s, 0, nil))
}

func TestALowerVersionIsBelievedWhenItStaysForAMinute(t *testing.T) {
	const s, m = time.Second, time.Minute
	now := time.Now()
	w := newWatch()
	w.setVersion(9)
	assert.Zero(t, w.doubts(9, now))
	assert.Zero(t, w.doubts(10, now))
	assert.Equal(t, m, w.doubts(4, now))
	assert.Equal(t, 50*s, w.doubts(4, now.Add(10*s)), "asked sooner, as after a reconnect")
	assert.Equal(t, m, w.doubts(3, now.Add(20*s)), "another one")
	assert.Zero(t, w.doubts(9, now.Add(30*s)), "the old one again: nothing is in doubt")
	assert.Equal(t, m, w.doubts(3, now.Add(90*s)))
	assert.Zero(t, w.doubts(3, now.Add(150*s)))
}
