package twin

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestEachLayerIsMergedOverThoseBefore(t *testing.T) {
	d := parseAll(documentOf(
		`"guests": {"g": {"source": "file:g.wasm", "settings": {"from": "guest", "guest": 1, "deep": {"a": 1, "b": 1, "c": 1}, "list": [1, 2]}}}`,
		`"signalDefaults": {"source": "input:opc", "unit": "m", "output": "o", "settings": {"from": "defaults", "defaults": 1, "deep": {"b": 2}},
			"properties": {"site": "A", "line": "0"}}`,
		`"templates": {"t": {"guest": "g", "unit": "Cel", "settings": {"from": "template", "template": 1, "deep": {"c": null, "d": 3}},
			"properties": {"line": "3"}}}`,
		`"signals": {
			"plain": {"guest": "g"},
			"templated": {"use": "t"},
			"own": {"use": "t", "unit": "K", "source": "input:other", "settings": {"from": "signal", "guest": null, "list": [3]}, "properties": {"cell": "9"}},
			"back": {"use": "t", "unit": null, "settings": null, "properties": {"site": null}}}`,
	))

	require.Empty(t, d.Findings)
	plain, templated, own, back := d.Signals["plain"], d.Signals["templated"], d.Signals["own"], d.Signals["back"]
	assert.Equal(t, "m", plain.Unit)
	assert.Equal(t, "Cel", templated.Unit)
	assert.Equal(t, "K", own.Unit)
	assert.Empty(t, back.Unit, "null puts the built-in default back")
	assert.Equal(t, "input:opc", templated.Source.String())
	assert.Equal(t, "input:other", own.Source.String())
	assert.Equal(t, module.OutputName("o"), own.Output)

	assert.JSONEq(t, `{"from": "defaults", "guest": 1, "defaults": 1, "deep": {"a": 1, "b": 2, "c": 1}, "list": [1, 2]}`, string(plain.Settings))
	assert.JSONEq(t, `{"from": "template", "guest": 1, "defaults": 1, "template": 1, "deep": {"a": 1, "b": 2, "d": 3}, "list": [1, 2]}`, string(templated.Settings))
	assert.JSONEq(t, `{"from": "signal", "defaults": 1, "template": 1, "deep": {"a": 1, "b": 2, "d": 3}, "list": [3]}`, string(own.Settings))
	assert.JSONEq(t, `{"from": "guest", "guest": 1, "deep": {"a": 1, "b": 1, "c": 1}, "list": [1, 2]}`, string(back.Settings))

	assert.Equal(t, map[string]string{"site": "A", "line": "0"}, plain.Properties)
	assert.Equal(t, map[string]string{"site": "A", "line": "3", "cell": "9"}, own.Properties)
	assert.Equal(t, map[string]string{"line": "3"}, back.Properties)
}

func TestSourceAndSourcesReplaceEachOther(t *testing.T) {
	d := parseAll(documentOf(`"signalDefaults": {"source": "input:i"}`,
		`"templates": {"two": {"guest": "g", "sources": {"a": "input:a", "b": "input:b"}}}`, `"guests": {"g": {"source": "file:g.wasm"}}`,
		`"signals": {"many": {"use": "two"}, "single": {"use": "two", "source": "input:c"}}`))

	require.Empty(t, d.Findings)
	assert.Empty(t, d.Signals["many"].Source)
	assert.Len(t, d.Signals["many"].Sources, 2)
	assert.Equal(t, "input:c", d.Signals["single"].Source.String())
	assert.Empty(t, d.Signals["single"].Sources)
}

func TestPlaceholdersInSharedLayersNameTheSignalThatUsesThem(t *testing.T) {
	d := parseAll(documentOf(
		`"guests": {"g": {"source": "file:g.wasm", "settings": {"topic": "${deviceId}/${signal}"}}}`,
		`"signalDefaults": {"source": "input:i", "displayName": "${signal} of ${env:LINE}"}`,
		`"templates": {"t": {"guest": "g", "properties": {"of": "${moduleId}/${signal}"}}}`,
		`"signals": {"a": {"use": "t"}, "b": {"use": "t", "settings": {"own": ["${signal}"]}}}`,
	))

	require.Empty(t, d.Findings)
	assert.Equal(t, "a of 3", d.Signals["a"].DisplayName)
	assert.Equal(t, map[string]string{"of": "wasmOnEdge/b"}, d.Signals["b"].Properties)
	assert.JSONEq(t, `{"topic": "press-7/a"}`, string(d.Signals["a"].Settings))
	assert.JSONEq(t, `{"topic": "press-7/b", "own": ["b"]}`, string(d.Signals["b"].Settings))
}

func TestABadTemplateRefusesTheSignalsThatUseIt(t *testing.T) {
	d := parseAll(documentOf(
		`"templates": {"bad": {"scale": "2", "color": 1}, "list": [], "good": {"unit": "Cel"}}`,
		`"signals": {"a": {"use": "bad", "source": "input:i"}, "b": {"use": "bad", "source": "input:i", "status": "on"},
			"c": {"use": "list"}, "d": {"use": "good", "source": "input:i"}, "e": {"source": "input:i"}, "f": {"use": "goood", "source": "input:i"}}`,
	))

	assert.Len(t, d.Signals, 2)
	assert.Contains(t, d.Signals, module.SignalName("d"))
	assert.Contains(t, d.Signals, module.SignalName("e"))
	for _, name := range []string{"a", "b"} {
		assert.Contains(t, d.Findings, module.Finding{Path: "templates.bad.color", Reason: "unknown key", Entry: signalEntry(name)})
	}
	assert.Equal(t, module.EntryKind("templates"), requireFinding(t, d, "templates.bad.scale").Entry.Kind)
	requireFinding(t, d, "signals.b.status")
	assert.Contains(t, d.Findings, module.Finding{Path: "templates.list", Reason: "must be an object, is an array", Entry: signalEntry("c")})
	f := requireFinding(t, d, "signals.f.use")
	assert.Equal(t, `there is no template "goood"`, f.Reason)
	assert.Equal(t, `did you mean "good"?`, f.Hint)
}

func TestBadSignalDefaultsRefuseEverySignal(t *testing.T) {
	for _, defaults := range []string{`{"unit": 1}`, `5`, `{"use": "t"}`, `{"displayName": "${env:NOWHERE}"}`} {
		d := parseAll(documentOf(`"signalDefaults": `+defaults, `"signals": {"a": {"source": "input:i"}, "b": {"source": "input:i"}}`))
		assert.Empty(t, d.Signals, defaults)
		assert.True(t, d.Refuses(signalEntry("a")), defaults)
		assert.True(t, d.Refuses(signalEntry("b")), defaults)
		assert.False(t, d.DocumentRefused(), defaults)
		assert.Len(t, d.Findings, 3, defaults)
		for _, f := range d.Findings {
			assert.True(t, strings.HasPrefix(f.Path, "signalDefaults"), f.Path)
		}
	}
}

func TestFindingsAcrossFieldsNameTheLayerThatGaveThem(t *testing.T) {
	d := parseAll(documentOf(`"templates": {"t": {"source": "input:i", "selector": "/v", "deadbandType": "percent"}}`,
		`"signals": {"a": {"use": "t"}, "b": {"use": "t", "rangeMin": 0, "rangeMax": 10}}`))

	assert.Equal(t, signalEntry("a"), requireFinding(t, d, "templates.t.deadbandType").Entry)
	assert.Contains(t, d.Signals, module.SignalName("b"))
}

func TestWithGuestPutsTheLastGoodGuestUnderASignal(t *testing.T) {
	d := parseAll(documentOf(`"guests": {"g": {"source": "edge:x"}}`,
		`"signals": {"s": {"source": "input:i", "guest": "g", "settings": {"high": 2, "low": null}}, "bare": {"source": "input:i", "guest": "g"}}`))
	lastGood := module.GuestSpec{Name: "g", Settings: []byte(`{"high": 1, "low": 0, "topic": "${signal}"}`)}

	signal, err := WithGuest(d.Signals["s"], lastGood)
	require.NoError(t, err)
	assert.JSONEq(t, `{"high": 2, "topic": "s"}`, string(signal.Settings))

	signal, err = WithGuest(d.Signals["bare"], module.GuestSpec{Name: "g"})
	require.NoError(t, err)
	assert.Nil(t, signal.Settings)

	_, err = WithGuest(d.Signals["s"], module.GuestSpec{Name: "g", Settings: []byte(`{`)})
	assert.ErrorContains(t, err, `read settings of guest "g"`)
}

func TestForSignalNamesTheSignalInTheGuestsEnvironment(t *testing.T) {
	guest := module.GuestSpec{
		Name: "g", Permissions: module.Permissions{Env: map[string]string{"NAME": "${signal}!"}}, Settings: []byte(`{"a":"<${signal}>"}`),
	}
	got, err := ForSignal(guest, "press1")
	require.NoError(t, err)
	assert.Equal(t, "press1!", got.Permissions.Env["NAME"])
	assert.Equal(t, `{"a":"<press1>"}`, string(got.Settings))
	assert.Equal(t, "${signal}!", guest.Permissions.Env["NAME"], "the guest of the other signals stays as it is")
}
