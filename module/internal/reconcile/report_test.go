package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestANewDesiredVersionIsAnsweredAtOnceAndASteadyDeviceSendsNothing(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA)
		d.desire(`"signals": {"a": {"source": "input:in", "unit": "m"}}`)
		assert.Len(t, noted(d.hub, &d.hub.patches), 2)
		assert.JSONEq(t, `{"lastDesiredVersion": 3}`, noted(d.hub, &d.hub.patches)[1], "only what changed")
		d.settle(24 * time.Hour)
		d.connect()
		assert.Len(t, noted(d.hub, &d.hub.patches), 2)
	})
}

func TestFlappingIsGathered(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.hub.change(func() { d.hub.times = nil })
		for range 60 * 60 {
			d.deliver("in", "kill")
			d.settle(time.Second)
		}
		assert.LessOrEqual(t, len(noted(d.hub, &d.hub.times)), 9)
		for i := 1; i < len(noted(d.hub, &d.hub.times)); i++ {
			assert.GreaterOrEqual(t, noted(d.hub, &d.hub.times)[i]-noted(d.hub, &d.hub.times)[i-1], min(reportPeriod<<i, reportPeriodMax))
		}
		assert.Equal(t, 1, d.Reported().Summary.Failed+d.Reported().Summary.Quarantined)
	})
}

func TestWhatIsReportedTakesAwayWhatIsNoLongerTrue(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.hub.change(func() {
			d.hub.reported = []byte(`{"signals": {"gone": {"runtimeStatus": "running"}}, "$version": 4, "$metadata": {}}`)
		})
		d.desire(signalA)
		require.NotEmpty(t, noted(d.hub, &d.hub.patches))
		assert.Contains(t, noted(d.hub, &d.hub.patches)[0], `"gone":null`)
		assert.NotContains(t, noted(d.hub, &d.hub.patches)[0], `$`)
	})
}

func TestAPatchThatWasNotTakenIsSentAgainSoonAfterTheConnectionIsBack(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(guestG + `, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.hub.change(func() { d.hub.offline = true })
		d.settle(2 * time.Minute)
		d.deliver("in", "kill")
		d.settle(9 * time.Second) // tried at once, and once more
		assert.Len(t, noted(d.hub, &d.hub.patches), 3)
		d.hub.change(func() { d.hub.offline = false })
		d.connect()
		assert.Equal(t, module.Backoff, d.twinSays().Signals["a"].RuntimeStatus)
		assert.Len(t, noted(d.hub, &d.hub.patches), 4)
	})
}

func TestTheReportedSummaryCountsStates(t *testing.T) {
	signals := map[module.SignalName]module.ReportedEntry{}
	for name, status := range map[module.SignalName]module.RuntimeStatus{"a": module.Running, "b": module.Backoff, "c": module.Failed,
		"d": module.Quarantined, "e": module.Stopped, "f": module.Unknown} {
		signals[name] = module.ReportedEntry{RuntimeStatus: status}
	}
	assert.Equal(t, module.Summary{Signals: 6, Running: 1, Failed: 2, Quarantined: 1, Stopped: 1}, summary(signals))
}

func TestADescriptionNamesTheFirstProblemAndCountsTheOthers(t *testing.T) {
	assert.Equal(t, "signals.a: x; and 2 more", describeProblems(map[module.SignalName]string{"b": "y", "a": "x", "c": "z"}))
}
