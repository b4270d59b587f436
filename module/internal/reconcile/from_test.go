package reconcile

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const fromLine3 = `"guests": {"g": {"source": "file:good.wasm"}}, "signalsFrom": {"line3": {"source": "file:line3.json"}}`

func TestSignalsOfAFileRunLikeThoseOfTheTwin(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("line3.json", `{"signals": {"a": {"source": "input:in", "guest": "g"}, "bad": {"source": "input:in", "guest": "h"}}}`)
		d.desire(fromLine3)

		assert.Equal(t, []string{"telemetry: in"}, d.deliver("in", "in"))
		assert.Equal(t, module.Running, d.Reported().Signals["a"].RuntimeStatus)
		assert.Contains(t, d.Reported().Signals["bad"].StatusDescription, `signalsFrom.line3#signals.bad.guest: there is no guest "h"`)
	})
}

func TestAChangedFileIsTakenWithTheNextVersion(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("line3.json", `{"signals": {"a": {"source": "input:in", "guest": "g"}, "b": {"source": "input:other", "guest": "g"}}}`)
		d.desire(fromLine3)
		a := d.config.Supervisor.Snapshot()["a"].LastStart
		d.settle(time.Minute)

		d.bring("line3.json", `{"signals": {"a": {"source": "input:in", "guest": "g"}, "c": {"source": "input:other", "guest": "g", "output": "alerts"}}}`)
		d.settle(time.Minute)
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("other", "x"), "nobody looks at the file in between")

		d.desire(fromLine3)
		assert.Equal(t, []string{"alerts: x"}, d.deliver("other", "x"))
		assert.NotContains(t, d.Reported().Signals, module.SignalName("b"))
		assert.Equal(t, a, d.config.Supervisor.Snapshot()["a"].LastStart, "what stayed the same is not touched")
	})
}

func TestWhileAFileCannotBeReadItsSignalsStay(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("line3.json", `{"signals": {"a": {"source": "input:in", "guest": "g"}}}`)
		d.desire(fromLine3)
		require.NoError(t, os.Remove(filepath.Join(d.guests, "line3.json")))

		d.desire(fromLine3 + `, "signals": {"mine": {"source": "input:other"}}`)
		assert.Equal(t, []string{"telemetry: in"}, d.deliver("in", "in"))
		assert.Equal(t, []string{"telemetry: x"}, d.deliver("other", "x"), "the file's entry is refused, no other")
		assert.Equal(t, module.CodeInvalid, d.Reported().LastDesiredStatus.Code)
		assert.Contains(t, d.Reported().Signals["a"].StatusDescription, "there is no such file")

		d.desire(`"signals": {"mine": {"source": "input:other"}}`)
		assert.NotContains(t, d.Reported().Signals, module.SignalName("a"), "nobody asks for the file any more")
	})
}

func TestSignalsOfAFileStartFromLastGoodWithoutNetworkAndFile(t *testing.T) {
	onDevice(t, func(t *testing.T, d *device) {
		d.bring("line3.json", `{"signals": {"a": {"source": "input:in", "guest": "g"}}}`)
		d.desire(fromLine3)
		require.NoError(t, os.Remove(filepath.Join(d.guests, "line3.json")))
		d.hub.change(func() { d.hub.offline = true })

		again := newDevice(t, d)
		again.settle(time.Second)
		assert.Equal(t, []string{"telemetry: in"}, again.deliver("in", "in"))
	})
}
