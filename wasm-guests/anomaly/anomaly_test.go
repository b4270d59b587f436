package main

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// small settings keep the tests readable: a window of 16 samples whose scale is 1.
const small = `{"window":16,"threshold":5,"confirm":2,"holdOff":4,"minScale":1}`

// trained returns a guest that has learnt that the signal is at 50.
func trained(t *testing.T, settings string) *edgetest.Runner {
	run := edgetest.Start(t, newGuest(), settings)
	assert.Zero(t, alerts(t, run, repeat(50, 16)...), "of what it learns from")
	return run
}

// alerts hands values to a guest in turn and counts its alerts.
func alerts(t *testing.T, run *edgetest.Runner, values ...float64) int {
	t.Helper()
	count := 0
	for _, value := range values {
		result := run.Number(value)
		require.NoError(t, result.Err)
		if result.Verdict == edge.Done {
			count += len(result.Emitted)
			continue
		}
		assert.Equal(t, edgetest.Result{Verdict: edge.Drop}, result)
	}
	return count
}

func repeat(value float64, count int) []float64 {
	values := make([]float64, count)
	for i := range values {
		values[i] = value
	}
	return values
}

func TestASampleFarFromTheUsualIsAnAlertOnceItIsConfirmed(t *testing.T) {
	run := trained(t, small)
	assert.Zero(t, alerts(t, run, 56))
	assert.Equal(t, 1, alerts(t, run, 56))
	assert.Equal(t, 1.0, run.Counters["alerts"])
}

func TestBelowIsAsFarAsAbove(t *testing.T) {
	assert.Equal(t, 1, alerts(t, trained(t, small), 44, 44))
}

func TestTheThresholdItselfIsNotFar(t *testing.T) {
	assert.Zero(t, alerts(t, trained(t, small), 55, 55, 45, 45))
}

func TestALoneOutlierIsABadReadingNotAnIncident(t *testing.T) {
	assert.Zero(t, alerts(t, trained(t, small), 90, 50, 90, 50, 10, 50))
}

func TestAnIncidentIsOneAlertUntilAsManySamplesInARowAreUsual(t *testing.T) {
	run := trained(t, small)
	assert.Equal(t, 1, alerts(t, run, 90, 90))
	assert.Zero(t, alerts(t, run, 90, 50, 50, 50, 90, 90), "three usual samples do not end it")
	assert.Zero(t, alerts(t, run, 50, 50, 50, 50), "four do")
	assert.Equal(t, 1, alerts(t, run, 90, 90), "so this is another one")
}

func TestALastingChangeBecomesTheUsual(t *testing.T) {
	run := trained(t, small)
	assert.Equal(t, 1, alerts(t, run, repeat(90, 30)...))
	assert.Equal(t, 1, alerts(t, run, 50, 50), "what it came from is far now")
}

func TestNothingIsJudgedBeforeTheWindowIsFull(t *testing.T) {
	run := edgetest.Start(t, newGuest(), small)
	assert.Zero(t, alerts(t, run, 50, 50, 50, 90, 90, 90))
}

func TestTheAlertTellsWhatTheReaderNeeds(t *testing.T) {
	run := trained(t, small)
	run.Sample(edgetest.Sample{Value: 57, Unit: "Cel", SourceTimestamp: "2026-01-02T03:04:05.000Z"})
	result := run.Sample(edgetest.Sample{Value: 57.125, Unit: "Cel", SourceTimestamp: "2026-01-02T03:09:05.000Z"})
	assert.Equal(t, []edge.Message{{
		Body: []byte(`{"signal":"signal","alert":"anomaly","value":57.125,"expected":50,"score":7.13,"unit":"Cel",` +
			`"sourceTimestamp":"2026-01-02T03:09:05.000Z","since":"2026-01-02T03:04:05.000Z"}`),
		Properties: edge.Properties{{"alert", "anomaly"}, {"$.ct", "application/json"}, {"$.ce", "utf-8"}},
	}}, result.Emitted)
}

func TestTheSpreadIsMeasuredSoThatNoiseIsNotFar(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{}`)
	noise := rand.New(rand.NewPCG(1, 2)) // the same numbers each time
	for range 10 * defaults.Window {
		assert.Zero(t, alerts(t, run, 50+10*noise.NormFloat64()))
	}
	assert.Equal(t, 1, alerts(t, run, repeat(150, 3)...))
}

func TestASlowTrendIsNotFar(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"minScale":0}`)
	for i := range 5 * defaults.Window {
		assert.Zero(t, alerts(t, run, 20+float64(i)/10))
	}
}

func TestASignalThatStandsStillIsMeasuredByAHundredthOfItself(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{}`)
	assert.Zero(t, alerts(t, run, repeat(50, defaults.Window)...))
	assert.Zero(t, alerts(t, run, repeat(52.9, 3)...), "less than six times 0.5")
	assert.Equal(t, 1, alerts(t, run, repeat(53.1, 3)...))
}

func TestASignalThatStandsAtZeroNeedsAScale(t *testing.T) {
	atZero := edgetest.Start(t, newGuest(), `{"window":16}`)
	assert.Zero(t, alerts(t, atZero, repeat(0, 16)...))
	assert.Zero(t, alerts(t, atZero, 5, 5, 5))

	scaled := edgetest.Start(t, newGuest(), `{"window":16,"minScale":0.5}`)
	assert.Zero(t, alerts(t, scaled, repeat(0, 16)...))
	assert.Equal(t, 1, alerts(t, scaled, 5, 5, 5))
}

func TestWhatIsNoNewReadingIsNotLearnt(t *testing.T) {
	run := trained(t, small)
	for range 50 {
		run.Sample(edgetest.Sample{Value: 90, Quality: edge.Bad})
		run.Sample(edgetest.Sample{Value: 90, Reason: edge.Heartbeat})
	}
	assert.Equal(t, 100.0, run.Counters["ignored"])
	assert.Equal(t, 1, alerts(t, run, 90, 90), "90 is still far")
}

func TestAValueThatIsNoNumberFails(t *testing.T) {
	run := trained(t, small)
	assert.EqualError(t, run.Sample(edgetest.Sample{Value: "hot"}).Err, `value is not a number: "hot"`)
}

func TestAnAlertThatCannotBeSentFailsTheCallAndComesWithTheNextSample(t *testing.T) {
	d := &detector{}
	full := true
	run := edgetest.Start(t, edge.Guest[settings]{
		Settings: defaults, Configure: d.configure,
		Sample: func(h *edge.Host, s *edge.Sample, set *settings) (edge.Verdict, error) {
			for full && h.Emit(edge.Message{}) == nil { // uses up what a call may emit
			}
			return d.sample(h, s, set)
		},
	}, small)
	for range 16 {
		run.Number(50)
	}
	run.Number(90)
	assert.EqualError(t, run.Number(90).Err, edge.ErrLimit.Error())
	full = false
	assert.Equal(t, 1, alerts(t, run, 90))
}

func TestNewSettingsKeepWhatWasLearnt(t *testing.T) {
	run := trained(t, small)
	require.NoError(t, run.Configure(`{"window":16,"threshold":50,"confirm":1,"minScale":1}`))
	assert.Zero(t, alerts(t, run, 90))
	assert.Equal(t, 1, alerts(t, run, 110))
}

func TestASmallerWindowIsAtWorkAtOnceALargerOneOnceItIsFull(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"window":20,"confirm":1}`)
	assert.Zero(t, alerts(t, run, repeat(50, 18)...))
	require.NoError(t, run.Configure(`{"window":16,"confirm":1}`))
	assert.Equal(t, 1, alerts(t, run, 90))
	require.NoError(t, run.Configure(`{"window":18,"confirm":1,"holdOff":1}`))
	assert.Zero(t, alerts(t, run, 50, 90), "16 and these two fill it")
	assert.Zero(t, alerts(t, run, 50))
	assert.Equal(t, 1, alerts(t, run, 90))
}

func TestValuesAtTheEdgeOfFloatsDoNoHarm(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"window":16,"confirm":1}`)
	for range 20 {
		for _, value := range []float64{1.7e308, -1.7e308, 5e-324, 0} {
			require.NoError(t, run.Number(value).Err)
		}
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for _, test := range []struct{ settings, reason string }{
		{`{"window":15}`, `"window" is not between 16 and 10000 samples`},
		{`{"window":10001}`, `"window" is not between 16 and 10000 samples`},
		{`{"threshold":0}`, `"threshold" is not above 0`},
		{`{"confirm":0}`, `"confirm" is less than 1 sample`},
		{`{"holdOff":0}`, `"holdOff" is less than 1 sample`},
		{`{"minScale":-1}`, `"minScale" is negative`},
		{`{"windows":1}`, `unknown setting "windows" (known: confirm, holdOff, minScale, threshold, window)`},
	} {
		assert.EqualError(t, edgetest.New(t, newGuest()).Configure(test.settings), test.reason, test.settings)
	}
}
