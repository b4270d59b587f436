package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// step is a value, what becomes of its sample, and the alerts of the events that go before it.
type step struct {
	value   float64
	verdict edge.Verdict
	alerts  []string
}

// follow hands values to a guest in turn and checks each step.
func follow(t *testing.T, run *edgetest.Runner, steps ...step) {
	t.Helper()
	for i, step := range steps {
		result := run.Number(step.value)
		require.NoError(t, result.Err)
		assert.Equal(t, step.verdict, result.Verdict, "step %d: verdict of %v", i, step.value)
		assert.Equal(t, step.alerts, alerts(result), "step %d: alerts of %v", i, step.value)
	}
}

func alerts(result edgetest.Result) []string {
	var alerts []string
	for _, m := range result.Emitted {
		alerts = append(alerts, m.Properties[0].Value)
	}
	return alerts
}

func TestSamplesAboveHighPassAndTheirBeginningAndEndAreTold(t *testing.T) {
	follow(t, edgetest.Start(t, newGuest(), `{"high":80}`),
		step{79, edge.Drop, nil},
		step{80, edge.Drop, nil},
		step{80.1, edge.Pass, []string{"high"}},
		step{95, edge.Pass, nil},
		step{80, edge.Drop, []string{"cleared"}},
		step{79, edge.Drop, nil},
		step{81, edge.Pass, []string{"high"}},
	)
}

func TestSamplesBelowLowPassAndTheirBeginningAndEndAreTold(t *testing.T) {
	follow(t, edgetest.Start(t, newGuest(), `{"low":2}`),
		step{2, edge.Drop, nil},
		step{1.9, edge.Pass, []string{"low"}},
		step{-5, edge.Pass, nil},
		step{2, edge.Drop, []string{"cleared"}},
	)
}

func TestHysteresisKeepsASignalThatHoversAtItsLimitFromFlickering(t *testing.T) {
	follow(t, edgetest.Start(t, newGuest(), `{"high":80,"low":20,"hysteresis":5}`),
		step{81, edge.Pass, []string{"high"}},
		step{79, edge.Pass, nil},
		step{75.1, edge.Pass, nil},
		step{75, edge.Drop, []string{"cleared"}},
		step{79, edge.Drop, nil},
		step{19, edge.Pass, []string{"low"}},
		step{24.9, edge.Pass, nil},
		step{25, edge.Drop, []string{"cleared"}},
	)
}

func TestAJumpFromOneLimitToTheOtherClearsAndRaises(t *testing.T) {
	follow(t, edgetest.Start(t, newGuest(), `{"high":80,"low":20}`),
		step{81, edge.Pass, []string{"high"}},
		step{19, edge.Pass, []string{"cleared", "low"}},
	)
}

func TestEventsTellWhatTheReaderNeeds(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"high":80}`)
	properties := func(alert string) edge.Properties {
		return edge.Properties{{"alert", alert}, {"$.ct", "application/json"}, {"$.ce", "utf-8"}}
	}

	raised := run.Sample(edgetest.Sample{Value: 81.5, Unit: "Cel", SourceTimestamp: "2026-01-02T03:04:05.678Z"})
	assert.Equal(t, []edge.Message{{Properties: properties("high"), Body: []byte(`{"signal":"signal","alert":"high",` +
		`"value":81.5,"unit":"Cel","sourceTimestamp":"2026-01-02T03:04:05.678Z","limit":80}`)}}, raised.Emitted)

	cleared := run.Number(79)
	assert.Equal(t, []edge.Message{{Properties: properties("cleared"), Body: []byte(
		`{"signal":"signal","alert":"cleared","value":79,"cleared":"high"}`)}}, cleared.Emitted)
	assert.Equal(t, map[string]float64{"alerts": 1}, run.Counters)
}

func TestBadSamplesNeitherPassNorChangeAnything(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"high":80}`)
	follow(t, run, step{81, edge.Pass, []string{"high"}})
	for _, value := range []any{nil, 0, 200} {
		result := run.Sample(edgetest.Sample{Value: value, Quality: edge.Bad})
		assert.Equal(t, edgetest.Result{Verdict: edge.Drop}, result)
	}
	assert.Equal(t, 3.0, run.Counters["ignored"])
	follow(t, run, step{81, edge.Pass, nil})
}

func TestUncertainSamplesCount(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"high":80}`)
	result := run.Sample(edgetest.Sample{Value: 81, Quality: edge.Uncertain})
	assert.Equal(t, edge.Pass, result.Verdict)
}

func TestAValueThatIsNoNumberFails(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"high":80}`)
	assert.EqualError(t, run.Sample(edgetest.Sample{Value: "hot"}).Err, `value is not a number: "hot"`)
	assert.EqualError(t, run.Sample(edgetest.Sample{Value: nil}).Err, `value is not a number: null`)
}

func TestAnEventThatCannotBeSentFailsTheCallAndIsTriedAgain(t *testing.T) {
	m := &monitor{}
	guest := edge.Guest[settings]{Sample: func(h *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
		for range 64 {
			_ = h.Emit(edge.Message{}) // uses up what a call may emit
		}
		return m.sample(h, s, set)
	}}
	full := edgetest.Start(t, guest, `{"high":80}`)
	assert.EqualError(t, full.Number(81).Err, edge.ErrLimit.Error())
	free := edgetest.Start(t, edge.Guest[settings]{Sample: m.sample}, `{"high":80}`)
	follow(t, free, step{81, edge.Pass, []string{"high"}})
}

func TestNewLimitsJudgeTheNextSample(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"high":80}`)
	follow(t, run, step{81, edge.Pass, []string{"high"}})
	require.NoError(t, run.Configure(`{"high":90}`))
	follow(t, run, step{81, edge.Drop, []string{"cleared"}})
	require.NoError(t, run.Configure(`{"low":90}`))
	follow(t, run, step{81, edge.Pass, []string{"low"}})
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, test := range []struct{ settings, reason string }{
		{`{}`, `set "high", "low" or both: there is no limit`},
		{`{"hysteresis":1}`, `set "high", "low" or both: there is no limit`},
		{`{"high":80,"hysteresis":-1}`, `"hysteresis" is negative`},
		{`{"high":20,"low":80}`, `"low" is not below "high"`},
		{`{"high":80,"low":80}`, `"low" is not below "high"`},
		{`{"high":80,"low":70,"hysteresis":10}`, `"hysteresis" leaves no room between "low" and "high"`},
		{`{"hihg":80}`, `unknown setting "hihg" (known: high, hysteresis, low)`},
	} {
		assert.EqualError(t, edgetest.New(t, newGuest()).Configure(test.settings), test.reason, test.settings)
	}
}
