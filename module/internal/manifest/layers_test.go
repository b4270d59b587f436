package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const layerBase = `{"modulesContent": {
	"$edgeAgent": {"properties.desired": {"modules": {"m": {"type": "docker", "status": "running", "settings": {"image": "m"}}}}},
	"$edgeHub": {"properties.desired": {"schemaVersion": "1.2", "routes": {"up": "FROM /* INTO $upstream"}}},
	"m": {"properties.desired": {"guests": {"a": {"source": "file:a.wasm", "settings": {"high": 1.50}}}, "signals": {"s": {"guest": "a"}}}}
}}`

func composed(t *testing.T, layers ...string) string {
	t.Helper()
	documents := make([][]byte, len(layers))
	for i, layer := range layers {
		documents[i] = []byte(layer)
	}
	whole, err := Compose([]byte(layerBase), documents...)
	require.NoError(t, err)
	m, err := Parse(whole)
	require.NoError(t, err)
	module, ok := m.Module("m")
	require.True(t, ok)
	return string(module.Desired)
}

func TestALayerAddsAnEntryAndLeavesTheOthers(t *testing.T) {
	desired := composed(t, `{"content": {"modulesContent": {"m": {"properties.desired.guests.b": {"source": "file:b.wasm"}, "properties.desired.signals.t": {"guest": "b"}}}}}`)
	assert.JSONEq(t, `{"guests": {"a": {"source": "file:a.wasm", "settings": {"high": 1.50}}, "b": {"source": "file:b.wasm"}}, "signals": {"s": {"guest": "a"}, "t": {"guest": "b"}}}`, desired)
	assert.Contains(t, desired, "1.50", "numbers keep their digits")
}

func TestALayerReplacesWhatItNames(t *testing.T) {
	desired := composed(t, `{"modulesContent": {"m": {"properties.desired.guests.a": {"source": "file:c.wasm"}, "properties.desired.signals.s.status": "stopped"}}}`)
	assert.JSONEq(t, `{"guests": {"a": {"source": "file:c.wasm"}}, "signals": {"s": {"guest": "a", "status": "stopped"}}}`, desired)
}

func TestTheLastLayerHasTheHighestPriority(t *testing.T) {
	desired := composed(t,
		`{"modulesContent": {"m": {"properties.desired.signals.s.unit": "Cel", "properties.desired.signals.s.output": "x"}}}`,
		`{"modulesContent": {"m": {"properties.desired.signals.s.unit": "K"}}}`)
	assert.JSONEq(t, `{"guests": {"a": {"source": "file:a.wasm", "settings": {"high": 1.50}}}, "signals": {"s": {"guest": "a", "unit": "K", "output": "x"}}}`, desired)
}

func TestAWholeSectionOfALayerReplacesThatOfTheBase(t *testing.T) {
	desired := composed(t, `{"modulesContent": {"m": {"properties.desired": {"signals": {}}, "properties.desired.guests.b": {"source": "file:b.wasm"}}}}`)
	assert.JSONEq(t, `{"guests": {"b": {"source": "file:b.wasm"}}, "signals": {}}`, desired, "and its entries come over it")
}

func TestALayerBringsModulesAndRoutes(t *testing.T) {
	whole, err := Compose([]byte(layerBase), []byte(`{"modulesContent": {
		"$edgeAgent": {"properties.desired.modules.n": {"type": "docker", "status": "running", "settings": {"image": "n"}}},
		"$edgeHub": {"properties.desired.routes.toN": "FROM /messages/modules/m/* INTO BrokeredEndpoint(\"/modules/n/inputs/i\")"}}}`))
	require.NoError(t, err)
	m, err := Parse(whole)
	require.NoError(t, err)
	assert.Len(t, m.Modules, 2)
	assert.Equal(t, []string{"i"}, m.Feeds("n"))
}

func TestWhatIsNoLayerIsRefusedByName(t *testing.T) {
	for _, row := range []struct{ name, layer, want string }{
		{"other key", `{"modulesContent": {"m": {"properties.reported.x": 1}}}`, `read layer 1: m has "properties.reported.x"`},
		{"empty name", `{"modulesContent": {"m": {"properties.desired.guests.": 1}}}`, "a name in it is empty"},
		{"path through text", `{"modulesContent": {"m": {"properties.desired.guests.a.source.x": 1}}}`, `"source" below it is not an object`},
		{"not JSON", `{"modulesContent": }`, "read layer 1: line 1, column 20: not JSON"},
		{"no deployment", `{"guests": {}}`, `"modulesContent" is missing`},
		{"section that is text", `{"modulesContent": {"m": "x"}}`, "an entry is not an object"},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, err := Compose([]byte(layerBase), []byte(row.layer))
			assert.ErrorContains(t, err, row.want)
		})
	}
	_, err := Compose([]byte(`{"modulesContent": {"m": {"properties.desired.guests.a": {}}}}`))
	assert.ErrorContains(t, err, `read base: m has "properties.desired.guests.a": it is a layer`)
}

func FuzzCompose(f *testing.F) {
	f.Add([]byte(layerBase), []byte(`{"modulesContent": {"m": {"properties.desired.guests.b": {}}}}`))
	f.Add([]byte(`{"content": {"modulesContent": {"m": null}}}`), []byte(`{"modulesContent": {"m": {"properties.desired": null, "properties.desired.a": 1}}}`))
	f.Fuzz(func(_ *testing.T, base, layer []byte) {
		if whole, err := Compose(base, layer); err == nil {
			_, _ = Parse(whole)
		}
	})
}
