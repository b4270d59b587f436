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

// largeTick emits 64 KiB at each tick.
const largeTick = `(module
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 5)
  (func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "edge_message") (param i32 i32) (result i32) (i32.const 0))
  (func (export "edge_timer") (result i32)
    (drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 65536) (i32.const 0) (i32.const 0)))
    (i32.const 2)))`

const offlineTwin = `{"schemaVersion":"1.0","module":{"outboxMiB":1,"outboxFull":%q},
	"guests":{"tick":{"source":"file:tick.wasm"},"long":{"source":"file:long.wasm","run":"service","limits":{"cpuPercent":20}}},
	"signals":{"clock":{"source":"timer","samplingIntervalMs":20,"guest":"tick"},"s":{"source":"input:a","guest":"long","output":"lines"}}}`

// newOfflineDevice is a device whose module has seen its twin once, and whose edgeHub, with the workload API, is gone.
func newOfflineDevice(t *testing.T, full string) *device {
	t.Helper()
	d := newDeviceWith(t, sim.Config{Keep: true, RetryMin: 10 * time.Millisecond}, fmt.Sprintf(offlineTwin, full))
	d.compile(largeTick, "tick.wasm")
	d.compile(serviceText(clockService), "long.wasm")
	stop := d.run()
	d.waitReported("signals.clock.runtimeStatus", "running")
	d.waitReported("signals.s.runtimeStatus", "running")
	stop()
	d.stopHub()
	d.forget()
	return d
}

// forget forgets what reached $upstream so far.
func (d *device) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.upstream = nil
}

// waitFull waits until the outbox has no room, and returns how many results are in it.
func (d *device) waitFull() int {
	d.t.Helper()
	d.wait(func() bool { return d.app.pipeline.Counts().Outbox >= 15 }, "a mebibyte in the outbox")
	return d.app.pipeline.Counts().Outbox
}

func TestWithoutANetworkGuestsRunAndWhatTheyEmitWaitsForEdgeHub(t *testing.T) {
	t.Parallel()
	d := newOfflineDevice(t, "block")
	stop := d.run()
	d.waitFull()
	assert.Len(t, grep(d.log.String(), `"cached":true`), 2, "guests come from the cache")
	for _, signal := range d.app.Signals() {
		assert.EqualValues(t, "running", signal.Status)
	}
	stop() // stores what is there

	d.run() // another life, still without a network
	waiting := d.waitFull()
	assert.Less(t, waiting, 1<<20/256, "bounded")
	assert.Zero(t, d.app.pipeline.Counts().OutboxDropped)
	d.startHub()
	d.wait(func() bool { return len(d.messages("telemetry"))+len(d.messages("lines")) > 2*waiting }, "what has waited, and more")
	ids := map[string]bool{}
	for _, u := range append(d.messages("telemetry"), d.messages("lines")...) {
		ids[property(t, u, "$.mid")] = true
	}
	assert.Greater(t, len(ids), waiting)
}

func TestWithoutANetworkTheOldestAreDroppedAndCountedWhereTheTwinSaysSo(t *testing.T) {
	t.Parallel()
	d := newOfflineDevice(t, "dropOldest")
	d.run()
	d.wait(func() bool { return d.app.pipeline.Counts().OutboxDropped > 10 }, "the oldest to be dropped")
	assert.Less(t, d.app.pipeline.Counts().Outbox, 1000)
	d.startHub()
	d.wait(func() bool { return len(d.messages("telemetry")) > 0 }, "the newest")
	require.Equal(t, strings.Repeat("\x00", 65536), d.bodies("telemetry")[0])
}
