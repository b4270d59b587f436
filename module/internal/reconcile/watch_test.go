package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const signalA = `"signals": {"a": {"source": "input:in"}}`

// patch hands a patch of the desired section in, and waits for what comes of it.
func (d *device) patch(patch string, version int64) {
	d.Patch([]byte(withVersion(patch, version)))
	d.settle(time.Second)
}

func (d *device) published() map[module.SignalName]Entry {
	d.Reconciler.mu.Lock()
	defer d.Reconciler.mu.Unlock()
	return d.view.entries
}

func (d *device) units() map[module.SignalName]string {
	units := make(map[module.SignalName]string)
	for name, e := range d.published() {
		units[name] = e.Signal.Unit
	}
	return units
}

func TestPatchesAreMergedOneAfterTheOther(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA) // version 2
		gets := len(noted(d.hub, &d.hub.gets))
		d.patch(`{"signals": {"a": {"unit": "m"}}`+"}", 3)
		d.patch(`{"signals": {"b": {"source": "input:in"}}`+"}", 4)
		assert.Equal(t, map[module.SignalName]string{"a": "m", "b": ""}, d.units())
		assert.EqualValues(t, 4, d.twinSays().LastDesiredVersion)
		d.patch(`{"signals": {"a": {"unit": "old"}}`+"}", 3)
		assert.Equal(t, "m", d.units()["a"], "an old one says nothing")
		assert.Len(t, noted(d.hub, &d.hub.gets), gets)
	})
}

func TestAPatchThatDoesNotFollowMeansToAskForTheTwin(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA)
		d.hub.change(func() {
			d.hub.desired, d.hub.version = `{"schemaVersion": "1.0", "signals": {"a": {"source": "input:in", "unit": "km"}}}`, 5
		})
		d.patch(`{"signals": {"a": {"unit": "m"}}`+"}", 5)
		assert.Equal(t, "km", d.units()["a"])
		assert.EqualValues(t, 5, d.twinSays().LastDesiredVersion)
	})
}

func TestAPatchIsNotUndoneByAnAnswerThatIsOlder(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA) // version 2
		d.hub.change(func() { d.hub.slow = 10 * time.Second })
		d.Connected()
		d.settle(time.Second)
		d.patch(`{"signals": {"a": {"unit": "m"}}`+"}", 3) // while the answer is under way
		d.settle(10 * time.Second)
		assert.Equal(t, "m", d.units()["a"])

		d.Connected()
		d.patch(`{"signals": {"a": {"unit": "km"}}`+"}", 4) // together with the wish for a GET
		d.settle(10 * time.Second)
		assert.Equal(t, "km", d.units()["a"])
	})
}

func TestMorePatchesThanCanWaitMeanToAskForTheTwin(t *testing.T) {
	w := newWatch()
	w.set([]byte(`{}`), 1)
	for range patchLimit + 1 {
		w.addPatch([]byte(`{}`))
	}
	refetch, patches := w.news()
	assert.True(t, refetch)
	assert.Len(t, patches, patchLimit)
}

func TestAnEmptyTwinChangesNothing(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA)
		patches := len(noted(d.hub, &d.hub.patches))
		d.hub.change(func() { d.hub.unknown = true })
		d.connect()
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		d.settle(10 * time.Minute)
		assert.Len(t, noted(d.hub, &d.hub.patches), patches, "nor does what it says of reported")
	})
}

func TestALowerVersionIsTakenWhenTwoAnswersAMinuteApartAgree(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.hub.change(func() { d.hub.version = 9 })
		d.desire(signalA)
		d.hub.change(func() { d.hub.version = 3 })
		d.desire(`"signals": {"b": {"source": "input:in"}}`) // 4
		d.connect()
		assert.Contains(t, d.units(), module.SignalName("a"), "two answers within a minute are not enough")
		d.settle(time.Minute)
		assert.Contains(t, d.units(), module.SignalName("b"))
		assert.EqualValues(t, 4, d.twinSays().LastDesiredVersion)
	})
}

func TestTheTwinIsAskedForOnEveryConnectionAndEveryQuarterOfAnHour(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.settle(time.Minute)
		d.desire(signalA)
		d.settle(30 * time.Minute)
		const m = time.Minute
		assert.Equal(t, []time.Duration{m, 16 * m, 31 * m}, noted(d.hub, &d.hub.gets))
	})
}

func TestAPeriodicQuestionWaitsWhileEdgeHubHasResultsToAcknowledge(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(signalA)
		d.hub.change(func() { d.hub.holdBack = []func(error){} })
		d.deliver("in", "x")
		d.settle(15 * time.Minute)
		assert.Len(t, noted(d.hub, &d.hub.gets), 1)
		noted(d.hub, &d.hub.holdBack)[0](nil)
		d.settle(time.Second)
		assert.Len(t, noted(d.hub, &d.hub.gets), 2)
		d.deliver("in", "y")
		d.settle(16*time.Minute + time.Second)
		assert.Len(t, noted(d.hub, &d.hub.gets), 3, "but not for ever")
	})
}

func TestAQuestionWithoutAnAnswerIsAskedAgain(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.hub.change(func() { d.hub.offline = true })
		d.Connected()
		d.settle(40 * time.Second)
		const s = time.Second
		assert.Equal(t, []time.Duration{0, 5 * s, 15 * s, 35 * s}, noted(d.hub, &d.hub.gets))
	})
}

func TestInputsWaitUntilThereIsAConfiguration(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		assert.Empty(t, d.deliver("in", "x"))
		d.desire(`"schemaVersion": "9.0"`)
		assert.Empty(t, take(d.hub, &d.hub.outputs), "a bad document is none")
		d.desire(signalA)
		assert.Equal(t, []string{"telemetry: x"}, take(d.hub, &d.hub.outputs))
	})
}
