package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

const counting = `{"schemaVersion":"1.0","guests":{"g":{"source":"file:count_state.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`

func TestAGuestsStateSurvivesARestartOfTheModule(t *testing.T) {
	d := newDevice(t, counting, "count_state")
	stop := d.run()
	for n := range 5 {
		d.send("a", fmt.Sprint(n))
	}
	d.waitBodies("telemetry", "1", "2", "3", "4", "5")
	stop()
	d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "1", "2", "3", "4", "5", "6")
	assert.Equal(t, "persistent", d.waitReported("runtime.storage", "persistent"))
}

func TestWhatIsForASignalThatBacksOffSurvivesARestartOfTheModule(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:trap_on_poison.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "trap_on_poison")
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "!poison") // at once, before it has worked: it backs off
	d.waitBodies("deadletter", "!poison")
	d.wait(func() bool { return d.app.Signals()["s"].Status == module.Backoff }, "the signal to back off")
	d.send("a", "one")
	d.send("a", "two")
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 3 }, "the messages to be acknowledged")
	assert.Empty(t, d.messages("telemetry"))
	stop()
	d.run()
	d.waitBodies("telemetry", "one", "two")
}

func TestWhatEdgeHubDoesNotTakeInTimeIsStoredAtAStopAndSentByTheNextLife(t *testing.T) {
	t.Parallel()
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"}}}`, "pass")
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", true))
	d.send("a", "one")
	d.wait(func() bool { return len(d.messages("telemetry")) == 1 }, "the result, which edgeHub does not acknowledge")
	began := time.Now()
	stop()
	assert.Less(t, time.Since(began), stopTime)
	assert.EqualValues(t, 1, d.hub.Stats().Modules["wasmOnEdge"].Acked, "the input need not come again")
	require.NoError(t, d.hub.HoldAcks("wasmOnEdge", false))
	d.run()
	d.waitBodies("telemetry", "one", "one")
	sent := d.messages("telemetry")
	assert.Equal(t, property(t, sent[0], "$.mid"), property(t, sent[1], "$.mid"))
}

func TestADamagedJournalIsSetAsideAndReported(t *testing.T) {
	d := newDevice(t, counting, "count_state")
	stop := d.run()
	d.send("a", "x")
	d.waitBodies("telemetry", "1")
	stop()
	segments, err := filepath.Glob(filepath.Join(d.storage, "journal", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, segments)
	damage(t, segments)
	d.run()
	d.waitReported("runtime.storage", "damaged")
	d.send("a", "x")
	d.wait(func() bool { return len(d.messages("telemetry")) == 2 }, "the module to go on")
}

// damage flips bits in the middle of the largest file.
func damage(t *testing.T, files []string) {
	t.Helper()
	var largest string
	var content []byte
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err == nil && len(b) > len(content) {
			largest, content = file, b
		}
	}
	written := len(bytes.TrimRight(content, "\x00")) // the rest of a segment is allocated in advance
	for i := range 8 {
		content[written/3+i] ^= 0xff
	}
	require.NoError(t, os.WriteFile(largest, content, 0o600))
}

func TestASecondProcessOnTheSameStorageSaysSo(t *testing.T) {
	t.Parallel()
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a"}}}`)
	first, _, err := journal.Open(journal.Config{Dir: filepath.Join(d.storage, "journal"), Limit: 64 << 20})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, first.Close()) })
	d.run()
	assert.Contains(t, d.app.Reported().Runtime.Storage, "another journal has been open on it for 3s")
	assert.Contains(t, d.log.String(), "spools, outbox and state will not survive a restart")
	d.send("a", "x")
	d.waitBodies("telemetry", "x")
}
