package supervise

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func (c Counts) of(kind module.GuestErrorKind) int64 {
	return c.Failures[slices.Index(FailureKinds[:], kind)]
}

func TestASignalsCallsAreMeasured(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.initialize = func(i *fakeInstance) { i.took, i.memory = time.Second, 64<<10 }
		g.configure = func(i *fakeInstance, _ string) error { i.took = 100 * time.Millisecond; return nil }
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			i.took, i.memory = 3*time.Microsecond, i.memory+int64(len(m.Body))
			switch string(m.Body) {
			case "trap":
				return 0, i.die()
			case "failed":
				return -1, &module.GuestError{Kind: module.KindFailed}
			}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		for _, body := range []string{"four", "failed", "trap", "one"} {
			p.deliver(t, body)
		}
		c := p.state().Counts
		assert.EqualValues(t, 5, c.Calls, "one of them a second try")
		assert.Equal(t, 3*(time.Second+100*time.Millisecond)+5*3*time.Microsecond, c.Busy, "of three instances")
		assert.EqualValues(t, 64<<10+len("four")+len("failed")+len("trap"), c.Memory, "the most, over all instances")
		assert.EqualValues(t, 2, c.of(module.KindTrap))
		assert.EqualValues(t, 1, c.of(module.KindFailed))
		assert.Zero(t, c.of(module.KindDeadline))
	})
}

func TestStartsThatEndBadlyAreCounted(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{onStart: func(Options) error { return &module.GuestError{Kind: module.KindDeadline} }}
		require.NoError(t, p.apply(workOf(g)))
		assert.EqualValues(t, 1, p.state().of(module.KindDeadline))
		g.onStart = nil
		g.configure = func(*fakeInstance, string) error { return refusal }
		require.Error(t, p.apply(withSettings(workOf(g), `{"high":"x"}`)))
		assert.EqualValues(t, 1, p.state().of(module.KindRefused))
	})
}

func TestTheTimesOfAGuestAreOfAllItsSignalsAndStay(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{program: program{message: func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.took = 3 * time.Microsecond
			return module.Pass, nil
		}}}
		p.start(t, workOf(g))
		p.deliver(t, "x")
		other := workOf(g)
		other.Signal.Name = "t"
		require.NoError(t, p.apply(other))
		require.NoError(t, p.apply(workOf(nil)))
		require.NoError(t, p.Remove(t.Context(), "s"))
		times := p.Times()
		require.Len(t, times, 1, "a signal without a guest has none")
		assert.Equal(t, 3*time.Microsecond, times["g"].Sum)
		assert.EqualValues(t, 1, times["g"].Buckets[2], "less than 4 µs")
	})
}

func TestACallIsCountedInTheFirstBucketThatHoldsIt(t *testing.T) {
	for took, want := range map[time.Duration]int{
		-1: 0, 0: 0, 999: 0, time.Microsecond: 1, 1999: 1, 2 * time.Microsecond: 2, time.Millisecond: 10, 8 * time.Second: 23, 16 * time.Second: 24, math.MaxInt64: 24,
	} {
		var c times
		c.add(took)
		buckets := c.load().Buckets
		assert.EqualValues(t, 1, buckets[want], "%v", took)
		if want < len(buckets)-1 {
			assert.Less(t, took, TimeBound(want))
		}
		if want > 0 {
			assert.GreaterOrEqual(t, took, TimeBound(want-1))
		}
	}
}

func TestWhatAGuestStoresAtItsStartIsKept(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{program: diesOn("poison")}
		key, value := []byte("born"), []byte("yes")
		g.initialize = func(i *fakeInstance) {
			i.effects.State = []module.StateChange{{Key: string(key), Value: value}}
		}
		g.configure = func(i *fakeInstance, settings string) error {
			copy(value, "---") // the instance's buffer is used again
			i.effects.State = []module.StateChange{{Key: "configured", Value: []byte(settings)}}
			return nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "poison")
		assert.Equal(t, map[string][]byte{"born": []byte("yes"), "configured": []byte("{}")}, g.instances[1].options.State)
	})
}

func TestWhatAGuestStoresAtAStartThatComesToNothingIsNotKept(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		old, bad := &fakeGuest{program: diesOn("poison")}, &fakeGuest{}
		bad.initialize = func(i *fakeInstance) {
			i.effects.State = []module.StateChange{{Key: "born", Value: []byte("yes")}}
		}
		bad.configure = func(*fakeInstance, string) error { return refusal }
		p.start(t, workOf(old))
		require.Error(t, p.apply(workOf(bad)))
		p.deliver(t, "poison")
		assert.Empty(t, old.last().options.State)
	})
}

func TestAGuestThatRunsOutOfMemoryInACallGetsAnotherChance(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.dead = i.calls > 2 // it leaks
			if i.dead {
				return 0, &module.GuestError{Kind: module.KindMemory, Message: "edge_alloc returned 0"}
			}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		for _, body := range []string{"1", "2", "3", "4", "5", "6"} {
			p.deliver(t, body)
		}
		assert.Equal(t, []string{"telemetry: 1", "telemetry: 2", "telemetry: 3", "telemetry: 4", "telemetry: 5", "telemetry: 6"}, p.results())
		assert.EqualValues(t, 2, p.state().of(module.KindMemory))
		assert.Equal(t, module.Running, p.state().Status)
	})
}
