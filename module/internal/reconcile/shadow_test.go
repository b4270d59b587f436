package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// besides is a document whose guest has a candidate beside it.
func besides(source string) string {
	return `"guests": {"g": {"source": "file:one.wasm", "shadow": {"source": "` + source + `"}}}, "signals": {"a": {"source": "input:in", "guest": "g"}}`
}

func TestACandidateRunsBesideItsGuestAndIsReported(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("one.wasm", "one")
		d.bring("two.wasm", "frail")
		d.desire(besides("file:two.wasm"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
		d.settle(time.Minute)
		assert.Contains(t, d.twinSays().Guests["g"].StatusDescription, "shadow "+digestOf("frail")+" agrees")

		assert.Equal(t, []string{"telemetry: bad"}, d.deliver("in", "bad"))
		d.settle(time.Minute)
		e := d.twinSays().Guests["g"]
		assert.Equal(t, module.Running, e.RuntimeStatus)
		assert.Contains(t, e.StatusDescription, `differs, first of signal "a" at message "2": it fails`)
		patches := len(noted(d.hub, &d.hub.patches))
		d.deliver("in", "bad")
		d.settle(time.Hour)
		assert.Len(t, noted(d.hub, &d.hub.patches), patches, "more of the same is in the metrics")

		d.desire(`"guests": {"g": {"source": "file:one.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		d.settle(time.Minute)
		assert.Empty(t, d.twinSays().Guests["g"].StatusDescription)
		assert.Equal(t, []bool{true, false}, d.open())
	})
}

func TestACandidateThatCannotBeHadIsReportedAndHoldsUpNothing(t *testing.T) {
	for source, reason := range map[string]string{"file:missing.wasm": "missing.wasm", "file:invalid.wasm": "not a guest"} {
		onDevice(t, func(t *testing.T, d *device) {
			d.bring("one.wasm", "one")
			d.desire(besides(source))
			assert.Equal(t, []string{"telemetry: x"}, d.deliver("in", "x"))
			e := d.twinSays().Guests["g"]
			assert.Equal(t, module.Running, e.RuntimeStatus)
			assert.Contains(t, e.StatusDescription, "shadow: ")
			assert.Contains(t, e.StatusDescription, reason)
			assert.Equal(t, module.CodeOK, d.twinSays().LastDesiredStatus.Code)
		})
	}
}

func TestACandidateIsPromotedByMovingItsDigest(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("one.wasm", "one")
		d.bring("two.wasm", "two")
		d.desire(besides("file:two.wasm"))
		d.deliver("in", "x")
		d.desire(`"guests": {"g": {"source": "file:two.wasm"}}, "signals": {"a": {"source": "input:in", "guest": "g"}}`)
		assert.Equal(t, "two", d.instance("a").binary)
		assert.Len(t, d.open(), 2, "it is compiled already")
		assert.True(t, d.config.Supervisor.Snapshot()["a"].OnProbation)
	})
}
