package supervise

import (
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// byMachine is the work of a signal that is partitioned by machine, with a guest that counts.
func byMachine(g *fakeGuest, change func(*module.Signal)) Work {
	w := sampling(g, func(s *module.Signal) { s.PartitionBy = "/m" })
	if change != nil {
		change(&w.Signal)
	}
	return w
}

// counter is a guest that keeps a count and sends it.
func counter() *fakeGuest {
	g := &fakeGuest{}
	g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
		n := 1
		if state := i.options.State["n"]; len(state) > 0 {
			n += int(state[0])
		}
		i.options.State = map[string][]byte{"n": {byte(n)}}
		i.effects.State = []module.StateChange{{Key: "n", Value: []byte{byte(n)}}}
		i.effects.Emitted = []module.Emitted{{Message: module.Message{Body: fmt.Appendf(nil, "count %d", n)}}}
		return module.Done, nil
	}
	return g
}

func (p *plant) deliverMachine(t *testing.T, machine, value string) {
	body, err := json.Marshal(map[string]any{"m": machine, "t": json.Number(value)})
	require.NoError(t, err)
	p.deliver(t, string(body))
}

func TestEachPartitionHasAnInstanceStateAndDeadbandOfItsOwn(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, byMachine(counter(), nil))
		for _, value := range []string{"1", "5"} {
			for _, machine := range []string{"a", "b"} {
				p.deliverMachine(t, machine, value)
			}
		}
		p.deliverMachine(t, "a", "9")
		var sent []string
		for _, s := range p.sent {
			sent = append(sent, s.Properties.Value("partition")+" "+string(s.Body))
		}
		assert.Equal(t, []string{"a count 1", "b count 1", "a count 2", "b count 2", "a count 3"}, sent)
		assert.Equal(t, 5, p.acknowledged())
		assert.Equal(t, 2, p.state().Partitions)
		p.deliver(t, `{"t":1}`)
		assert.EqualValues(t, 1, p.state().Ends[signals.NoValue], "a message without the key is for nobody")
	})
}

func TestPartitionIsToldItsKey(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, byMachine(nil, nil))
		p.deliverMachine(t, "press 1", "20")
		assert.JSONEq(t, `{"signal":"s","partition":"press 1","value":20,"sourceTimestamp":"2000-01-01T00:00:00.000Z","reason":"first"}`, string(p.sent[0].Body))
		assert.NotEqual(t, p.sent[0].Properties.Value("$.mid"), "")
	})
}

func TestPartitionThatWasIdleForTheLongestTimeMakesWayAndKeepsItsState(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := counter()
		p.start(t, byMachine(g, func(s *module.Signal) { s.MaxPartitions = 2 }))
		for n, machine := range []string{"a", "b", "a", "c"} { // b makes way for c
			p.deliverMachine(t, machine, fmt.Sprint(n*10))
			time.Sleep(time.Second)
		}
		p.results()
		p.deliverMachine(t, "b", "10.5")
		assert.Empty(t, p.results(), "its last value sent is known")
		p.deliverMachine(t, "b", "50")
		assert.Equal(t, []string{"telemetry: count 2"}, p.results())
		assert.EqualValues(t, 2, p.state().Evicted)
		assert.Equal(t, 2, p.state().Partitions)
	})
}

func TestPartitionsFollowTheSignal(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, byMachine(g, nil))
		p.deliverMachine(t, "a", "1")
		p.start(t, withSettings(byMachine(g, nil), `{"high":1}`))
		for _, i := range g.instances {
			assert.JSONEq(t, `{"high":1}`, i.settings)
		}
		p.start(t, sampling(g, nil))
		assert.Zero(t, p.state().Partitions, "it is not partitioned any more")
		require.NoError(t, p.Remove(t.Context(), "s"))
		for _, i := range g.instances {
			assert.True(t, i.closed)
		}
	})
}

func TestPartitionThatBacksOffIsNamedAndHoldsUpNoOther(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if m.Properties.Value("shift") == "early" && string(m.Body[:40]) == `{"signal":"s","partition":"bad","value":` {
				return 0, i.die()
			}
			return module.Pass, nil
		}
		p.start(t, byMachine(g, func(s *module.Signal) { s.DataChangeTrigger = "always" }))
		for n := range 20 {
			p.deliverMachine(t, "bad", fmt.Sprint(n))
			p.deliverMachine(t, "fine", fmt.Sprint(n))
		}
		state := p.state()
		assert.Equal(t, module.Running, state.Status)
		assert.Equal(t, 1, state.Troubled)
		assert.Contains(t, state.Description, `partition "bad": `)
		fine := 0
		for _, s := range p.sent {
			if s.Properties.Value("partition") == "fine" {
				fine++
			}
		}
		assert.Equal(t, 20, fine)
		assert.Equal(t, 40, p.acknowledged())
		time.Sleep(time.Hour)
		synctest.Wait()
	})
}
