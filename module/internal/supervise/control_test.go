package supervise

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestWhatComesForAPausedSignalWaitsInItsSpoolAndNoInputWaits(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, workOf(&fakeGuest{}))
		require.NoError(t, p.Pause(t.Context(), "s"))
		p.deliver(t, "1")
		p.deliver(t, "2")
		time.Sleep(time.Second) // until the journal's next sync
		assert.Empty(t, p.results())
		assert.Equal(t, 2, p.acknowledged())
		state := p.state()
		assert.Equal(t, module.Stopped, state.Status)
		assert.Contains(t, state.Description, "paused")
		assert.True(t, state.Paused)
		assert.Equal(t, 2, state.Spooled)

		require.NoError(t, p.Resume(t.Context(), "s"))
		synctest.Wait()
		p.deliver(t, "3")
		time.Sleep(time.Second)
		assert.Equal(t, []string{"telemetry: 1", "telemetry: 2", "telemetry: 3"}, p.results())
		assert.Equal(t, module.Running, p.state().Status)
		assert.Empty(t, p.state().Description)
	})
}

func TestAPauseOutlivesAChangeOfTheEntryAndARestartOfTheGuest(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := workOf(&fakeGuest{})
		p.start(t, w)
		require.NoError(t, p.Pause(t.Context(), "s"))
		require.NoError(t, p.apply(withSettings(w, `{"high":1}`)))
		require.NoError(t, p.Restart(t.Context(), "s"))
		p.deliver(t, "1")
		assert.True(t, p.state().Paused)
		assert.Empty(t, p.results())
	})
}

func TestAPausedTimerDoesNotTick(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, ticking(workOf(g), time.Second))
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		require.NoError(t, p.Pause(t.Context(), "s"))
		require.Equal(t, 2, g.last().calls)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, 2, g.last().calls)
		require.NoError(t, p.Resume(t.Context(), "s"))
		time.Sleep(1500 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, 3, g.last().calls)
		assert.Zero(t, p.state().MissedTicks)
	})
}

func TestAPauseHoldsTheHeartbeatsOfPartitionsToo(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, byMachine(&fakeGuest{}, func(s *module.Signal) {
			s.HeartbeatInterval, s.HeartbeatBehavior = 10*time.Second, "periodicLKV"
		}))
		p.deliverMachine(t, "a", "1")
		require.NoError(t, p.Pause(t.Context(), "s"))
		p.results()
		time.Sleep(time.Minute)
		assert.Empty(t, p.results())
		require.NoError(t, p.Resume(t.Context(), "s"))
		time.Sleep(15 * time.Second)
		assert.NotEmpty(t, p.results())
	})
}

func TestPausedWithADiskThatFailsSendsToTheDeadLettersRatherThanHoldInputsUp(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, workOf(&fakeGuest{}))
		require.NoError(t, p.Pause(t.Context(), "s"))
		p.disk.full.Store(true)
		p.deliver(t, "1")
		time.Sleep(time.Second)
		assert.Equal(t, []string{"deadletter: 1 (signal-not-running, attempts )"}, p.results())
		assert.Equal(t, 1, p.acknowledged())
	})
}

func TestARestartStartsAFreshInstanceWithTheStateAndEndsABackoff(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := counter()
		count := g.message
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if string(m.Body) == "bad" {
				return 0, i.die()
			}
			return count(i, m)
		}
		p.start(t, workOf(g))
		p.deliver(t, "x")
		first := g.last()
		require.NoError(t, p.Restart(t.Context(), "s"))
		assert.True(t, first.closed)
		p.deliver(t, "x")
		time.Sleep(time.Second)
		assert.Equal(t, []string{"telemetry: count 1", "telemetry: count 2"}, p.results())
		assert.Zero(t, p.state().RestartCount, "an operator's restart is no failure")

		p.deliver(t, "bad")
		p.deliver(t, "bad")
		require.Equal(t, module.Backoff, p.state().Status)
		require.NoError(t, p.Restart(t.Context(), "s"))
		assert.Equal(t, module.Running, p.state().Status)
	})
}

func TestARestartThatFailsBacksOffAndSaysWhy(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, workOf(g))
		g.onStart = func(Options) error { return trap }
		require.ErrorIs(t, p.Restart(t.Context(), "s"), trap)
		assert.Equal(t, module.Backoff, p.state().Status)
	})
}

func TestWhatCannotBeAskedOfASignalIsSaid(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		require.NoError(t, p.apply(workOf(nil)))
		require.ErrorIs(t, p.Restart(t.Context(), "s"), errHostOnly)
		require.ErrorIs(t, p.Pause(t.Context(), "missing"), ErrNoSignal)
		w := workOf(&fakeGuest{})
		require.NoError(t, p.Quarantine(t.Context(), w, "it ended the process"))
		require.ErrorIs(t, p.Restart(t.Context(), "s"), errNoWork)
		_, _, err := p.Borrow(t.Context(), "s")
		require.ErrorIs(t, err, errNoWork)
	})
}

func TestWhatASignalWorksOnAndItsStateCanBeBorrowed(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := withSettings(workOf(counter()), `{"high":1}`)
		p.start(t, w)
		p.deliver(t, "x")
		time.Sleep(time.Second)
		borrowed, state, err := p.Borrow(t.Context(), "s")
		require.NoError(t, err)
		assert.JSONEq(t, `{"high":1}`, string(borrowed.Signal.Settings))
		assert.Equal(t, map[string][]byte{"n": {1}}, state)
	})
}
