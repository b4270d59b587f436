package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const passTwin = `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"pass"}}}`

func grep(text, part string) (lines []string) {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestAnInputIsAcknowledgedOnlyAfterItsResult(t *testing.T) {
	d := newDevice(t, passTwin, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", true))
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
	assert.Zero(t, d.hub.Stats().Modules["wasmOnEdge"].Acked)

	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", false))

	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement")
}

func TestARedeliveryIsAttachedAndNotRunAgain(t *testing.T) {
	t.Parallel()
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:count_memory.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "count_memory")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", true))
	d.send("a", "x", "$.mid", "m1")
	d.waitBodies("telemetry", "1")
	_, err := d.hub.Disconnect("wasmOnEdge")
	require.NoError(t, err)
	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", false))

	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement after the reconnect")

	d.send("a", "y", "$.mid", "m2")
	d.wait(func() bool { bodies := d.bodies("telemetry"); return bodies[len(bodies)-1] == "2" }, "the count of the second message")
	ids := map[string]string{}
	for _, u := range d.messages("telemetry") {
		ids[string(u.Message.Body)] = property(t, u, "$.mid")
		assert.Equal(t, ids[string(u.Message.Body)], property(t, u, "$.mid"), "a repeat carries the same id")
	}
}

func TestNothingIsLostWhileConnectionsAreCut(t *testing.T) {
	t.Parallel()
	const messages, cuts = 600, 12
	d := newDevice(t, passTwin, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	for i := range messages {
		d.send("a", fmt.Sprint(i), "$.mid", fmt.Sprint("m", i))
		if i%(messages/cuts) == 0 {
			_, err := d.hub.Disconnect("wasmOnEdge")
			require.NoError(t, err)
		}
	}
	require.NoError(t, d.hub.WaitIdle(t.Context()))

	ids := map[string]string{} // body → id
	last := -1
	for _, u := range d.messages("telemetry") {
		body, id := string(u.Message.Body), property(t, u, "$.mid")
		if known, repeated := ids[body]; repeated {
			assert.Equal(t, known, id, "a repeat carries the same id")
			continue
		}
		ids[body] = id
		var number int
		_, err := fmt.Sscan(body, &number)
		require.NoError(t, err)
		assert.Equal(t, last+1, number, "order")
		last = number
	}
	assert.Len(t, ids, messages)
	assert.Empty(t, d.messages("deadletter"))
}

func TestAChangeMadeWhileAwayIsFoundOnReconnect(t *testing.T) {
	t.Parallel()
	d := newDevice(t, passTwin, "pass")
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	stop()
	d.patch(`{"signals":{"s":{"output":"other"}}}`)
	d.run()
	d.waitReported("lastDesiredVersion", "2")
	d.send("a", "x")
	d.waitBodies("other", "x")
}

func TestAStopUnderLoadLosesNothing(t *testing.T) {
	t.Parallel()
	// What is in flight when the module goes is delivered again when the hub has waited long enough for it.
	d := newDeviceWith(t, sim.Config{AckTimeout: 2 * time.Second, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond}, passTwin, "pass")
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	for i := range 200 {
		d.send("a", fmt.Sprint(i), "$.mid", fmt.Sprint("m", i))
	}
	d.wait(func() bool { return len(d.messages("telemetry")) > 20 }, "the load")
	start := time.Now()
	stop()
	assert.Less(t, time.Since(start), 8*time.Second)
	d.run()
	require.NoError(t, d.hub.WaitIdle(t.Context()))
	seen := map[string]bool{}
	for _, body := range d.bodies("telemetry") {
		seen[body] = true
	}
	assert.Len(t, seen, 200)
}
