package app

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// ask returns what the module answers at a path.
func (d *device) ask(path string) (int, string) {
	d.t.Helper()
	response, err := http.Get("http://" + d.app.MetricsAddress() + path)
	require.NoError(d.t, err)
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	require.NoError(d.t, err)
	return response.StatusCode, string(body)
}

// measured returns the value of the only sample that has all the given texts, "" without one.
func (d *device) measured(texts ...string) string {
	d.t.Helper()
	_, body := d.ask("/metrics")
next:
	for line := range strings.Lines(body) {
		for _, text := range texts {
			if !strings.Contains(line, text) {
				continue next
			}
		}
		return strings.TrimSpace(line[strings.LastIndexByte(line, ' '):])
	}
	return ""
}

func TestTheMetricsOfAModuleAtWork(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"g":{"source":"file:count_metric.wasm"},"bad":{"source":"file:trap_on_message.wasm"}},
		"signals":{"s":{"source":"input:a","guest":"g"},"t":{"source":"input:b","guest":"bad"}}}`, "count_metric", "trap_on_message")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", "four")
	d.send("b", "x")
	d.wait(func() bool { return len(d.messages("telemetry")) == 1 && len(d.messages("deadletter")) == 1 }, "the results")
	assert.Equal(t, "1", d.measured("wasm_on_edge_signal_messages_in_total{", `signal="s"`, `guest="g"`))
	assert.Equal(t, "2", d.measured("wasm_on_edge_signal_failures_total{", `signal="t"`, `kind="trap"`))
	assert.Equal(t, "1", d.measured("wasm_on_edge_dead_letters_total{", `reason="trap"`))
	assert.Equal(t, "1", d.measured("wasm_on_edge_guest_measured_total{", `name="seen"`))
	assert.Equal(t, "4", d.measured("wasm_on_edge_guest_measured{", `name="bytes"`, `signal="s"`))
	assert.Equal(t, "1", d.measured("wasm_on_edge_guest_call_seconds_count{", `guest="g"`))
	assert.Equal(t, "1", d.measured("wasm_on_edge_edgehub_connected{", `module_name="wasmOnEdge"`))
	assert.Equal(t, "200", d.measured("wasm_on_edge_twin_status_code{"))
	assert.Equal(t, "2", d.measured("wasm_on_edge_code_guests_total{", `result="compiler"`))
	d.wait(func() bool { return d.measured("wasm_on_edge_edgehub_publish_seconds_count{") == "2" }, "both acknowledged")
	assert.Equal(t, "0", d.measured("wasm_on_edge_edgehub_publishes_unacked{"))
	assert.Equal(t, "0", d.measured("wasm_on_edge_inputs_in_flight{"))
}

func TestAModuleIsHealthyOfflineAndReadyWhenConnected(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a"}}}`)
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	code, _ := d.ask("/readyz")
	assert.Equal(t, http.StatusOK, code)
	d.stopHub()
	d.wait(func() bool { code, _ := d.ask("/readyz"); return code == http.StatusServiceUnavailable }, "not ready")
	_, body := d.ask("/readyz")
	var health observe.Health
	require.NoError(t, json.Unmarshal([]byte(body), &health))
	assert.Contains(t, health.Checks, observe.Check{Name: "edgeHub", Reason: "no connection; results wait in the outbox"})
	code, body = d.ask("/healthz")
	assert.Equal(t, http.StatusOK, code, "offline is normal")
	assert.Contains(t, body, `"journal"`, "the watchdog's parts")
}

func TestAnAddressThatIsTakenKeepsNoModuleFromWorking(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a"}}}`)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = taken.Close() }()
	d.metrics = taken.Addr().String()
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	assert.Empty(t, d.app.MetricsAddress())
	assert.Contains(t, d.log.String(), "address already in use")
}

func TestWhereMetricsAreToldCanBeSaid(t *testing.T) {
	for value, want := range map[string]string{"": ":9600", "off": "", "127.0.0.1:9": "127.0.0.1:9"} {
		assert.Equal(t, want, MetricsAddress(func(string) string { return value }), value)
	}
}
