package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const settingsTwin = `{"schemaVersion":"1.0","guests":{"g":{"source":"file:refuse_settings.wasm"}},
	"signals":{"s":{"source":"input:a","guest":"g","settings":{"mode":"ok"}}}}`

func TestADesiredChangeReachesTheRunningGuest(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:echo_settings.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"g","settings":{"high":80}}}}`, "echo_settings")
	d.run()
	d.waitReported("lastDesiredVersion", "1")
	d.send("a", "x")
	d.waitBodies("telemetry", `{"signal":"s","partition":"","settings":{"high":80}}`)

	d.patch(`{"signals":{"s":{"settings":{"high":25}}}}`)

	d.waitReported("lastDesiredVersion", "2")
	d.send("a", "x")
	d.waitBodies("telemetry", `{"signal":"s","partition":"","settings":{"high":80}}`, `{"signal":"s","partition":"","settings":{"high":25}}`)
	assert.Equal(t, "200", d.reported("lastDesiredStatus.code"))
}

func TestSettingsThatTheGuestRefusesLeaveTheOldOnesAtWork(t *testing.T) {
	d := newDevice(t, settingsTwin, "refuse_settings")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")

	d.patch(`{"signals":{"s":{"settings":{"mode":"bad"}}}}`)

	d.waitReported("lastDesiredVersion", "2")
	d.waitReported("lastDesiredStatus.code", "500")
	d.waitReported("signals.s.statusDescription", "refused")
	assert.Equal(t, "running", d.reported("signals.s.runtimeStatus"))
	assert.Equal(t, "1", d.reported("signals.s.runningVersion"))
	d.send("a", "x")
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the old settings at work")
	assert.Empty(t, d.messages("deadletter"))
}

func TestABadEntryIsRefusedAndTheOthersAreTaken(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")

	d.patch(`{"signals":{"s":{"outptu":"alerts"},"t":{"source":"input:b","guest":"pass","output":"t"}}}`)

	d.waitReported("lastDesiredStatus.code", "400")
	assert.Contains(t, d.reported("lastDesiredStatus.description"), "signals.s.outptu")
	assert.Contains(t, d.reported("lastDesiredStatus.description"), "output", "the likely key")
	assert.Equal(t, "running", d.reported("signals.s.runtimeStatus"))
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
	d.send("b", "y")
	d.waitBodies("t", "y")
}

func TestABadDocumentChangesNothing(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.patch(`{"schemaVersion":"2.0"}`)
	d.waitReported("lastDesiredStatus.code", "412")
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
}

func TestASignalIsSwitchedOffAndOnAgain(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"pass"},"t":{"source":"input:a","guest":"pass","output":"t"}}}`, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.patch(`{"signals":{"s":{"status":"stopped"}}}`)
	d.waitReported("signals.s.runtimeStatus", "stopped")
	d.send("a", "x")
	d.waitBodies("t", "x")
	assert.Empty(t, d.messages("telemetry"))
	d.patch(`{"signals":{"s":{"status":"running"}}}`)
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "y")
	d.waitBodies("telemetry", "y")
	d.waitBodies("t", "x", "y")
}

func TestARestartWithoutNetworkStartsFromTheLastGoodTwin(t *testing.T) {
	d := newDevice(t, settingsTwin, "refuse_settings")
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	stop()
	d.hub.RefuseConnects(1000)

	d.run()

	d.wait(func() bool { return len(grep(d.log.String(), "starting from the last good twin")) == 1 }, "the last good twin in the log")
	d.wait(func() bool { return len(grep(d.log.String(), `"step":"start"`)) == 2 }, "the signal to start again")
}

func TestACorruptLastGoodTwinIsSetAside(t *testing.T) {
	d := newDevice(t, settingsTwin, "refuse_settings")
	require.NoError(t, os.WriteFile(filepath.Join(d.storage, "last-good.json"), []byte("{"), 0o600))
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	assert.Contains(t, d.log.String(), "was set aside")
}
