package conformance

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// environments are how modules find their hub.
var environments = map[string]func(edge, string) map[string]string{
	"workload API":      byWorkload,
	"connection string": byConnectionString,
}

// throughFilter is source → filter → $upstream.
func throughFilter(t *testing.T) manifest.Manifest {
	t.Helper()
	m := deployment(t, []string{"filter", "source"},
		`FROM /messages/modules/source/outputs/* INTO BrokeredEndpoint("/modules/filter/inputs/sensors")`,
		`FROM /messages/modules/filter/outputs/* INTO $upstream`)
	m.Modules[0].Desired = []byte(`{"limit":25}`)
	return m
}

func TestModuleOnTheOfficialSDK(t *testing.T) {
	needNode(t)
	for name, environment := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, throughFilter(t))
			runNode(t, "filter.js", environment(h, "filter"))
			assert.JSONEq(t, `{"limit":25,"version":1}`, receive(t, h.reported), "the twin, as it was when the module came")
			passesMessagesOn(t, h)
			followsItsTwin(t, h, h.reported, 30, 2)
			answersMethods(t, h)
			comesBack(t, h)
		})
	}
}

func passesMessagesOn(t *testing.T, h *hub) {
	t.Helper()
	m := edgehub.Message{Body: []byte(`{"temperature":21.5}`), Properties: edgehub.Properties{
		{Name: "$.mid", Value: "id/1 é"}, {Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"},
		{Name: "city", Value: "Mün/x"}, {Name: "a+b", Value: "c+d=e&f"}, {Name: "empty", Value: ""}, {Name: "%20#?$", Value: "😀 \u0001%"},
	}}
	require.NoError(t, h.Publish(t.Context(), "source", "out", m))
	got := receive(t, h.upstream)
	assert.Equal(t, "filter", got.Module)
	assert.Equal(t, "alerts", got.Output)
	assert.Equal(t, string(m.Body), string(got.Message.Body))
	for _, want := range append(m.Properties, []struct{ Name, Value string }{{"input", "sensors"}, {"$.cmid", "source"}}...) {
		value, ok := got.Message.Properties.Get(want.Name)
		assert.True(t, ok, want.Name)
		assert.Equal(t, want.Value, value, want.Name)
	}
}

// followsItsTwin sets the limit, which makes a version of the twin.
func followsItsTwin(t *testing.T, h edge, reported <-chan string, limit int, version int64) {
	t.Helper()
	got, err := h.PatchDesired("filter", fmt.Appendf(nil, `{"limit":%d}`, limit))
	require.NoError(t, err)
	assert.Equal(t, version, got)
	assert.JSONEq(t, fmt.Sprintf(`{"limit":%d,"version":%d}`, limit, version), receive(t, reported))
}

func answersMethods(t *testing.T, h edge) {
	t.Helper()
	status, body, err := h.Invoke(t.Context(), "filter", "ping", []byte(`{"a":[1,"é"]}`))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"pong":{"a":[1,"é"]}}`, string(body))
}

// comesBack drops the module's connection: the SDK connects again, and what was sent meanwhile arrives.
func comesBack(t *testing.T, h *hub) {
	t.Helper()
	dropped, err := h.Disconnect("filter")
	require.NoError(t, err)
	assert.True(t, dropped)
	for _, body := range []string{"1", "2", "3"} {
		require.NoError(t, h.Publish(t.Context(), "source", "out", edgehub.Message{Body: []byte(body)}))
	}
	for _, want := range []string{"1", "2", "3"} {
		assert.Equal(t, want, string(receive(t, h.upstream).Message.Body))
	}
	stats := h.Stats().Modules["filter"]
	assert.True(t, stats.Connected)
	assert.EqualValues(t, 4, stats.Acked)
}

// The SDK acknowledges an input before its application has seen it, so a renewal may cost it those at hand: on a busy machine
// some two each were seen. The hub may lose none: the SDK has acknowledged each, and what it has sent has come.
func TestTokensAreRenewedByTheOfficialSDK(t *testing.T) {
	needNode(t)
	const renewals = 3
	for name, environment := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, throughFilter(t))
			_, caFile := h.ConnectionString("filter")
			runNode(t, "filter.js", with(environment(h, "filter"), "TOKEN_SECONDS", "12", "CA_FILE", caFile))
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			sent, connections := 0, 0
			for patient := time.After(patience); connections < 1+renewals; {
				select {
				case <-h.connected:
					connections++
				case <-tick.C:
					require.NoError(t, h.Publish(t.Context(), "source", "out", edgehub.Message{Body: fmt.Append(nil, sent)}))
					sent++
				case <-patient:
					require.Fail(t, "tokens are not renewed")
				}
			}
			came := map[string]bool{} // over a renewal the SDK may put one before another, or send it twice
			for quiet := false; len(came) < sent && !quiet; {
				select {
				case u := <-h.upstream:
					came[string(u.Message.Body)] = true
				case <-time.After(20 * time.Second):
					quiet = true
				}
			}
			stats := h.Stats().Modules["filter"]
			assert.EqualValues(t, sent, stats.Acked)
			assert.Equal(t, stats.Received, stats.Upstream)
			assert.Greater(t, len(came), sent/2)
			t.Logf("%d of %d messages came over %d connections", len(came), sent, connections)
		})
	}
}

// relay asks the module filter to invoke a method of another module, and returns what came of it.
func relay(t *testing.T, h *hub, module, params string) string {
	t.Helper()
	payload := fmt.Sprintf(`{"device":%q,"module":%q,%s}`, h.Environment("filter")["IOTEDGE_DEVICEID"], module, params)
	status, body, err := h.Invoke(t.Context(), "filter", "relay", []byte(payload))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	return string(body)
}

// invokesMethods has one module on the official SDK invoke methods of another, and of one that is away.
func invokesMethods(t *testing.T, h *hub) {
	t.Helper()
	const timeouts = `"responseTimeoutInSeconds":5,"connectTimeoutInSeconds":0`
	assert.JSONEq(t, `{"result":{"status":200,"payload":{"pong":{"a":[1,"é"]}}}}`,
		relay(t, h, "source", `"methodName":"ping","payload":{"a":[1,"é"]},`+timeouts))
	var failure struct{ Error, Body string }
	require.NoError(t, json.Unmarshal([]byte(relay(t, h, "away", `"methodName":"ping","payload":null,`+timeouts)), &failure))
	assert.Equal(t, "Not found", failure.Error)
	assert.JSONEq(t, `{"message":"Client simulated-device/away not found"}`, failure.Body)
}

func TestModulesOnTheOfficialSDKInvokeMethodsOfEachOther(t *testing.T) {
	needNode(t)
	for name, environment := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := start(t, deployment(t, []string{"filter", "source", "away"}))
			_, caFile := h.ConnectionString("filter")
			runNode(t, "filter.js", environment(h, "source"))
			runNode(t, "filter.js", with(environment(h, "filter"), "METHODS_URL", h.URL(), "CA_FILE", caFile))
			invokesMethods(t, h)
		})
	}
}

func TestModulesOnTheOfficialSDKNeedNothingSpecialOnTheDevicesOwnPorts(t *testing.T) {
	needNode(t)
	h, err := newHub(t, sim.Config{
		Manifest: deployment(t, []string{"filter", "source", "away"}), Listen: "127.0.0.1:8883", ListenHTTP: "127.0.0.1:443",
	})
	if err != nil {
		t.Skip("ports 8883 and 443 are not to be had: ", err)
	}
	runNode(t, "filter.js", byWorkload(h, "source"))
	runNode(t, "filter.js", byWorkload(h, "filter"))
	invokesMethods(t, h)
}
