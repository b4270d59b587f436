package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// call invokes a direct method as from the cloud.
func (d *device) call(method, payload string) (status int, answer map[string]any) {
	d.t.Helper()
	status, body, err := d.hub.Invoke(d.t.Context(), "wasmOnEdge", method, []byte(payload))
	require.NoError(d.t, err)
	assert.Less(d.t, len(body), 128<<10)
	require.NoError(d.t, json.Unmarshal(body, &answer))
	return status, answer
}

// at returns what stands at a path like "signals.0.name".
func at(t *testing.T, value any, path string) any {
	t.Helper()
	for key := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			require.Len(t, key, 1)
			require.Less(t, int(key[0]-'0'), len(v), path)
			value = v[key[0]-'0']
		default:
			require.FailNow(t, "there is nothing at "+path)
		}
	}
	return value
}

func newMethodsDevice(t *testing.T) *device {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"count":{"source":"file:count_state.wasm"},"trap":{"source":"file:trap_on_poison.wasm"},"log":{"source":"file:log_line.wasm"}},
		"signals":{"count":{"source":"input:a","guest":"count"},"trap":{"source":"input:b","guest":"trap","output":"other"},"log":{"source":"input:a","guest":"log","output":"logged"}}}`,
		"count_state", "trap_on_poison", "log_line")
	d.run()
	d.waitReported("summary.running", "3")
	return d
}

func TestTheCloudAsksHowTheModuleIs(t *testing.T) {
	d := newMethodsDevice(t)
	status, answer := d.call("ping", "null")
	require.Equal(t, 200, status)
	assert.Equal(t, "0.0.0-test", at(t, answer, "runtime.module"))

	status, answer = d.call("status", `{"guest":"trap"}`)
	require.Equal(t, 200, status)
	assert.Equal(t, true, at(t, answer, "module.connected"))
	assert.InDelta(t, 3, at(t, answer, "module.summary.running"), 0)
	assert.Len(t, answer["signals"], 1)
	assert.Equal(t, "running", at(t, answer, "signals.0.status"))

	status, answer = d.call("validate", `{"desired":{"schemaVersion":"1.0","signals":{"s":{"source":"input:a","scale":"2"}}}}`)
	require.Equal(t, 200, status)
	assert.Equal(t, false, answer["accepted"])
	assert.Equal(t, "signals.s.scale", at(t, answer, "findings.0.path"))
	assert.Equal(t, "3", d.reported("summary.running"), "nothing of it was taken")
}

func TestTheCloudFollowsAMessageToTheGuestThatItEnded(t *testing.T) {
	d := newMethodsDevice(t)
	answers := make(chan map[string]any, 1)
	go func() { // ends with the answer
		_, answer := d.call("trace", `{"signal":"trap","messages":2,"seconds":15}`)
		answers <- answer
	}()
	d.wait(func() bool { // the trace has begun
		d.send("b", "fine")
		select {
		case answer := <-answers:
			answers <- answer
			return true
		case <-time.After(10 * time.Millisecond):
			return false
		}
	}, "the trace")
	answer := <-answers
	assert.Equal(t, true, answer["complete"])
	assert.Equal(t, "fine", at(t, answer, "messages.0.message.text"))
	assert.Equal(t, "pass", at(t, answer, "messages.0.calls.0.verdict"))
	assert.Equal(t, "other", at(t, answer, "messages.0.outputs.0.output"))

	status, answer := d.call("invoke", `{"signal":"trap","message":{"text":"!"}}`)
	require.Equal(t, 200, status)
	assert.Equal(t, "failed", answer["verdict"])
	assert.Contains(t, answer["error"], "trap")
	_, answer = d.call("status", `{"signal":"trap"}`)
	assert.InDelta(t, 0, at(t, answer, "signals.0.traps"), 0, "the signal's own instance knows nothing of it")
}

func TestInvokeHasTheStateAndKeepsNothingOfIt(t *testing.T) {
	d := newMethodsDevice(t)
	d.send("a", "1")
	d.wait(func() bool { return len(d.messages("telemetry")) == 1 }, "the message")
	first := d.bodies("telemetry")[0]
	_, tried := d.call("invoke", `{"signal":"count","message":{"text":"x"}}`)
	_, again := d.call("invoke", `{"signal":"count","message":{"text":"x"}}`)
	assert.Equal(t, at(t, tried, "outputs.0"), at(t, again, "outputs.0"))
	assert.Equal(t, true, tried["stateChanged"])
	d.send("a", "2")
	d.wait(func() bool { return len(d.messages("telemetry")) == 2 }, "the message")
	second := d.bodies("telemetry")[1]
	assert.NotEqual(t, first, second)
	assert.Len(t, d.messages("telemetry"), 2, "nothing of a trial is sent")
}

func TestTheCloudPausesResumesAndRestartsASignal(t *testing.T) {
	d := newMethodsDevice(t)
	status, answer := d.call("pause", `{"signal":"count"}`)
	require.Equal(t, 200, status)
	assert.Equal(t, "stopped", at(t, answer, "signals.0.status"))
	assert.Contains(t, d.app.Reported().Signals["count"].StatusDescription, "paused")
	d.send("a", "1")
	d.wait(func() bool { return d.hub.Stats().Modules["wasmOnEdge"].Acked == 1 }, "the acknowledgement of what was spooled")
	assert.Empty(t, d.messages("telemetry"))
	status, _ = d.call("resume", `{"signal":"count"}`)
	require.Equal(t, 200, status)
	d.wait(func() bool { return len(d.messages("telemetry")) == 1 }, "what had waited")

	status, answer = d.call("restart", `{"guest":"count"}`)
	require.Equal(t, 200, status)
	assert.InDelta(t, 1, answer["restarted"], 0)
	status, answer = d.call("restart", `{"signal":"missing"}`)
	require.Equal(t, 404, status)
	assert.Equal(t, "notFound", at(t, answer, "error.code"))
}

func TestTheCloudReadsTheLastLinesOfAGuest(t *testing.T) {
	d := newMethodsDevice(t)
	d.send("a", "1")
	d.wait(func() bool {
		_, answer := d.call("logs", `{"guest":"log"}`)
		lines, _ := answer["lines"].([]any)
		return len(lines) == 1
	}, "the line")
	_, answer := d.call("logs", `{"guest":"log"}`)
	assert.Equal(t, "log", at(t, answer, "lines.0.signal"))
	assert.NotEmpty(t, at(t, answer, "lines.0.text"))
}

func TestWhatChangesSomethingIsAllowedByChoice(t *testing.T) {
	_, err := ConfigFromEnvironment(func(name string) string { return map[string]string{"WASM_ON_EDGE_METHODS": "some"}[name] }, "")
	require.ErrorContains(t, err, "WASM_ON_EDGE_METHODS")
}
