package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// firstGeneration is a program as those were that posted to IoT Hub: it ends in a trap unless each answer is 204.
const firstGeneration = `(module
	(import "wasi_experimental_http" "req" (func $req (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_experimental_http" "close" (func $close (param i32) (result i32)))
	(import "wasi_experimental_http" "body_read" (func $read (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 0) "POST")
	(data (i32.const 100) %[1]q)
	(data (i32.const 400) "authorization:SharedAccessSignature sr=x&sig=t0p-s3cret&se=1\0acontent-type:application/text\0aiothub-app-line:3\0a")
	(data (i32.const 800) "Wasm sent message 0000")
	(func $digit (param $at i32) (result i32)
		(i32.store8 (local.get $at) (i32.add (i32.load8_u (local.get $at)) (i32.const 1)))
		(if (result i32) (i32.gt_u (i32.load8_u (local.get $at)) (i32.const 57))
			(then (i32.store8 (local.get $at) (i32.const 48)) (i32.const 1)) (else (i32.const 0))))
	(func (export "_start") (local $n i32)
		(loop $again
			(if (call $req (i32.const 100) (i32.const %[2]d) (i32.const 0) (i32.const 4) (i32.const 400) (i32.const 109)
				(i32.const 800) (i32.const 22) (i32.const 16) (i32.const 20)) (then (unreachable)))
			(if (i32.ne (i32.load16_u (i32.const 16)) (i32.const 204)) (then (unreachable)))
			(if (call $read (i32.load (i32.const 20)) (i32.const 1000) (i32.const 4096) (i32.const 24)) (then (unreachable)))
			(if (call $close (i32.load (i32.const 20))) (then (unreachable)))
			(if (call $digit (i32.const 821)) (then (if (call $digit (i32.const 820)) (then (if (call $digit (i32.const 819)) (then (drop (call $digit (i32.const 818)))))))))
			(br_if $again (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const %[3]d))))))`

// post compiles a first-generation guest that posts so many messages to an address in each run.
func (d *device) post(address string, messages int) {
	d.compile(fmt.Sprintf(firstGeneration, address, len(address), messages), "g.wasm")
}

// distinct returns what came out, by its body: a connection that is lost may have brought some of it twice.
func (d *device) distinct() map[string]sim.Upstream {
	all := make(map[string]sim.Upstream)
	for _, m := range d.messages("telemetry") {
		all[string(m.Message.Body)] = m
	}
	return all
}

const hubAddress = "https://contoso.azure-devices.net/devices/d/messages/events?api-version=2020-03-13"

func TestAThousandMessagesPostedToIoTHubSurviveARestartOfEdgeHub(t *testing.T) {
	t.Parallel()
	const count = 1000
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm","limits":{"deadlineMs":10000}}},"signals":{"s":{"source":"input:a","guest":"g"}}}`)
	d.post(hubAddress, count)
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "go")
	d.wait(func() bool { return len(d.messages("telemetry")) > count/4 }, "a quarter of the messages")
	d.hub.Restart(500 * time.Millisecond)
	d.wait(func() bool { return len(d.distinct()) == count }, "all messages")
	assert.Empty(t, d.messages("deadletter"), "each was answered with 204")
	for n, m := range d.distinct() {
		p := module.Properties(m.Message.Properties)
		assert.Equal(t, [4]string{"application/text", "3", "s", "event"}, [4]string{p.Value("$.ct"), p.Value("line"), p.Value("signal"), p.Value("messageType")}, n)
		assert.NotContains(t, fmt.Sprint(p), "t0p-s3cret")
	}
	assert.NotContains(t, d.log.String(), "t0p-s3cret")
}

func TestAGuestReachesWhatItsPermissionsNameAndNothingElse(t *testing.T) {
	t.Parallel()
	asked := make(chan string, 9)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Header.Get("Authorization")
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	const desired = `{"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm"%s}},"signals":{"s":{"source":"input:a","guest":"g"}}}`
	d := newDevice(t, fmt.Sprintf(desired, ""))
	d.post(s.URL, 1)
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "denied")
	d.waitBodies("deadletter", "denied")
	assert.Empty(t, asked)
	assert.Contains(t, d.log.String(), "permissions.http does not name this destination")

	d.patch(fmt.Sprintf(`{"guests":{"g":{"permissions":{"http":{"server":%q}}}}}`, s.URL))
	d.waitReported("lastDesiredVersion", "2")
	d.wait(func() bool { return d.reported("signals.s.runtimeStatus") == "running" }, "the signal to run again")
	d.send("a", "allowed")
	d.wait(func() bool { return len(asked) == 1 }, "the request")
	require.Len(t, d.messages("deadletter"), 1)
}

func TestAStopDoesNotWaitForASlowServerAndTheInputComesAgain(t *testing.T) {
	t.Parallel()
	asked, let := make(chan struct{}, 9), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-let:
			w.WriteHeader(http.StatusNoContent)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	hub := sim.Config{AckTimeout: 2 * time.Second, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond}
	d := newDeviceWith(t, hub, fmt.Sprintf(`{"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm","limits":{"httpTimeoutMs":60000},"permissions":{"http":{"server":%q}}},
		"p":{"source":"file:pass.wasm"}},"signals":{"s":{"source":"input:a","guest":"g"},"t":{"source":"input:b","guest":"p","output":"t"}}}`, s.URL), "pass")
	d.post(s.URL, 1)
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "go")
	<-asked
	began := time.Now()
	stop()
	assert.Less(t, time.Since(began), stopTime)
	assert.EqualValues(t, 0, d.hub.Stats().Modules["wasmOnEdge"].Acked)
	close(let)
	d.run()
	<-asked
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the input to be finished")
	assert.Empty(t, d.messages("deadletter"))
}
