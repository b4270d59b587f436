package supervise

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// sampling returns the work of a signal that reports values at /t by exception.
func sampling(g *fakeGuest, change func(*module.Signal)) Work {
	w := workOf(g)
	w.Signal.Selector, w.Signal.DeadbandType, w.Signal.DeadbandValue, w.Signal.DataChangeTrigger = "/t", "absolute", 1, "statusValue"
	if change != nil {
		change(&w.Signal)
	}
	return w
}

// values returns the values of the samples that reached edgeHub since the last call, and the reasons of dead letters.
func (p *plant) values() (values []string) {
	for _, line := range p.results() {
		_, body, _ := strings.Cut(line, ": ")
		values = append(values, valueIn(body))
	}
	return values
}

func valueIn(body string) string {
	var sample struct {
		Value  json.RawMessage
		Reason string
	}
	if json.Unmarshal([]byte(body), &sample) != nil {
		_, reason, _ := strings.Cut(body, " (")
		return reason
	}
	if sample.Reason != "" {
		sample.Reason = " " + sample.Reason
	}
	return string(sample.Value) + sample.Reason
}

func (p *plant) deliverValues(t *testing.T, values ...string) {
	for _, value := range values {
		p.deliver(t, `{"t":`+value+`}`)
	}
}

func TestGuestSeesTheSamplesThatPassTheStages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, sampling(g, nil))
		p.deliverValues(t, "20.00", "20.50", "21.50", "null")
		p.deliver(t, `{"other":1}`)
		assert.Equal(t, []string{"20.00 first", "21.50"}, p.values())
		assert.Equal(t, 2, g.last().calls)
		assert.Equal(t, 5, p.acknowledged())
		assert.EqualValues(t, 1, p.state().Ends[signals.Unchanged])
		assert.EqualValues(t, 2, p.state().Ends[signals.NoValue])
	})
}

func TestSampleThatTheGuestFailedOnIsNoLastValueSent(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if strings.Contains(string(m.Body), `"value":25,`) {
				return 0, i.die()
			}
			return module.Pass, nil
		}
		p.start(t, sampling(g, nil))
		p.deliverValues(t, "20", "25", "20.5", "25.5")
		assert.Equal(t, []string{"20 first", "trap, attempts 2)", "25.5"}, p.values(), "20.5 is compared with 20, which was sent")
	})
}

func TestSettingsChangeWithoutAResetOfWhatWasSent(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, sampling(nil, nil))
		p.deliverValues(t, "20")
		p.start(t, sampling(nil, func(s *module.Signal) { s.DeadbandValue = 5 }))
		p.deliverValues(t, "24", "26")
		assert.Equal(t, []string{"20 first", "26"}, p.values())
		p.start(t, sampling(nil, func(s *module.Signal) { s.Selector = "/u" }))
		p.deliver(t, `{"u":26}`)
		assert.Equal(t, []string{"26 first"}, p.values(), "other values begin anew")
	})
}

func TestWhatWasSentIsKnownAfterAnOrderlyEnd(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.start(t, sampling(nil, nil))
		p.deliverValues(t, "20")
		require.NoError(t, p.Remove(t.Context(), "s"))
		p.start(t, sampling(nil, nil))
		p.deliverValues(t, "20.5", "22")
		assert.Equal(t, []string{"20 first", "22"}, p.values())
	})
}

func TestHeartbeatsSendTheLastKnownValue(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, sampling(g, func(s *module.Signal) {
			s.HeartbeatInterval, s.HeartbeatBehavior = 10*time.Second, "watchdogLKV"
		}))
		p.deliverValues(t, "20")
		time.Sleep(4 * time.Second)
		p.deliverValues(t, "20.5")
		assert.Equal(t, []string{"20 first"}, p.values())
		time.Sleep(7 * time.Second)
		synctest.Wait()
		assert.Equal(t, []string{"20.5 heartbeat"}, p.values())
		time.Sleep(30 * time.Second)
		synctest.Wait()
		assert.Len(t, p.values(), 3)
		assert.Equal(t, 5, g.last().calls, "they enter the guest")
	})
}

func TestHeartbeatsGoOnAfterTheGuestWasAway(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		var dying atomic.Bool
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if dying.Load() {
				return 0, i.die()
			}
			return module.Pass, nil
		}
		p.start(t, sampling(g, func(s *module.Signal) {
			s.HeartbeatInterval, s.HeartbeatBehavior = 10*time.Second, "periodicLKV"
		}))
		p.deliverValues(t, "20")
		dying.Store(true)
		time.Sleep(2 * time.Minute)
		dying.Store(false)
		p.results()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		assert.NotEmpty(t, p.values())
	})
}

func TestSamplesGoIntoTheirPublishGroup(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		p.pipeline.SetGroups(map[string]module.PublishGroup{"minute": {Interval: time.Minute}})
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			i.effects.Emitted = []module.Emitted{emitted("", `{"alarm":true}`), emitted("", "no JSON"), emitted("else", "1")}
			return module.Pass, nil
		}
		p.start(t, sampling(g, func(s *module.Signal) {
			s.PublishGroup, s.Properties = "minute", map[string]string{"line": "3"}
			s.HeartbeatInterval, s.HeartbeatBehavior = 50*time.Second, "watchdogLKV"
		}))
		p.deliverValues(t, "20", "22")
		assert.Equal(t, []string{"telemetry: no JSON", "else: 1", "telemetry: no JSON", "else: 1"}, p.results())
		assert.Equal(t, 2, p.acknowledged())
		time.Sleep(61 * time.Second)
		synctest.Wait()
		require.Len(t, p.sent, 3, "the heartbeat emits too")
		batch := p.sent[2]
		assert.Equal(t, "batch minute 3 dev sensor", fmt.Sprint(batch.Properties.Value("messageType"), " ", batch.Properties.Value("group"), " ",
			batch.Properties.Value("line"), " ", batch.Properties.Value("sourceDeviceId"), " ", batch.Properties.Value("sourceModuleId")))
		var elements []json.RawMessage
		require.NoError(t, json.Unmarshal(batch.Body, &elements))
		var values []string
		for _, e := range elements {
			values = append(values, valueIn(string(e)))
		}
		assert.Equal(t, []string{"", "20 first", "", "22", "", "22 heartbeat"}, values)
	})
}

func TestOtherShapesStayOutsideOfTheModule(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		require.NoError(t, p.apply(sampling(nil, func(s *module.Signal) { s.Payload = "flat" })))
		reader := &fakeGuest{}
		w := workOf(reader)
		w.Signal.Name, w.Signal.Output = "r", module.OutputNone
		require.NoError(t, p.apply(w))
		p.pipeline.SetRoutes(&pipeline.Routes{
			Inputs:  map[module.InputName][]pipeline.Route{"in": {{Signal: "s", Consumer: p.Consumer("s")}}},
			Signals: map[module.SignalName][]pipeline.Route{"s": {{Signal: "r", Consumer: p.Consumer("r")}}}})
		var seen string
		reader.last().message = func(_ *fakeInstance, m module.Message) (module.Verdict, error) {
			seen = string(m.Body)
			return module.Drop, nil
		}
		p.deliverValues(t, "20")
		assert.Equal(t, []string{`telemetry: {"sourceTimestamp":"2000-01-01T00:00:00.000Z","s":20}`}, p.results())
		assert.JSONEq(t, `{"signal":"s","value":20,"sourceTimestamp":"2000-01-01T00:00:00.000Z","reason":"first"}`, seen)
	})
}

func TestTicksAndValuesOfOneSignal(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		var ticks atomic.Int32
		g.tick = func(*fakeInstance) (module.Verdict, error) {
			ticks.Add(1)
			return module.Done, nil
		}
		p.start(t, sampling(g, func(s *module.Signal) {
			s.Source, s.SamplingInterval = module.Source{}, time.Hour
			s.Sources = map[string]module.Source{"clock": {Kind: module.SourceTimer}, "a": {Kind: module.SourceInput, Name: "in"}}
		}))
		p.deliverValues(t, "20", "22")
		assert.Equal(t, []string{"20 first", "22"}, p.values(), "the interval is that of the ticks")
		time.Sleep(2*time.Hour + time.Second)
		synctest.Wait()
		assert.EqualValues(t, 2, ticks.Load())
	})
}

func TestGuestIsToldWhichSourceAMessageCameBy(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		var told []string
		g.message = func(_ *fakeInstance, m module.Message) (module.Verdict, error) {
			told = append(told, m.Properties.Value("$source")+"/"+m.Properties.Value("$input"))
			return module.Pass, nil
		}
		w := sampling(g, nil)
		require.NoError(t, p.apply(w))
		p.pipeline.SetRoutes(&pipeline.Routes{Inputs: map[module.InputName][]pipeline.Route{"in": {
			{Signal: "s", Source: "a", Consumer: p.Consumer("s")}, {Signal: "s", Source: "b", Consumer: p.Consumer("s")}}}})
		p.deliverValues(t, "20", "20.5", "22")
		assert.Equal(t, []string{"a/in", "b/in", "a/in", "b/in"}, told, "each source has its own last value sent")
		for _, s := range p.sent {
			_, there := s.Properties.Get("$source")
			assert.False(t, there, "it is for the guest alone")
		}
	})
}

func emitted(output module.OutputName, body string) module.Emitted {
	return module.Emitted{Output: output, Message: module.Message{Body: []byte(body)}}
}

func TestWhereChoosesWholeMessages(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		w := workOf(&fakeGuest{})
		w.Signal.Where = map[string]string{"/kind": "alarm"}
		p.start(t, w)
		p.deliver(t, `{"kind":"alarm","n":1}`)
		p.deliver(t, `{"kind":"info"}`)
		p.deliver(t, `no JSON`)
		assert.Equal(t, []string{`telemetry: {"kind":"alarm","n":1}`, "deadletter: no JSON (not-json, attempts )"}, p.results())
		assert.EqualValues(t, 1, p.state().Ends[signals.NoValue])
	})
}

func TestASampleThatFailsTakesNoOtherOfItsMessageWithIt(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := counter()
		count := g.message
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			if strings.Contains(string(m.Body), `"value":13,`) {
				return 0, i.die()
			}
			return count(i, m)
		}
		w := workOf(g)
		w.Signal.Selector = "/*/v"
		p.start(t, w)
		p.deliver(t, `[{"v":1},{"v":13},{"v":3}]`)
		assert.Equal(t, []string{"telemetry: count 1", "telemetry: count 2", `deadletter: [{"v":1},{"v":13},{"v":3}] (trap, attempts 2)`}, p.results(),
			"the fresh instance has the state that the first sample left, which is not stored yet")
		assert.Equal(t, 1, p.acknowledged())
	})
}
