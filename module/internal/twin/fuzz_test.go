package twin

import (
	"cmp"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("testdata/example.json")
	require.NoError(f, err)
	f.Add(example)
	f.Add([]byte(opcTwin(8)))
	f.Add([]byte(documentOf(`"signals": {"a": {"source": "signal:b", "source": 1}, "b": {"sources": {"x": "signal:a", "y": "timer"}}}`)))
	f.Add([]byte(documentOf(`"guests": {"g": {"source": "oci://h/x:1?q", "settings": {"t": "${env:X} ${signal} ${"}}}`, `"signalDefaults": 1`)))
	f.Add([]byte(`{"schemaVersion": "1.7", "$version": 1e3, "templates": {"": null, "t": {"use": "t"}}, "signals": {"t": {"use": "t"}}}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		Unknown(doc)
		checkParsed(t, Parse(doc, device))
	})
}

func FuzzFileOfSignals(f *testing.F) {
	f.Add([]byte(`{"signals": {"a": {"source": "signal:b"}, "b": {"use": "t", "selector": "/x/*"}, "s": null}}`))
	f.Add([]byte(`{"signals": {"a": 1, "": {}, "s": {"source": "signal:s"}}, "signals": []}`))
	f.Add([]byte(`{"schemaVersion": 2, "signals": []}`))
	doc := documentOf(`"templates": {"t": {"source": "input:i"}}`, `"signalsFrom": {"f": {"source": "file:f"}, "g": {"source": "file:g"}}`,
		`"signals": {"s": {"source": "input:i"}}`)
	f.Fuzz(func(t *testing.T, file []byte) {
		d := parseWith(map[string]string{"file:f": string(file), "file:g": `{"signals": {"b": {"source": "input:i"}}}`}, doc)
		checkParsed(t, d)
		assert.False(t, d.DocumentRefused(), "a file refuses no more than its own entry and signals")
		assert.True(t, d.Refuses(signalEntry("s")) || d.Signals["s"].Name == "s")
	})
}

// checkParsed holds what is true of whatever Parse returns.
func checkParsed(t *testing.T, d module.Desired) {
	for _, f := range d.Findings {
		assert.NotEmpty(t, f.Reason)
	}
	assert.True(t, slices.IsSortedFunc(d.Findings, func(a, b module.Finding) int { return cmp.Compare(a.Path, b.Path) }))
	assert.LessOrEqual(t, len(Status(d).Description), maxDescription)
	for name, guest := range d.Guests {
		assert.True(t, module.ValidName(string(name)))
		assert.False(t, d.Refuses(guestEntry(string(name))))
		assert.NotEmpty(t, guest.Source)
		assert.LessOrEqual(t, len(guest.Settings), maxSettings)
	}
	for name, signal := range d.Signals {
		assert.True(t, module.ValidName(string(name)))
		assert.False(t, d.Refuses(signalEntry(string(name))))
		assert.NotEqual(t, module.OutputDeadLetter, signal.Output)
		if signal.Source.Kind == module.SourceSignal {
			assert.Contains(t, d.Signals, module.SignalName(signal.Source.Name))
		}
	}
}

func FuzzMergeDiff(f *testing.F) {
	f.Add([]byte(`{"a": 1, "b": {"c": 2}}`), []byte(`{"b": {"d": [null, {"e": null}]}}`))
	f.Add([]byte(`[1]`), []byte(`{}`))
	f.Add([]byte(`{"a": null}`), []byte(`{"a": {"b": {}}}`))
	f.Add([]byte(`{"a": {}}`), []byte(`{"a": 1e400}`))
	f.Add([]byte(`null`), []byte(`"x"`))
	f.Fuzz(func(t *testing.T, from, to []byte) {
		patch, changed, err := Diff(from, to)
		if err != nil {
			return
		}
		merged, err := Merge(from, patch)
		require.NoError(t, err)
		assert.Equal(t, requireTree(t, to), requireTree(t, merged), "Merge(%s, %s)", from, patch)

		_, again, err := Diff(merged, to)
		require.NoError(t, err)
		assert.False(t, again, "nothing is left to change")
		if !changed {
			assert.Equal(t, requireTree(t, from), requireTree(t, to))
		}
	})
}

func requireTree(t *testing.T, doc []byte) any {
	t.Helper()
	tree, err := decodeTree(doc)
	require.NoError(t, err)
	return tree
}
