package check

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// under returns what a document has at the position of a path, up to the end of its line.
func under(t *testing.T, r Report, text, path string) string {
	t.Helper()
	at := r.Position(module.Finding{Path: path})
	lines := strings.Split(text, "\n")
	require.LessOrEqual(t, at.Line, len(lines), path)
	require.LessOrEqual(t, at.Column, len(lines[at.Line-1])+1, path)
	return lines[at.Line-1][at.Column-1:]
}

func TestFindingsHaveTheirPlacesInATwin(t *testing.T) {
	const text = `{
  "signals": {
    "press 1": {"source": "input:a", "list": [1,
      2]},
    "Grad °C": {"output": "\u006f"}, "again": 1,
    "again": 2
  },
  "signalsFrom": {"line3": {"source": "file:x"}}
}`
	r := Twin([]byte(text), twin.Environment{})
	for path, want := range map[string]string{
		"":                               "{",
		"signals":                        `"signals": {`,
		`signals["press 1"]`:             `"press 1": {"source": "input:a", "list": [1,`,
		`signals["press 1"].source`:      `"source": "input:a", "list": [1,`,
		`signals["press 1"].list[1]`:     "2]},",
		`signals["press 1"].list[7]`:     `"list": [1,`,
		`signals["Grad °C"].output`:      `"output": "\u006f"}, "again": 1,`,
		"signals.again":                  `"again": 2`,
		"signals.again.source":           `"again": 2`,
		"guests.g.source":                "{",
		"signalsFrom.line3#signals.x.up": `"line3": {"source": "file:x"}}`,
	} {
		assert.Equal(t, want, under(t, r, text, path), path)
	}
}

func TestFindingsHaveTheirPlacesInADeployment(t *testing.T) {
	document, err := os.ReadFile(template)
	require.NoError(t, err)
	text := strings.Replace(string(document), `"selector"`, `"selectr"`, 1)
	for name, text := range map[string]string{"template": text, "in an object content": `{"content": ` + text + "}"} {
		t.Run(name, func(t *testing.T) {
			r, err := Deployment([]byte(text), "wasmOnEdge", twin.Environment{DeviceID: "d"})
			require.NoError(t, err)
			require.NotEmpty(t, r.Findings)
			assert.True(t, strings.HasPrefix(under(t, r, text, r.Findings[0].Path), `"selectr"`), r.Findings[0])
			for path, want := range map[string]string{"$edgeHub.routes": `"routes": {`, "$edgeAgent.modules.wasmOnEdge.status.X": `"status": "running"`,
				"$edgeHub.storeAndForwardConfiguration.timeToLiveSecs": `"timeToLiveSecs": 604800`} {
				assert.True(t, strings.HasPrefix(under(t, r, text, path), want), "%s: %s", path, under(t, r, text, path))
			}
		})
	}
}

func TestWhatIsNoJSONHasThePlaceOfTheFault(t *testing.T) {
	r := Twin([]byte("{\n  \"a\": x}"), twin.Environment{})
	require.Len(t, r.Findings, 1)
	assert.Equal(t, Position{2, 8}, r.Position(r.Findings[0]))
	r = Twin(nil, twin.Environment{})
	assert.Equal(t, Position{1, 1}, r.Position(r.Findings[0]))
}

func FuzzPositions(f *testing.F) {
	f.Add([]byte(`{"signals":{"a b":{"x":[1]}}}`), `signals["a b"].x[0]`)
	f.Add([]byte(`{"content":{"modulesContent":{}}}`), `$edgeHub["`)
	f.Fuzz(func(t *testing.T, text []byte, path string) {
		for _, name := range []string{"", "m"} {
			p := placesOf(text, name)
			at := p.position(path)
			assert.Positive(t, at.Line)
			assert.Positive(t, at.Column)
		}
	})
}
