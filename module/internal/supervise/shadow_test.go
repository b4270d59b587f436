package supervise

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// shadow starts a version that has counted to one, and a candidate beside it.
func (p *plant) shadow(t *testing.T, candidate *fakeGuest) *fakeGuest {
	old := version("old", map[string]error{"poison": ending(module.KindTrap)})
	p.start(t, workOf(old))
	p.deliver(t, "a")
	p.results()
	require.NoError(t, p.Shadow(t.Context(), "s", &Candidate{candidate, "sha256:9"}))
	return old
}

func (p *plant) shadowed() Shadow {
	time.Sleep(time.Second)
	synctest.Wait()
	return *p.state().Shadow
}

func TestACandidateThatDoesTheSameAgreesAndSendsNothing(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		candidate := version("old", map[string]error{"poison": ending(module.KindTrap)})
		old := p.shadow(t, candidate)
		assert.Equal(t, map[Guest]bool{old: true, candidate: true}, p.Guests())
		p.deliver(t, "b")
		p.deliver(t, "c")
		assert.Equal(t, []string{"telemetry: old 2", "telemetry: old 3"}, p.results())
		assert.Equal(t, Shadow{Digest: "sha256:9", Compared: 2, Agreed: 2}, p.shadowed(), "it began with the state as it was")
		state, err := p.pipeline.Kept(pipeline.Stream{Signal: "s"}).State()
		require.NoError(t, err)
		assert.Equal(t, "3", string(state["n"]), "its own state is its own")
		require.NoError(t, p.Shadow(t.Context(), "s", nil))
		assert.Nil(t, p.state().Shadow)
		assert.EqualValues(t, 2, p.state().ShadowAgreed, "counts stay")
		assert.True(t, candidate.last().closed)
		assert.Equal(t, map[Guest]bool{old: true}, p.Guests())
	})
}

func TestDifferencesAreToldWithTheirMessages(t *testing.T) {
	good := module.Emitted{Output: "o", Message: module.Message{Body: []byte("x"), Properties: module.Properties{{Name: "k", Value: "v"}}}}
	other := func(change func(*module.Emitted)) *module.Effects {
		e := good
		change(&e)
		return &module.Effects{Emitted: []module.Emitted{e}}
	}
	real := shadowed{verdict: module.Done, emitted: []module.Emitted{good}}
	for what, effects := range map[string]*module.Effects{
		"":                               {Emitted: []module.Emitted{good}},
		"it emits 0 messages and not 1":  {},
		`message 0 is "y" and not "x"`:   other(func(e *module.Emitted) { e.Body = []byte("y") }),
		"message 0 has other properties": other(func(e *module.Emitted) { e.Properties = nil }),
		`message 0 goes to output "p" and not to "o"`: other(func(e *module.Emitted) { e.Output = "p" }),
		"it changes the state otherwise":              {Emitted: []module.Emitted{good}, State: []module.StateChange{{Key: "k"}}},
	} {
		assert.Equal(t, what, real.differs(module.Done, nil, effects))
	}
	assert.Equal(t, "the verdict is 0 and not 2", real.differs(module.Drop, nil, &module.Effects{}))
	assert.Equal(t, "it fails: no", real.differs(0, errors.New("no"), &module.Effects{}))
	failed := shadowed{err: errors.New("no")}
	assert.Equal(t, "it does not fail: no", failed.differs(module.Done, nil, &module.Effects{}))
	assert.Empty(t, failed.differs(0, errors.New("otherwise"), &module.Effects{}))

	inPlant(t, func(t *testing.T, p *plant) {
		p.shadow(t, version("new", nil))
		for range 7 {
			p.deliver(t, "b")
		}
		s := p.shadowed()
		assert.EqualValues(t, 7, s.Compared)
		assert.Zero(t, s.Agreed)
		require.Len(t, s.Differences, shadowDifferences)
		assert.Equal(t, Difference{Message: "2", What: `message 0 is "new 2" and not "old 2"`}, s.Differences[0])
	})
}

func TestACandidateThatIsSlowSkipsMessagesAndHoldsUpNobody(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			time.Sleep(time.Minute)
			return module.Done, nil
		}
		p.shadow(t, g)
		for range shadowQueue + 10 {
			p.deliver(t, "b")
		}
		assert.Len(t, p.results(), shadowQueue+10)
		assert.EqualValues(t, 9, p.state().Shadow.Skipped, "one is being worked on")
		assert.EqualValues(t, 9, p.state().ShadowSkipped)
	})
}

func TestACandidateThatEndsBadlyGoesOnFromItsStateAndIsGivenUpIfItAlwaysDoes(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		candidate := version("old", map[string]error{"c": ending(module.KindTrap), "poison": ending(module.KindTrap)})
		p.shadow(t, candidate)
		for _, body := range []string{"b", "c"} {
			p.deliver(t, body)
		}
		s := p.shadowed()
		assert.EqualValues(t, 1, s.Agreed)
		assert.Equal(t, "it fails: "+ending(module.KindTrap).Error(), s.Differences[0].What)
		for range shadowDeaths {
			p.deliver(t, "c")
		}
		s = p.shadowed()
		assert.Contains(t, s.Problem, "20 times in a row")
		assert.EqualValues(t, 1, s.Skipped)
		assert.Equal(t, module.Running, p.state().Status)
		assert.Zero(t, p.state().Traps)
	})
}

func TestEachPartitionHasACandidateOfItsOwn(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, byMachine(version("old", nil), nil))
		p.deliverMachine(t, "a", "1")
		require.NoError(t, p.Shadow(t.Context(), "s", &Candidate{version("old", nil), "sha256:9"}))
		p.deliverMachine(t, "a", "20")
		p.deliverMachine(t, "b", "20")
		assert.Equal(t, Shadow{Digest: "sha256:9", Compared: 2, Agreed: 2}, p.shadowed())
	})
}
