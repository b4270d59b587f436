package supervise

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestWhatAGuestMeasuresIsKeptOfCallsThatEndWell(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, m module.Message) (module.Verdict, error) {
			i.effects.Metrics = []module.Metric{{Kind: Counter, Name: "seen", Value: 2}, {Kind: Gauge, Name: "level", Value: float64(len(m.Body))}, {Kind: Histogram, Name: "size", Value: float64(len(m.Body))}}
			if string(m.Body) == "failed" {
				return -1, &module.GuestError{Kind: module.KindFailed}
			}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		for _, body := range []string{"a", "failed", "12345678901"} {
			p.deliver(t, body)
		}
		measured := p.Measured()["g"]
		require.Len(t, measured.Measures, 3)
		level, seen, size := measured.Measures[0], measured.Measures[1], measured.Measures[2]
		assert.Equal(t, Measure{Name: "seen", Kind: Counter, Value: 4}, seen)
		assert.Equal(t, map[module.SignalName]float64{"s": 11}, level.Signals)
		assert.EqualValues(t, 2, size.Count)
		assert.InDelta(t, 12, size.Value, 0)
		assert.EqualValues(t, 1, size.Buckets[1])
		assert.EqualValues(t, 2, size.Buckets[100])
	})
}

func TestMeasurementsAreBounded(t *testing.T) {
	m := &measures{}
	for n := range measureNames + 8 {
		m.take("s", []module.Metric{{Kind: Counter, Name: fmt.Sprintf("n%d", n), Value: 1}})
	}
	names, refused := m.load()
	assert.Len(t, names, measureNames)
	assert.EqualValues(t, 8, refused)

	m = &measures{}
	for n := range measureSignals + 3 {
		m.take(module.SignalName(fmt.Sprintf("s%d", n)), []module.Metric{{Kind: Gauge, Name: "level", Value: float64(n)}})
	}
	names, refused = m.load()
	assert.Len(t, names[0].Signals, measureSignals)
	assert.InDelta(t, measureSignals+2, names[0].Value, 0, "the last of all")
	assert.EqualValues(t, 3, refused)
}

func TestWhatIsNoMeasurementIsLeftOutAndCounted(t *testing.T) {
	for name, metric := range map[string]module.Metric{
		"no name":        {Name: "", Value: 1},
		"a quote":        {Name: `a"b`, Value: 1},
		"not ASCII":      {Name: "höhe", Value: 1},
		"no number":      {Name: "n", Value: math.NaN()},
		"no end":         {Kind: Gauge, Name: "n", Value: math.Inf(1)},
		"falling":        {Name: "n", Value: -1},
		"no kind":        {Kind: 3, Name: "n", Value: 1},
		"negative kind":  {Kind: -1, Name: "n", Value: 1},
		"of other kinds": {Kind: Gauge, Name: "known", Value: 1},
	} {
		m := &measures{}
		m.take("s", []module.Metric{{Kind: Counter, Name: "known", Value: 1}, metric})
		all, refused := m.load()
		assert.EqualValues(t, 1, refused, name)
		for _, measure := range all {
			if measure.Name != "known" {
				assert.Zero(t, measure.Value, name)
			}
		}
	}
}

func TestTheCountsOfARemovedSignalStay(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.memory = 1 << 16
			i.effects.Metrics = []module.Metric{{Kind: Gauge, Name: "level", Value: 1}}
			return module.Pass, nil
		}
		p.start(t, workOf(g))
		p.deliver(t, "a")
		assert.EqualValues(t, 1<<16, p.state().InUse)
		require.NoError(t, p.Remove(context.Background(), "s"))
		removed := p.Removed()["g"]
		assert.EqualValues(t, 1, removed.In)
		assert.EqualValues(t, 1<<16, removed.Memory, "the high-water mark")
		assert.Zero(t, removed.InUse)
		assert.Empty(t, p.Measured()["g"].Measures[0].Signals, "a gauge of nothing says nothing")
	})
}
