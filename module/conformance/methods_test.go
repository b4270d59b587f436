//go:build cgo

package conformance

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestAModuleOnTheOfficialSDKInvokesTheMethodsOfThisModule has a module on the SDK ask this one how it is, as any on the
// device can, and to do what WASM_ON_EDGE_METHODS does not allow where nothing is set.
func TestAModuleOnTheOfficialSDKInvokesTheMethodsOfThisModule(t *testing.T) {
	needNode(t)
	m := chain(t)
	m.Modules = append(m.Modules, deployment(t, []string{"filter"}).Modules...)
	h := start(t, m)
	runModule(t, h)
	_, caFile := h.ConnectionString("filter")
	runNode(t, "filter.js", with(byWorkload(h, "filter"), "METHODS_URL", h.URL(), "CA_FILE", caFile))

	var known struct {
		Result struct {
			Status  int
			Payload struct {
				Signals []struct{ Name, Status, Guest string }
			}
		}
	}
	require.Eventually(t, func() bool { // until the signal runs
		require.NoError(t, json.Unmarshal([]byte(relay(t, h, "wasmOnEdge", `"methodName":"status","payload":{}`)), &known))
		return len(known.Result.Payload.Signals) == 1 && known.Result.Payload.Signals[0].Status == "running"
	}, patience, 100*time.Millisecond)
	assert.Equal(t, 200, known.Result.Status)
	assert.Equal(t, "s", known.Result.Payload.Signals[0].Name)
	assert.Equal(t, "pass", known.Result.Payload.Signals[0].Guest)

	assert.JSONEq(t, `{"result":{"status":403,"payload":{"error":{"code":"notAllowed","message":"method restart is not allowed on this device",
		"hint":"set WASM_ON_EDGE_METHODS to all in the module's environment"}}}}`,
		relay(t, h, "wasmOnEdge", `"methodName":"restart","payload":{"signal":"s"}`))
}
