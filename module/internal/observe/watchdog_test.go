package observe

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func works() error { return nil }

func TestAPartThatDoesNotAnswerForTwoMinutesIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := make(chan time.Time, 100)
		hang := make(chan struct{})
		defer close(hang)
		w := NewWatchdog(WatchdogConfig{Probes: []Probe{{"journal", works}, {"pipeline", func() error { asked <- time.Now(); <-hang; return nil }}}})
		err := w.Run(t.Context())
		assert.ErrorIs(t, err, ErrNoAnswer)
		assert.ErrorContains(t, err, "pipeline")
		assert.Len(t, asked, 1, "it is not asked again while it owes an answer")
		assert.Equal(t, 2*time.Minute, time.Since(<-asked))
	})
}

func TestAPartThatOwesAnAnswerForAMinuteIsNotWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		hang := make(chan struct{})
		w := NewWatchdog(WatchdogConfig{Probes: []Probe{{"journal", works}, {"pipeline", func() error { <-hang; return nil }}}})
		ended := make(chan error, 1)
		go func() { ended <- w.Run(ctx) }() // awaited below
		time.Sleep(65 * time.Second)
		assert.Equal(t, []Check{{Name: "journal", OK: true}, {Name: "pipeline", OK: true}}, w.Checks())
		time.Sleep(15 * time.Second)
		assert.Equal(t, []Check{{Name: "journal", OK: true}, {Name: "pipeline", Reason: "no answer for 4 checks, 15s apart; after 8 the process ends itself"}}, w.Checks())
		close(hang)
		time.Sleep(30 * time.Second)
		assert.True(t, w.Checks()[1].OK)
		cancel()
		assert.NoError(t, <-ended)
	})
}

func TestAPartThatIsSlowIsNotStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 7*24*time.Hour)
		defer cancel()
		var answers atomic.Int32
		slow := func() error { time.Sleep(2*time.Minute - time.Second); answers.Add(1); return nil }
		assert.NoError(t, NewWatchdog(WatchdogConfig{Probes: []Probe{{"journal", slow}}}).Run(ctx))
		time.Sleep(2 * time.Minute) // for the last probe to return
		assert.Greater(t, answers.Load(), int32(1000))
	})
}

func TestAPartThatSaysItIsStuckIsBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		third := func() error {
			if calls++; calls == 3 {
				return errors.New("input 7 gets no further")
			}
			return nil
		}
		assert.EqualError(t, NewWatchdog(WatchdogConfig{Probes: []Probe{{"inputs", third}}}).Run(t.Context()), "inputs: input 7 gets no further")
		assert.Equal(t, 3, calls)
	})
}

func TestStacksAreOfAllGoroutinesAndBounded(t *testing.T) {
	assert.Contains(t, string(Stacks(1<<20)), "TestStacksAreOfAllGoroutinesAndBounded")
	assert.Len(t, Stacks(100), 100)
}
