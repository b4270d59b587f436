package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// newCountingDevice has a guest that counts messages in its state, and one beside it that does the same but for a message
// "?", at which it traps.
func newCountingDevice(t *testing.T, entry string) *device {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{`+entry+`}},"signals":{"s":{"source":"input:a","guest":"g","output":"telemetry"}}}`)
	text, err := os.ReadFile(filepath.Join(guestSource, "count_state.wat"))
	require.NoError(t, err)
	d.compile(string(text), "good.wasm")
	const begin = `(func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)`
	require.Contains(t, string(text), begin)
	d.compile(strings.Replace(string(text), begin, begin+` (if (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 63)) (then unreachable))`, 1), "frail.wasm")
	return d
}

func (d *device) state() supervise.State     { return d.app.supervisor.Snapshot()["s"] }
func (d *device) told() module.ReportedEntry { return d.app.Reported().Guests["g"] }

func TestAVersionThatTrapsOnProbationGivesWayToTheOneBeforeWithItsState(t *testing.T) {
	d := newCountingDevice(t, `"source":"file:good.wasm"`)
	stop := d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "1")
	good := d.told().Digest
	d.patch(`{"guests":{"g":{"source":"file:frail.wasm"}}}`)
	d.wait(func() bool { return d.state().OnProbation }, "the new version")
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2")
	d.send("a", "?")
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2", "2", "3")
	assert.Empty(t, d.messages("deadletter"), "the version before works on the message")

	d.wait(func() bool { return d.told().RuntimeStatus == module.RolledBack }, "the verdict")
	assert.Equal(t, good, d.told().Digest)
	assert.Regexp(t, `sha256:[0-9a-f]+ failed on probation at signal "s": .*unreachable.*; the state of 1 messages was undone`, d.told().StatusDescription)
	assert.Equal(t, "1", d.measured("wasm_on_edge_signals_rolled_back{"))
	assert.Equal(t, "1", d.measured("wasm_on_edge_signal_rollbacks_total{", `signal="s"`))

	stop()
	d.run()
	d.send("a", "?")
	d.waitBodies("telemetry", "1", "2", "2", "3", "4")
	assert.Equal(t, module.RolledBack, d.told().RuntimeStatus, "it is not tried again")
}

func TestACandidateIsComparedBesideItsGuestAndSendsNothing(t *testing.T) {
	d := newCountingDevice(t, `"source":"file:good.wasm","shadow":{"source":"file:frail.wasm"}`)
	d.run()
	d.wait(func() bool { return d.state().Shadow != nil }, "the candidate")
	d.send("a", "x")
	d.wait(func() bool { return d.state().ShadowAgreed == 1 }, "its agreement")
	assert.Contains(t, d.told().StatusDescription, "agrees")
	d.send("a", "?")
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2", "3")
	d.wait(func() bool { return d.state().ShadowDiffered == 2 }, "what it makes otherwise") // it missed one in its count
	differences := d.state().Shadow.Differences
	require.Len(t, differences, 2)
	assert.Contains(t, differences[0].What, "it fails: ")
	assert.Equal(t, `message 0 is "2" and not "3"`, differences[1].What)
	assert.Regexp(t, `shadow sha256:[0-9a-f]+ differs, first of signal "s" at message ".+": it fails: .*unreachable`, d.told().StatusDescription)
	assert.Equal(t, module.Running, d.told().RuntimeStatus)
	assert.Zero(t, d.state().Traps)
	assert.Empty(t, d.messages("deadletter"))
	assert.Equal(t, "2", d.measured("wasm_on_edge_signal_shadow_calls_total{", `result="differed"`))
}

// posting is a guest that posts each message to IoT Hub and traps unless that is answered with 204. What comes then is the
// version's own.
const posting = `(module
	(import "wasi_experimental_http" "req" (func $req (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 0) "POST")
	(data (i32.const 100) %[1]q)
	(func (export "edge_alloc") (param i32) (result i32) i32.const 1024)
	(func (export "edge_message") (param $ptr i32) (param $len i32) (result i32)
		(if (call $req (i32.const 100) (i32.const %[2]d) (i32.const 0) (i32.const 4) (i32.const 400) (i32.const 0)
			(local.get $ptr) (local.get $len) (i32.const 16) (i32.const 20)) (then (unreachable)))
		(if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 204)) (then (unreachable)))
		%[3]s
		i32.const 2))`

func TestAVersionOfAGuestThatSendsRequestsIsJudgedOnProbationToo(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:good.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`)
	d.compile(fmt.Sprintf(posting, hubAddress, len(hubAddress), ""), "good.wasm")
	d.compile(fmt.Sprintf(posting, hubAddress, len(hubAddress), `(if (i32.eq (i32.load8_u (local.get $ptr)) (i32.const 63)) (then unreachable))`), "frail.wasm")
	d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
	d.patch(`{"guests":{"g":{"source":"file:frail.wasm"}}}`)
	d.wait(func() bool { return d.state().OnProbation }, "the new version")
	d.send("a", "?")
	d.wait(func() bool { return d.told().RuntimeStatus == module.RolledBack }, "the verdict: the version before gets its answer")
	assert.Empty(t, d.messages("deadletter"))
	ids := make(map[string]bool)
	for _, m := range d.messages("telemetry")[1:] {
		assert.Equal(t, "?", string(m.Message.Body))
		ids[module.Properties(m.Message.Properties).Value(module.PropertyMessageID)] = true
	}
	assert.Len(t, ids, 1, "what is posted again has the same id")
}
