//go:build cgo

package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// chainLength is how many messages the sensor sends through the chain.
const chainLength = 3000

// runModule runs this project's module, with a guest that passes everything, until the test ends.
func runModule(t *testing.T, h edge) {
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

// chain is sensor → this module → sink.
func chain(t *testing.T) manifest.Manifest {
	t.Helper()
	m := deployment(t, []string{"sensor", "sink", "wasmOnEdge"},
		`FROM /messages/modules/sensor/outputs/readings WHERE $body.n = as_number(number) INTO BrokeredEndpoint("/modules/wasmOnEdge/inputs/in")`,
		`FROM /messages/modules/wasmOnEdge/outputs/telemetry INTO BrokeredEndpoint("/modules/sink/inputs/in")`,
		`FROM /messages/modules/wasmOnEdge/outputs/deadletter INTO $upstream`)
	m.Modules[2].Desired = []byte(`{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
		"signals":{"s":{"source":"input:in","guest":"pass","output":"telemetry"}}}`)
	return m
}

// TestEveryMessageBetweenTwoModulesOnTheOfficialSDKIsAccountedFor is the chain, while the hub drops this module's
// connection and the sink's.
func TestEveryMessageBetweenTwoModulesOnTheOfficialSDKIsAccountedFor(t *testing.T) {
	needNode(t)
	h := start(t, chain(t))
	sink := keepNode(t, "sink.js", byWorkload(h, "sink"))
	runModule(t, h)
	sensor := runNode(t, "sensor.js", with(byWorkload(h, "sensor"), "COUNT", fmt.Sprint(chainLength)))

	first := collect(t, sink, chainLength, map[int]func(){
		chainLength / 4:     func() { drop(t, h, "wasmOnEdge") },
		chainLength / 2:     func() { drop(t, h, "sink") },
		3 * chainLength / 4: func() { drop(t, h, "wasmOnEdge") },
	})
	assert.Equal(t, event{Event: "sent"}, receive(t, sensor))
	assert.True(t, slices.IsSorted(first), "what comes for the first time comes in order")
	assert.Empty(t, h.upstream, "dead letters")
}

// drop drops a module's connection. The module may be without one just now: after a drop it is for a second or two.
func drop(t *testing.T, h *hub, module string) {
	t.Helper()
	require.Eventually(t, func() bool {
		dropped, err := h.Disconnect(module)
		require.NoError(t, err)
		return dropped
	}, patience, time.Millisecond)
}

// collect receives what the sink tells until count readings have come, and returns their numbers in the order in which
// they came first. What is to be done after some of them it does on the way.
func collect(t *testing.T, sink <-chan event, count int, after map[int]func()) (first []int) {
	t.Helper()
	seen := map[int]bool{}
	repeats := 0
	for len(first) < count {
		e := receive(t, sink)
		if e.Event != "received" {
			t.Logf("sink: %+v", e) // it was started again
			continue
		}
		require.Equal(t, event{Event: "received", N: e.N, CorrelationID: fmt.Sprint("reading ", e.N)}, e)
		if seen[e.N] {
			repeats++
			continue
		}
		seen[e.N] = true
		first = append(first, e.N)
		if do, ok := after[len(first)]; ok {
			do()
		}
	}
	t.Logf("%d readings came, %d of them more than once", len(first), repeats)
	return first
}
