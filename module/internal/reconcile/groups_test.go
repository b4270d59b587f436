package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestPublishGroupsAreThoseOfTheTwinAndOfLastGoodSignals(t *testing.T) {
	minute, hour := module.PublishGroup{Interval: time.Minute}, module.PublishGroup{Interval: time.Hour}
	sends := func(group string) Entry { return Entry{Signal: module.Signal{PublishGroup: group}} }
	onDevice(t, func(t *testing.T, d *device) {
		d.settle(time.Second)
		d.groups = map[string]module.PublishGroup{"kept": minute, "changed": minute, "gone": minute, "failed": minute}
		d.running["a"], d.running["b"], d.failed["c"] = sends("kept"), sends("changed"), sends("failed")
		d.running["d"] = sends("")

		d.setGroups(map[string]module.PublishGroup{"changed": hour, "new": hour})
		assert.Equal(t, map[string]module.PublishGroup{"kept": minute, "changed": hour, "new": hour, "failed": minute}, d.groups)
		clear(d.running)
		clear(d.failed)
	})
}

func TestAChangeOfAGroupRestartsNoSignal(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		const rest = `"guests": {"g": {"source": "file:good.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}}`
		d.desire(`"publishGroups": {"minute": {"intervalMs": 60000}}, ` + rest)
		started := d.config.Supervisor.Snapshot()["a"].LastStart
		d.settle(time.Minute)
		d.desire(`"publishGroups": {"minute": {"intervalMs": 30000}}, ` + rest)

		assert.Equal(t, 30*time.Second, d.groups["minute"].Interval)
		assert.Equal(t, started, d.config.Supervisor.Snapshot()["a"].LastStart)

		d.desire(`"publishGroups": {"minute": {"intervalMs": 1}}, ` + rest)
		assert.NotContains(t, d.groups, "minute", "it was refused, and no signal sends by it")
	})
}

func TestPublishGroupsStartFromLastGood(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.desire(`"publishGroups": {"minute": {"intervalMs": 60000}}, "signals": {"a": {"source": "input:in"}}`)
		d.hub.change(func() { d.hub.offline = true })
		again := newDevice(t, d)
		again.settle(time.Second)
		assert.Equal(t, module.PublishGroup{Interval: time.Minute, MaxBytes: 200000}, again.groups["minute"])
	})
}
