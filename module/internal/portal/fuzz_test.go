package portal

import (
	"encoding/json"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// FuzzWhateverIsSentCanBeShown plots and shows what senders and guests may write.
func FuzzWhateverIsSentCanBeShown(f *testing.F) {
	for _, body := range []string{`{"value":4}`, `{"value":1e308}`, `[{"value":true},{"value":-1e308}]`, `{"value":1e999}`, "\xff\xfe", `7`, `{"value":"NaN"}`, ``} {
		f.Add([]byte(body), []byte(body))
	}
	desired := twin.Parse([]byte(desiredTwin), twin.Environment{})
	f.Fuzz(func(t *testing.T, body, output []byte) {
		p := newPlotter(desired.Signals["press"])
		sent := messageOf("telemetry", output, len(output), nil)
		assert.True(t, utf8.ValidString(sent.Body))
		assert.LessOrEqual(t, len(sent.Body), 2*shownBody)
		p.plot(&Traced{body: body, Outputs: []Message{sent}}, func(point Point) {
			assert.False(t, math.IsNaN(point[1]) || math.IsInf(point[1], 0), "JSON has no way to write it")
			_, err := json.Marshal(point)
			require.NoError(t, err)
		})
	})
}
