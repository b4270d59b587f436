package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// init2022 is the text of a guest of 2022 with the given body of init, which knows $config and $len. At 0 lies
// "telemetry", at 16 "reading"; $nap sleeps for 20 ms.
func init2022(init string) string {
	return `(module
		(import "hostobservability" "loginfo" (func $loginfo (param i32 i32 i32 i32)))
		(import "hostobservability" "publish" (func $publish (param i32 i32 i32 i32)))
		(import "hostobservability" "read" (func $read (param i32 i32 i32)))
		(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
		(memory (export "memory") 1)
		(data (i32.const 0) "telemetry") (data (i32.const 16) "reading")
		(func (export "canonical_abi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
		(func (export "canonical_abi_free") (param i32 i32 i32))
		(func $nap
			(i32.store (i32.const 272) (i32.const 1)) (i64.store (i32.const 280) (i64.const 20000000))
			(if (call $poll (i32.const 256) (i32.const 320) (i32.const 1) (i32.const 380)) (then (unreachable))))
		(func (export "init") (param $config i32) (param $len i32) ` + init + `))`
}

const (
	telemetry2022 = `(call $loginfo (i32.const 0) (i32.const 9) (local.get $config) (local.get $len))
		(loop (call $publish (i32.const 0) (i32.const 9) (i32.const 16) (i32.const 7)) (call $nap) (br 0))`
	gateway2022 = `(loop (call $read (i32.const 0) (i32.const 9) (i32.const 64))
		(if (i32.ne (i32.load (i32.const 68)) (i32.const 15)) ;; not "telemetry empty"
			(then (call $publish (i32.const 0) (i32.const 0) (i32.load (i32.const 64)) (i32.load (i32.const 68)))))
		(call $nap) (br 0))`
)

func TestGuestsOf2022PublishReadAndSend(t *testing.T) {
	// The one publishes, the other reads and publishes what it read as it is, on the topic "", which goes to an output.
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{
		"telemetry":{"source":"file:telemetry.wasm","settings":{"configFile":"./telemetry/config.toml","config":{"interval":"10"},"outputs":{"telemetry":"raw"}}},
		"gateway":{"source":"file:gateway.wasm","run":"service","settings":{"outputs":{"":"read"}}}},
		"signals":{"sensor":{"source":"input:none","guest":"telemetry"},"out":{"source":"input:none","guest":"gateway"}}}`)
	d.compile(init2022(telemetry2022), "telemetry.wasm")
	d.compile(init2022(gateway2022), "gateway.wasm")
	stop := d.run()
	d.wait(func() bool { return len(d.messages("raw")) >= 3 && len(d.messages("read")) >= 3 }, "messages of both")
	assert.Equal(t, "reading", string(d.messages("raw")[0].Message.Body))
	assert.Equal(t, "telemetry reading", string(d.messages("read")[0].Message.Body))
	assert.Equal(t, "sensor", property(t, d.messages("raw")[0], "signal"))
	assert.NotEqual(t, property(t, d.messages("raw")[0], "$.mid"), property(t, d.messages("raw")[1], "$.mid"))
	assert.Contains(t, d.log.String(), "telemetry: ./telemetry/config.toml")
	text, err := os.ReadFile(filepath.Join(d.storage, "files", "sensor", "telemetry", "config.toml"))
	require.NoError(t, err)
	assert.Equal(t, "interval = \"10\"\n", string(text))

	began := time.Now()
	stop()
	assert.Less(t, time.Since(began), stopTime-2*time.Second)
	assert.NotContains(t, stacks(), "internal/wasm.")
}

func TestNewSettingsReachAGuestOf2022ByItsRestart(t *testing.T) {
	const settings = `{"guests":{"telemetry":{"settings":{"outputs":{"telemetry":"%s"}}}}}`
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"telemetry":{"source":"file:telemetry.wasm"}},
		"signals":{"sensor":{"source":"input:none","guest":"telemetry"}}}`)
	d.compile(init2022(telemetry2022), "telemetry.wasm")
	d.patch(fmt.Sprintf(settings, "one"))
	d.run()
	d.wait(func() bool { return len(d.messages("one")) > 0 }, "a message")
	d.patch(`{"guests":{"telemetry":{"settings":{"interval":10}}}}`)
	d.waitReported("signals.sensor.statusDescription", `unknown field "interval"`)
	d.patch(`{"guests":{"telemetry":{"settings":{"interval":null,"outputs":{"telemetry":"two"}}}}}`)
	d.wait(func() bool { return len(d.messages("two")) > 0 }, "a message")
}

func TestAGuestOf2022DoesNotRunForEachMessage(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"telemetry":{"source":"file:telemetry.wasm","run":"perMessage"}},
		"signals":{"sensor":{"source":"input:none","guest":"telemetry"}}}`)
	d.compile(init2022(telemetry2022), "telemetry.wasm")
	d.run()
	d.waitReported("signals.sensor.statusDescription", "it runs for ever, and not for each message")
}

func TestTheFirstGuestOfAllReachesEdgeHubWithoutItsKeys(t *testing.T) {
	const address = "https://hub.azure-devices.net/devices/d/messages/events?api-version=2020-03-13"
	const headers = `Authorization:SharedAccessSignature sr=x&sig=y&se=0\nContent-Type:application/text\n`
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"post":{"source":"file:post.wasm"}},
		"signals":{"sensor":{"source":"input:none","guest":"post","output":"hub"}}}`)
	d.compile(fmt.Sprintf(`(module
		(import "wasi_experimental_http" "req" (func $req (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
		(import "wasi_experimental_http" "close" (func $close (param i32) (result i32)))
		(memory (export "memory") 1) (data (i32.const 100) "%s") (data (i32.const 300) "POST") (data (i32.const 400) "%s") (data (i32.const 600) "Wasm sent a message")
		(func (export "post_iot_message") (loop
			(if (call $req (i32.const 100) (i32.const %d) (i32.const 300) (i32.const 4) (i32.const 400) (i32.const %d)
				(i32.const 600) (i32.const 19) (i32.const 16) (i32.const 20)) (then (unreachable)))
			(if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 204)) (then (unreachable)))
			(if (call $close (i32.load (i32.const 20))) (then (unreachable)))
			(br 0))))`, address, headers, len(address), len(strings.ReplaceAll(headers, `\n`, "\n"))), "post.wasm")
	d.run()
	d.wait(func() bool { return len(d.messages("hub")) >= 10 }, "ten messages")
	first := d.messages("hub")[0]
	assert.Equal(t, "Wasm sent a message", string(first.Message.Body))
	assert.Equal(t, "application/text", property(t, first, "$.ct"))
	assert.NotContains(t, d.log.String(), "SharedAccessSignature")
	d.waitReported("signals.sensor.runtimeStatus", "running")
}

func TestTheExamplesOfTodayDoWhatTheGuestsOf2022Did(t *testing.T) {
	var posted atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil && r.Header.Get("Content-Type") == "application/text" && strings.HasPrefix(string(body), `{"device Id":"001"`) {
			posted.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	const limits = `"limits":{"startMs":20000,"deadlineMs":5000}`
	d := newDevice(t, fmt.Sprintf(`{"schemaVersion":"1.0","guests":{"telemetry":{"source":"file:telemetry.wasm",%[1]s},
		"gateway":{"source":"file:gateway.wasm",%[1]s,"permissions":{"http":{"server":"%[2]s"}},"settings":{"url":"%[2]s/in"}}},
		"signals":{"sensor":{"source":"timer","samplingIntervalMs":50,"guest":"telemetry"},"out":{"source":"signal:sensor","guest":"gateway","output":""}}}`, limits, server.URL))
	for _, name := range []string{"telemetry.wasm", "gateway.wasm"} {
		binary, err := os.ReadFile(filepath.Join("../../../build/guests", name))
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("build/guests is missing some: run make guests")
		}
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(d.guests, name), binary, 0o600))
	}
	d.run()
	d.wait(func() bool { return posted.Load() >= 3 && len(d.messages("telemetry")) >= 3 }, "readings at the hub and at the server")
	assert.Empty(t, d.messages("deadletter"))
}
