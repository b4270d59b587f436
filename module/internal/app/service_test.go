package app

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// serviceText is the text of a service with the given body of _start. $line is a line "line" written to standard output,
// $nap a sleep of 20 ms, and $read reads up to 4000 bytes of standard input to 4096 and returns how many.
func serviceText(start string) string {
	return `(module
		(import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1)
		(data (i32.const 16) "line\nwords\n")
		(func $put (param $fd i32) (param $ptr i32) (param $len i32)
			(i32.store (i32.const 0) (local.get $ptr)) (i32.store (i32.const 4) (local.get $len))
			(if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
		(func $line (call $put (i32.const 1) (i32.const 16) (i32.const 5)))
		(func $read (result i32)
			(i32.store (i32.const 0) (i32.const 4096)) (i32.store (i32.const 4) (i32.const 4000))
			(if (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable)))
			(i32.load (i32.const 8)))
		(func $nap
			(i32.store (i32.const 80) (i32.const 1)) (i64.store (i32.const 88) (i64.const 20000000))
			(if (call $poll (i32.const 64) (i32.const 128) (i32.const 1) (i32.const 256)) (then (unreachable))))
		(func (export "_start") (local $n i32) ` + start + `))`
}

const (
	echoService   = `(block $end (loop $next (br_if $end (i32.eqz (local.tee $n (call $read)))) (call $put (i32.const 1) (i32.const 4096) (local.get $n)) (br $next)))`
	clockService  = `(loop (call $line) (call $nap) (br 0))`
	busyService   = `(call $line) (loop (br 0))`
	brokenService = `(call $put (i32.const 2) (i32.const 21) (i32.const 6)) `
)

// newServiceDevice is a device with a service s on input a, and more fields of the service's entry.
func newServiceDevice(t *testing.T, start, fields string) *device {
	t.Helper()
	d := newDevice(t, fmt.Sprintf(`{"schemaVersion":"1.0","guests":{"long":{"source":"file:long.wasm","run":"service"%s}},
		"signals":{"s":{"source":"input:a","guest":"long"}}}`, fields))
	d.compile(serviceText(start), "long.wasm")
	return d
}

func TestAServiceReadsInputsAndWritesMessages(t *testing.T) {
	d := newServiceDevice(t, echoService, "")
	d.run()
	var want []string
	for n := range 300 {
		want = append(want, strconv.Itoa(n))
		d.send("a", want[n])
	}
	d.waitBodies("telemetry", want...)
	u := d.messages("telemetry")[0]
	assert.Equal(t, "event", property(t, u, "messageType"))
	assert.Equal(t, "s", property(t, u, "signal"))
	assert.Len(t, property(t, u, "$.mid"), 26)
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 300 }, "the acknowledgements")
	d.waitReported("signals.s.runtimeStatus", "running")

	d.patch(`{"signals":{"s":null,"t":{"source":"input:a","guest":"long","output":"other"}}}`)
	d.waitReported("signals.t.runtimeStatus", "running")
	assert.Empty(t, d.reported("signals.s"))
	d.send("a", "after")
	d.waitBodies("other", "after")
}

func TestAServiceMayWriteWithoutInputAndFeedOthers(t *testing.T) {
	d := newServiceDevice(t, clockService, `,"limits":{"cpuPercent":20}`)
	d.run()
	d.patch(`{"signals":{"next":{"source":"signal:s","output":"next"}}}`)
	d.wait(func() bool { return len(d.messages("next")) >= 3 }, "three lines")
	first, second := d.messages("telemetry")[0], d.messages("telemetry")[1]
	assert.Equal(t, "line", string(first.Message.Body))
	assert.NotEqual(t, property(t, first, "$.mid"), property(t, second, "$.mid"))
}

func TestAServiceThatEndsSaysSoInReported(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ start, fields, status, description string }{
		"done":   {`(call $line)`, "", "stopped", "ended with exit code 0"},
		"again":  {`(call $line)`, `,"restartPolicy":"always"`, "backoff", "ended with exit code 0; restarting in 10s"},
		"exits":  {brokenService + `(call $exit (i32.const 3))`, "", "backoff", `exit: exit code 3`},
		"traps":  {brokenService + `(unreachable)`, "", "backoff", "trap"},
		"failed": {brokenService + `(unreachable)`, `,"restartPolicy":"never"`, "failed", "restartPolicy is never"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newServiceDevice(t, c.start, c.fields)
			d.run()
			d.waitReported("signals.s.runtimeStatus", c.status)
			d.waitReported("signals.s.statusDescription", c.description)
			d.send("a", "x")
			d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "no input to wait for it")
			if c.status != "backoff" {
				d.waitBodies("deadletter", "x")
				assert.Equal(t, "signal-not-running", property(t, d.messages("deadletter")[0], "deadletter-reason"))
			}
			if strings.HasPrefix(c.start, brokenService) {
				assert.Contains(t, d.log.String(), `"message":"words"`)
			}
		})
	}
}

func TestSettingsReachAServiceByItsRestart(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"above":{"source":"file:above.wasm","run":"service","settings":{"high":20}}},
		"signals":{"s":{"source":"input:a","guest":"above"}}}`)
	d.addProgram()
	d.run()
	d.send("a", `{"value":19}`)
	d.send("a", `{"value":21}`)
	d.waitBodies("telemetry", `{"value":21}`)
	d.patch(`{"guests":{"above":{"settings":{"high":30}}}}`)
	d.waitReported("lastDesiredVersion", "2")
	d.send("a", "{\n \"value\":25 }")
	d.send("a", "{\n \"value\":31 }")
	d.waitBodies("telemetry", `{"value":21}`, `{  "value":31 }`)
}

func TestAServiceThatIgnoresItsEndIsEndedInTime(t *testing.T) { // not beside others: it looks at the stacks of all
	d := newServiceDevice(t, busyService, `,"limits":{"cpuPercent":10}`)
	stop := d.run()
	d.waitBodies("telemetry", "line")
	began := time.Now()
	d.patch(`{"signals":{"s":null,"t":{"source":"input:a","guest":"long"}}}`)
	d.wait(func() bool { return len(d.messages("telemetry")) == 2 && d.app.Signals()["s"].LastStart.IsZero() }, "the one to end and the other to begin")
	assert.Less(t, time.Since(began), 5*time.Second)

	assert.Contains(t, stacks(), "internal/wasm.(*Service)")

	began = time.Now()
	stop()
	assert.Less(t, time.Since(began), stopTime-2*time.Second)
	assert.NotContains(t, stacks(), "internal/supervise.")
	assert.NotContains(t, stacks(), "internal/wasm.")
}

// stacks returns what all goroutines are at.
func stacks() string {
	buffer := make([]byte, 4<<20)
	return string(buffer[:runtime.Stack(buffer, true)])
}

func TestATimerSignalIsNotForAService(t *testing.T) {
	d := newServiceDevice(t, clockService, "")
	d.patch(`{"signals":{"t":{"source":"timer","samplingIntervalMs":100,"guest":"long"}}}`)
	d.run()
	d.waitReported("lastDesiredStatus.description", `signals.t.source: guest "long" is a service, which hears of no ticks`)
	d.waitReported("signals.s.runtimeStatus", "running")
}

func TestAGuestOfEdge1CannotServe(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm","run":"service"}},
		"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()
	d.waitReported("signals.s.statusDescription", `run "service" is for WASI commands`)
}
