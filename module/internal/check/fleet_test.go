package check

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// The layers in docs/fleet, over their base, are what docs/fleets.md deploys.
func TestTheFleetOfTheDocumentsHasNothingWrongWithIt(t *testing.T) {
	for _, row := range []struct {
		name            string
		layers          []string
		guests, signals int
	}{
		{"base", nil, 0, 1},
		{"layer", []string{"pressure.layer.json"}, 1, 2},
		{"canary", []string{"pressure.layer.json", "canary.layer.json"}, 1, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			layers := make([][]byte, len(row.layers))
			for i, name := range row.layers {
				layers[i] = fleet(t, name)
			}
			whole, err := manifest.Compose(fleet(t, "base.json"), layers...)
			require.NoError(t, err)
			report, err := Deployment(whole, "wasmOnEdge", twin.Environment{DeviceID: "d"})
			require.NoError(t, err)
			assert.Empty(t, texts(report))
			assert.Equal(t, row.guests, report.Guests)
			assert.Equal(t, row.signals, report.Signals)
		})
	}
}

func fleet(t *testing.T, name string) []byte {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("../../../docs/fleet", name))
	require.NoError(t, err)
	return document
}
