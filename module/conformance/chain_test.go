//go:build cgo

package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// chainLength is how many messages the sensor sends through the chain.
const chainLength = 3000

// runModule runs this project's module, with a guest that passes everything, until the test ends.
func runModule(t *testing.T, h *hub) {
	t.Helper()
	guests := t.TempDir()
	text, err := os.ReadFile("../../wasm-guests/testdata/pass.wat")
	require.NoError(t, err)
	binary, err := wasmtime.Wat2Wasm(string(text))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(guests, "pass.wasm"), binary, 0o600))
	environment := h.Environment("wasmOnEdge")
	module, err := app.New(app.Config{
		Getenv:  func(name string) string { return environment[name] },
		Storage: t.TempDir(), Guests: guests,
		LogFormat: observe.LogJSON, LogLevel: "warning", LogTo: zerolog.NewTestWriter(t), Version: "0.0.0-test",
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- module.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
}

// TestEveryMessageBetweenTwoModulesOnTheOfficialSDKIsAccountedFor is the chain sensor → this module → sink, while the
// hub drops this module's connection and the sink's.
func TestEveryMessageBetweenTwoModulesOnTheOfficialSDKIsAccountedFor(t *testing.T) {
	needNode(t)
	m := deployment(t, []string{"sensor", "sink", "wasmOnEdge"},
		`FROM /messages/modules/sensor/outputs/readings WHERE $body.n = as_number(number) INTO BrokeredEndpoint("/modules/wasmOnEdge/inputs/in")`,
		`FROM /messages/modules/wasmOnEdge/outputs/telemetry INTO BrokeredEndpoint("/modules/sink/inputs/in")`,
		`FROM /messages/modules/wasmOnEdge/outputs/deadletter INTO $upstream`)
	m.Modules[2].Desired = []byte(`{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:in","guest":"pass","output":"telemetry"}}}`)
	h := start(t, m)
	sink := runNode(t, "sink.js", byWorkload(h, "sink"))
	runModule(t, h)
	sensor := runNode(t, "sensor.js", with(byWorkload(h, "sensor"), "COUNT", fmt.Sprint(chainLength)))

	first := collect(t, h, sink)
	assert.Equal(t, event{Event: "sent"}, receive(t, sensor))
	assert.True(t, slices.IsSorted(first), "what comes for the first time comes in order")
	assert.Empty(t, h.upstream, "dead letters")
}

// collect receives what the sink tells until every reading has come, and returns their numbers in the order in which
// they came first. On the way it drops connections.
func collect(t *testing.T, h *hub, sink <-chan event) (first []int) {
	t.Helper()
	drops := map[int]string{chainLength / 4: "wasmOnEdge", chainLength / 2: "sink", 3 * chainLength / 4: "wasmOnEdge"}
	seen := map[int]bool{}
	repeats := 0
	for len(first) < chainLength {
		e := receive(t, sink)
		require.Equal(t, event{Event: "received", N: e.N, CorrelationID: fmt.Sprint("reading ", e.N)}, e)
		if seen[e.N] {
			repeats++
			continue
		}
		seen[e.N] = true
		first = append(first, e.N)
		if module, ok := drops[len(first)]; ok {
			dropped, err := h.Disconnect(module)
			require.NoError(t, err)
			assert.True(t, dropped)
		}
	}
	t.Logf("%d readings came, %d of them more than once", len(first), repeats)
	return first
}
