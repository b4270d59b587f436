package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

func property(t testing.TB, u sim.Upstream, name string) string {
	t.Helper()
	for _, p := range u.Message.Properties {
		if p.Name == name {
			return p.Value
		}
	}
	return ""
}

func TestAMessageGoesThroughItsGuestToUpstream(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"pass","output":"alerts","properties":{"line":"3"}}}}`, "pass")
	d.run()

	d.send("a", `{"v":1}`, "$.mid", "m1", "$.ct", "application/json", "city", "Zürich/1+2")

	d.waitBodies("alerts", `{"v":1}`)
	u := d.messages("alerts")[0]
	assert.Equal(t, "application/json", property(t, u, "$.ct"))
	assert.Equal(t, "Zürich/1+2", property(t, u, "city"))
	assert.Equal(t, "3", property(t, u, "line"))
	assert.Equal(t, "s", property(t, u, "signal"))
	assert.Equal(t, "event", property(t, u, "messageType"))
	assert.Equal(t, "sensor", property(t, u, "sourceModuleId"))
	assert.Equal(t, "m1", property(t, u, "$.cid"), "the input's id is the correlation id")
	assert.Len(t, property(t, u, "$.mid"), 26)
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement of the input")
}

func TestWhatAGuestEmitsGoesWhereItSaid(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:emit_twice.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"g"}}}`, "emit_twice")
	d.run()

	d.send("a", "third")

	d.waitBodies("telemetry", "first", "third")
	d.waitBodies("alerts", "second")
}

func TestAHostOnlySignalSendsSamples(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"temperature":{"source":"input:a","selector":"/machine/temperature","unit":"Cel"}}}`)
	d.run()

	d.send("a", `{"machine":{"temperature":21.50}}`)

	d.wait(func() bool { return len(d.messages("telemetry")) == 1 }, "the sample")
	u := d.messages("telemetry")[0]
	assert.Regexp(t, `^{"signal":"temperature","value":21\.50,"unit":"Cel","sourceTimestamp":"2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","reason":"first"}$`, string(u.Message.Body))
	assert.Equal(t, "sample", property(t, u, "messageType"))
	assert.Equal(t, "application/json", property(t, u, "$.ct"))
	assert.Equal(t, "utf-8", property(t, u, "$.ce"))
}

func TestOneInputFeedsManySignalsAndOneSignalOthers(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"one":{"source":"input:a","guest":"pass","output":"one"},
		           "two":{"source":"input:a","guest":"pass","output":"two"},
		           "after":{"source":"signal:one","guest":"pass","output":"after"},
		           "silent":{"source":"input:a","guest":"pass","output":""},
		           "heard":{"source":"signal:silent","guest":"pass","output":"heard"}}}`, "pass")
	d.run()

	d.send("a", "x")

	for _, output := range []string{"one", "two", "after", "heard"} {
		d.waitBodies(output, "x")
	}
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "one acknowledgement")
}

func TestATimerSignalTicksWithoutInput(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"tick":{"source":"file:timer_emit.wasm"}},
		"signals":{"clock":{"source":"timer","samplingIntervalMs":20,"guest":"tick"}}}`, "timer_emit")
	d.run()
	d.wait(func() bool { return len(d.messages("telemetry")) >= 3 }, "three ticks")
	assert.Equal(t, "tick", d.bodies("telemetry")[0])
}

func TestOrderIsKept(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()
	var want []string
	for i := range 500 {
		want = append(want, fmt.Sprint(i))
		d.send("a", want[i])
	}
	d.waitBodies("telemetry", want...)
}

func TestInputsWaitUntilAConfigurationIsKnown(t *testing.T) {
	d := newDevice(t, `{}`, "pass")
	d.run()
	d.send("a", "early")
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Delivered > 0 }, "the delivery")

	d.patch(`{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"pass"}}}`)

	d.waitBodies("telemetry", "early")
	assert.Empty(t, d.messages("deadletter"))
}

func TestAnInputThatNoSignalNamesIsADeadLetter(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()

	d.send("b", "nobody's", "k", "v")

	d.waitBodies("deadletter", "nobody's")
	u := d.messages("deadletter")[0]
	assert.Equal(t, "no-signal", property(t, u, "deadletter-reason"))
	assert.Equal(t, "b", property(t, u, "deadletter-input"))
	assert.Equal(t, "v", property(t, u, "k"))
	assert.Equal(t, "deadletter", property(t, u, "messageType"))

	d.patch(`{"module":{"unclaimedInputs":"drop"}}`)
	d.waitReported("lastDesiredVersion", "2")
	d.send("b", "dropped")
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 2 }, "the acknowledgement of what is dropped")
	assert.Len(t, d.messages("deadletter"), 1)
}

func TestAResultThatEdgeHubWouldNotTakeIsADeadLetterOnce(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"pass","properties":{"padding":"`+strings.Repeat("p", 400)+`"}}}}`, "pass")
	d.run()
	huge := strings.Repeat("x", 262136-200) // fits without the properties that passing on adds
	d.send("a", huge)

	d.wait(func() bool { return len(d.messages("deadletter")) == 1 }, "the dead letter")
	u := d.messages("deadletter")[0]
	assert.Equal(t, "message-too-large", property(t, u, "deadletter-reason"))
	assert.Equal(t, fmt.Sprint(len(huge)), property(t, u, "deadletter-truncated"))
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement")
	d.send("a", "small")
	d.waitBodies("telemetry", "small")
	require.Len(t, d.messages("deadletter"), 1)
}

func TestPropertiesOfASenderThatDifferFromOursInCaseOnlyDoNotLoseTheMessage(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"pass","properties":{"line":"3"}}}}`, "pass")
	d.run()

	d.send("a", "x", "Signal", "theirs", "MESSAGETYPE", "theirs", "Line", "theirs", "SourceDeviceID", "leaf", "City", "Zürich")

	d.waitBodies("telemetry", "x")
	u := d.messages("telemetry")[0]
	for name, want := range map[string]string{"signal": "s", "messageType": "event", "line": "3", "SourceDeviceID": "leaf", "City": "Zürich", "Signal": "", "Line": "", "sourceDeviceId": ""} {
		assert.Equal(t, want, property(t, u, name), name)
	}
}

func TestAGuestsMessageThatEdgeHubWouldThrowAwayIsADeadLetter(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:emit.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`)
	d.compile(emitsTwoCases, "emit.wasm")
	d.run()

	d.send("a", "x")

	d.waitBodies("deadletter", "x")
	u := d.messages("deadletter")[0]
	assert.Equal(t, "message-invalid", property(t, u, "deadletter-reason"))
	assert.Contains(t, property(t, u, "deadletter-description"), `property "level": differs from "Level" in case only`)
	assert.Equal(t, "1", property(t, u, "Level"))
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement")
}

// emitsTwoCases emits each message with the properties "Level" and "level".
const emitsTwoCases = `(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (data (i32.const 0) "Level=1&level=2")
  (func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 15)))
    (i32.const 2)))`
