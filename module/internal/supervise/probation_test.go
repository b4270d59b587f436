package supervise

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// version is a version of a guest that counts its messages in its state and sends "name count". A message that has the
// name of one of its ends ends it so.
func version(name string, ends map[string]error) *fakeGuest {
	g := &fakeGuest{}
	g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
		if err := ends[string(m.Body)]; err != nil {
			i.dead = true
			return 0, err
		}
		n, _ := strconv.Atoi(string(i.options.State["n"]))
		n++
		if i.options.State == nil {
			i.options.State = make(map[string][]byte)
		}
		i.options.State["n"] = []byte(strconv.Itoa(n))
		i.effects.State = []module.StateChange{{Key: "n", Value: i.options.State["n"]}}
		i.effects.Emitted = []module.Emitted{{Message: module.Message{Body: []byte(name + " " + strconv.Itoa(n))}}}
		return module.Done, nil
	}
	return g
}

func ending(kind module.GuestErrorKind) error {
	return &module.GuestError{Guest: "g", Signal: "s", Op: "call edge_message of", Kind: kind, Message: "no"}
}

// swapped returns the work of w with a new version of its guest, on probation.
func swapped(w Work, g *fakeGuest, rules module.Probation) Work {
	former := w
	w.Version++
	w.Guest, w.Digest, w.Former = g, "sha256:2", &former
	w.Probation = NewProbation(w.Digest, rules, func() {})
	return w
}

// swap starts a version, has it count to two, and gives its work to another version.
func (p *plant) swap(t *testing.T, g *fakeGuest, rules module.Probation) (old *fakeGuest, w Work) {
	old = version("old", map[string]error{"poison": ending(module.KindTrap)})
	p.start(t, workOf(old))
	p.deliver(t, "a")
	p.deliver(t, "b")
	require.Equal(t, []string{"telemetry: old 1", "telemetry: old 2"}, p.results())
	w = swapped(workOf(old), g, rules)
	require.NoError(t, p.apply(w))
	w.Probation.Begin()
	return old, w
}

var rules = module.Probation{Messages: 100, Duration: time.Minute}

func TestAnEndOfANewVersionBringsTheOldOneBackWhichWorksOnTheMessageFromItsOwnState(t *testing.T) {
	for _, kind := range badEnds {
		t.Run(string(kind), func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				old, w := p.swap(t, version("new", map[string]error{"bad": ending(kind)}), rules)
				p.deliver(t, "c")
				p.deliver(t, "d")
				assert.Equal(t, []string{"telemetry: new 3", "telemetry: new 4"}, p.results(), "the state is handed over")
				assert.True(t, p.state().OnProbation)

				p.deliver(t, "bad")
				p.deliver(t, "e")
				assert.Equal(t, []string{"telemetry: old 3", "telemetry: old 4"}, p.results(), "from its state at the swap")
				verdict, over := w.Probation.Verdict()
				require.True(t, over)
				assert.Equal(t, Verdict{Cause: ending(kind), Signal: "s", Undone: 2}, verdict)
				state := p.state()
				assert.Equal(t, module.Running, state.Status)
				assert.Equal(t, "sha256:1", state.Digest)
				assert.False(t, state.OnProbation)
				assert.EqualValues(t, 1, state.RolledBack)
				assert.Equal(t, map[Guest]bool{old: true}, p.Guests())
				assert.Equal(t, 6, p.acknowledged(), "each input once")
			})
		})
	}
}

func TestTheMessageThatTheOldVersionWorksOnHasTheIdsThatItEverHas(t *testing.T) {
	ids := func(next *fakeGuest) (ids []string) {
		inPlant(t, func(t *testing.T, p *plant) {
			p.swap(t, next, rules)
			p.deliver(t, "bad")
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, s := range p.sent {
				ids = append(ids, s.Properties.Value(module.PropertyMessageID))
			}
		})
		return ids
	}
	good, failed := ids(version("new", nil)), ids(version("new", map[string]error{"bad": ending(module.KindTrap)}))
	require.Len(t, good, 1)
	assert.Equal(t, good, failed)
}

func TestAMessageThatEndsBothVersionsIsADeadLetterAndNoReasonToGoBack(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		_, w := p.swap(t, version("new", map[string]error{"poison": ending(module.KindTrap)}), rules)
		p.deliver(t, "c")
		p.deliver(t, "poison")
		p.deliver(t, "d")
		assert.Equal(t, []string{"telemetry: new 3", "deadletter: poison (trap, attempts 2)", "telemetry: new 4"}, p.results())
		_, over := w.Probation.Verdict()
		assert.False(t, over)
	})
}

func TestAMessageThatTheNewVersionRefusesIsADeadLetterAndNoReasonToGoBack(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := version("new", nil)
		count := g.message
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if string(m.Body) == "no" {
				return -1, ending(module.KindFailed)
			}
			return count(i, m)
		}
		p.swap(t, g, rules)
		p.deliver(t, "no")
		p.deliver(t, "c")
		assert.Equal(t, []string{"deadletter: no (failed, attempts 1)", "telemetry: new 3"}, p.results())
	})
}

func TestProbationEndsWithItsMessages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := version("new", map[string]error{"bad": ending(module.KindTrap)})
		_, w := p.swap(t, g, module.Probation{Messages: 2, Duration: time.Hour})
		p.deliver(t, "c")
		assert.True(t, p.state().OnProbation)
		p.deliver(t, "d")
		assert.False(t, p.state().OnProbation)
		verdict, over := w.Probation.Verdict()
		assert.True(t, over)
		assert.NoError(t, verdict.Cause)
		assert.Equal(t, map[Guest]bool{g: true}, p.Guests(), "the old version is let go of")
		p.results()
		p.deliver(t, "bad")
		assert.Equal(t, []string{"deadletter: bad (trap, attempts 2)"}, p.results(), "as ever")
	})
}

func TestProbationEndsAfterItsTimeWithAMessageForEachSignal(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		_, w := p.swap(t, version("new", nil), rules)
		p.deliver(t, "c")
		time.Sleep(rules.Duration - time.Second)
		synctest.Wait()
		assert.True(t, p.state().OnProbation)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.False(t, p.state().OnProbation)
		_, over := w.Probation.Verdict()
		assert.True(t, over)
	})
	inPlant(t, func(t *testing.T, p *plant) {
		p.swap(t, version("new", nil), rules)
		time.Sleep(10 * rules.Duration)
		synctest.Wait()
		assert.True(t, p.state().OnProbation, "nothing came")
		p.deliver(t, "c")
		assert.False(t, p.state().OnProbation)
	})
}

func TestAFailureAtOneSignalTakesAllSignalsOfTheGuestBack(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		_, w := p.swap(t, version("new", map[string]error{"bad": ending(module.KindTrap)}), rules)
		idle := w
		idle.Signal.Name = "idle"
		former := *w.Former
		former.Signal.Name = "idle"
		first := former
		require.NoError(t, p.apply(first))
		idle.Former = &former
		require.NoError(t, p.apply(idle))
		p.deliver(t, "bad")
		assert.Equal(t, "sha256:1", p.Snapshot()["idle"].Digest)
		assert.Equal(t, module.Running, p.Snapshot()["idle"].Status)
		late := w
		late.Signal.Name = "late"
		former = *w.Former
		former.Signal.Name = "late"
		late.Former = &former
		require.NoError(t, p.apply(former))
		require.ErrorIs(t, p.apply(late), errOnProbation, "it comes too late to the version")
		assert.Equal(t, "sha256:1", p.Snapshot()["late"].Digest)
	})
}

func TestPartitionsGoBackEachToItsState(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := byMachine(version("old", nil), nil)
		p.start(t, w)
		p.deliverMachine(t, "a", "1")
		p.deliverMachine(t, "b", "1")
		p.deliverMachine(t, "b", "9")
		p.results()
		g := version("new", nil)
		count := g.message
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if strings.Contains(string(m.Body), `"value":13`) {
				return 0, i.die()
			}
			return count(i, m)
		}
		next := swapped(w, g, rules)
		require.NoError(t, p.apply(next))
		next.Probation.Begin()
		p.deliverMachine(t, "a", "30")
		p.deliverMachine(t, "c", "30")
		assert.Equal(t, []string{"telemetry: new 2", "telemetry: new 1"}, p.results())
		p.deliverMachine(t, "b", "13")
		for _, machine := range []string{"a", "b", "c"} {
			p.deliverMachine(t, machine, "50")
		}
		assert.Equal(t, []string{"telemetry: old 3", "telemetry: old 2", "telemetry: old 4", "telemetry: old 1"}, p.results(), "c is as if it had never been")
		verdict, over := next.Probation.Verdict()
		assert.True(t, over)
		assert.Equal(t, 2, verdict.Undone)
	})
}

func TestTicksOfAVersionThatFailsAreTheOldOnes(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		tick := func(body string) *fakeGuest {
			g := &fakeGuest{}
			g.tick = func(i *fakeInstance) (module.Verdict, error) {
				if body == "" {
					return 0, i.die()
				}
				i.effects.Emitted = []module.Emitted{{Message: module.Message{Body: []byte(body)}}}
				return module.Done, nil
			}
			return g
		}
		w := ticking(workOf(tick("old")), time.Second)
		p.start(t, w)
		require.NoError(t, p.apply(swapped(w, tick(""), rules)))
		time.Sleep(3*time.Second + time.Millisecond)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: old", "telemetry: old", "telemetry: old"}, p.results(), "none is missed")
	})
}

func TestAFullDiskHoldsUpNoSwapAndLosesNoState(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		old := version("old", nil)
		p.start(t, workOf(old))
		p.deliver(t, "a")
		p.disk.full.Store(true)
		w := swapped(workOf(old), version("new", map[string]error{"bad": ending(module.KindTrap)}), rules)
		require.NoError(t, p.apply(w))
		p.deliver(t, "b")
		p.disk.full.Store(false)
		p.deliver(t, "c")
		p.deliver(t, "bad")
		assert.Equal(t, []string{"telemetry: old 1", "deadletter: b (state-not-kept, attempts 1)", "telemetry: new 2", "telemetry: old 2"}, p.results())
	})
}

func TestADiskThatIsFullAtTheReturnKeepsTheMessageAndReturnsWhenThereIsRoom(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.swap(t, version("new", map[string]error{"bad": ending(module.KindTrap)}), rules)
		p.deliver(t, "c")
		p.disk.full.Store(true)
		p.deliver(t, "bad")
		assert.Equal(t, module.Backoff, p.state().Status)
		p.disk.full.Store(false)
		time.Sleep(backoffUnit)
		synctest.Wait()
		p.deliver(t, "d")
		assert.Equal(t, []string{"telemetry: new 3", "deadletter: bad (trap, attempts 1)", "telemetry: old 3"}, p.results())
	})
}

func TestANewVersionThatCannotTakeOverLeavesTheOldWithItsState(t *testing.T) {
	for name, spoil := range map[string]func(g *fakeGuest){
		"it does not start":     func(g *fakeGuest) { g.onStart = func(Options) error { return ending(module.KindTrap) } },
		"it refuses settings":   func(g *fakeGuest) { g.configure = func(*fakeInstance, string) error { return refusal } },
		"it traps at configure": func(g *fakeGuest) { g.configure = func(i *fakeInstance, _ string) error { return i.die() } },
	} {
		t.Run(name, func(t *testing.T) {
			inPlant(t, func(t *testing.T, p *plant) {
				old := version("old", nil)
				p.start(t, workOf(old))
				p.deliver(t, "a")
				g := version("new", nil)
				g.initialize = func(i *fakeInstance) { i.effects.State = []module.StateChange{{Key: "n", Value: []byte("70")}} }
				spoil(g)
				require.Error(t, p.apply(swapped(workOf(old), g, rules)))
				p.deliver(t, "b")
				assert.Equal(t, []string{"telemetry: old 1", "telemetry: old 2"}, p.results())
				assert.False(t, p.state().OnProbation)
				require.NoError(t, p.apply(swapped(workOf(old), version("third", nil), rules)))
				p.deliver(t, "c")
				assert.Equal(t, []string{"telemetry: third 3"}, p.results())
			})
		})
	}
}

func TestWhoIsPutBackByTheTwinHasTheStateThatItLeft(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		old, _ := p.swap(t, version("new", nil), rules)
		p.deliver(t, "c")
		require.NoError(t, p.apply(workOf(old)))
		p.deliver(t, "d")
		assert.Equal(t, []string{"telemetry: new 3", "telemetry: old 3"}, p.results())
	})
}

func TestAVersionThatComesDuringAProbationIsMeasuredByTheOneThatPassed(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		old, first := p.swap(t, version("second", nil), rules)
		p.deliver(t, "c")
		third := swapped(workOf(old), version("third", map[string]error{"bad": ending(module.KindExit)}), rules)
		third.Digest = "sha256:3"
		require.NoError(t, p.apply(third))
		_, over := first.Probation.Verdict()
		assert.False(t, over)
		p.deliver(t, "d")
		p.deliver(t, "bad")
		assert.Equal(t, []string{"telemetry: second 3", "telemetry: third 4", "telemetry: old 3"}, p.results())
	})
}

func TestASignalThatIsRemovedDoesNotHoldUpTheVerdict(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		_, w := p.swap(t, version("new", nil), rules)
		require.NoError(t, p.Remove(context.Background(), "s"))
		time.Sleep(rules.Duration)
		synctest.Wait()
		_, over := w.Probation.Verdict()
		assert.True(t, over)
	})
}

func TestWhatWaitsDuringTheReturnKeepsItsOrder(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := version("new", nil)
		p.swap(t, g, rules)
		g.instances[0].message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			time.Sleep(time.Second)
			return 0, i.die()
		}
		for _, id := range []string{"c", "d", "e"} {
			require.NoError(t, p.pipeline.Deliver(pipeline.Delivery{Input: "in", Connection: 1, Received: time.Now(), Ack: func() {},
				Message: module.Message{Body: []byte(id), Properties: module.Properties{{Name: "$.mid", Value: id}}}}))
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"telemetry: old 3", "telemetry: old 4", "telemetry: old 5"}, p.results())
	})
}
