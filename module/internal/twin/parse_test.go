package twin

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// device is what placeholders stand for in these tests.
var device = Environment{
	DeviceID: "press-7",
	ModuleID: "wasmOnEdge",
	Getenv:   func(name string) string { return map[string]string{"LINE": "3", "TOKEN": "<&>"}[name] },
}

// parseAll reads doc.
func parseAll(doc string) module.Desired { return Parse([]byte(doc), device) }

// documentOf returns a document with the given sections and version 7.
func documentOf(sections ...string) string {
	return `{"schemaVersion": "1.0", ` + strings.Join(append(sections, `"$version": 7`), ", ") + `}`
}

// requireFinding returns the only finding at a path.
func requireFinding(t *testing.T, d module.Desired, path string) module.Finding {
	t.Helper()
	var found []module.Finding
	for _, f := range d.Findings {
		if f.Path == path {
			found = append(found, f)
		}
	}
	require.Len(t, found, 1, "findings at %s in %v", path, d.Findings)
	return found[0]
}

func guestEntry(name string) module.Entry  { return module.Entry{Kind: module.EntryGuest, Name: name} }
func signalEntry(name string) module.Entry { return module.Entry{Kind: module.EntrySignal, Name: name} }

func TestParseTakesAGuestAndASignal(t *testing.T) {
	d := Parse([]byte(documentOf(
		`"guests": {"threshold": {"source": "file:threshold.wasm", "settings": {"high": 80}}}`,
		`"signals": {"temp": {"source": "input:sensor", "selector": "/machine/temperature", "guest": "threshold", "output": "alerts"}}`,
	)), device)

	require.Empty(t, d.Findings)
	assert.EqualValues(t, 7, d.Version)
	assert.Equal(t, "1.0", d.SchemaVersion)
	assert.Equal(t, "file:threshold.wasm", d.Guests["threshold"].Source)
	signal := d.Signals["temp"]
	assert.Equal(t, module.Source{Kind: module.SourceInput, Name: "sensor"}, signal.Source)
	assert.Equal(t, "/machine/temperature", signal.Selector)
	assert.Equal(t, module.OutputName("alerts"), signal.Output)
	assert.JSONEq(t, `{"high": 80}`, string(signal.Settings))
}

func TestParseFillsInTheDefaultsOfThePage(t *testing.T) {
	d := Parse([]byte(documentOf(`"guests": {"g": {"source": "file:g.wasm"}}`, `"signals": {"s": {"source": "input:i"}}`)), device)

	require.Empty(t, d.Findings)
	m := d.Module
	assert.Equal(t, "info", m.LogLevel)
	assert.EqualValues(t, 64<<20, m.OutboxBytes)
	assert.Equal(t, "block", m.OutboxFull)
	assert.EqualValues(t, 4<<20, m.SpoolBytesPerSignal)
	assert.Equal(t, "deadletter", m.UnclaimedInputs)
	assert.Equal(t, "deadletter", m.OnUnavailable)
	assert.Equal(t, 60, m.DeadLettersPerMinute)
	assert.True(t, m.OriginProperties)
	assert.Equal(t, "1m0s", m.DownloadJitter.String())

	g := d.Guests["g"]
	assert.Equal(t, module.StatusRunning, g.Status)
	assert.Equal(t, module.RestartOnFailure, g.RestartPolicy)
	assert.EqualValues(t, 16<<20, g.Limits.Memory)
	assert.Equal(t, "100ms", g.Limits.Deadline.String())
	assert.Equal(t, "2s", g.Limits.Start.String())
	assert.Equal(t, "10s", g.Limits.HTTPTimeout.String())
	assert.Equal(t, 128<<10, g.Limits.Stack)
	assert.Equal(t, 64, g.Limits.EmitsPerCall)
	assert.Equal(t, 1<<20, g.Limits.EmitBytesPerCall)
	assert.Equal(t, 600, g.Limits.LogLinesPerMinute)
	assert.EqualValues(t, 1<<20, g.Limits.Storage)
	assert.Equal(t, 50, g.Limits.CPUPercent)
	assert.Equal(t, module.FilesNone, g.Permissions.Files)
	assert.Equal(t, 100, g.Probation.Messages)
	assert.Equal(t, "1m0s", g.Probation.Duration.String())

	s := d.Signals["s"]
	assert.Equal(t, module.StatusRunning, s.Status)
	assert.Equal(t, module.FormatJSON, s.Format)
	assert.Equal(t, 1000, s.MaxPartitions)
	assert.Equal(t, "auto", s.DataType)
	assert.InDelta(t, 1, s.Scale, 0)
	assert.Equal(t, "uncertain", s.RangeAction)
	assert.Equal(t, "none", s.DeadbandType)
	assert.Equal(t, "always", s.DataChangeTrigger)
	assert.Equal(t, "watchdogLKV", s.HeartbeatBehavior)
	assert.Equal(t, module.OutputTelemetry, s.Output)
	assert.Equal(t, "samples", s.Payload)
	assert.Nil(t, s.Settings)
}

func TestParseRefusesTheWholeDocument(t *testing.T) {
	for name, test := range map[string]struct{ doc, path, reason, hint string }{
		"not JSON":             {"{\n  \"guests\": {,\n}", "", "is not JSON: invalid character ',' looking for beginning of object key string, line 2, column 14", ""},
		"cut short":            {`{"guests"`, "", "is not JSON", ""},
		"followed by more":     {`{} {}`, "", "is not JSON", ""},
		"nested without end":   {strings.Repeat(`{"a":`, 33) + `1` + strings.Repeat(`}`, 33), "", "cannot be read: objects and arrays are nested more than 32 deep", ""},
		"no object":            {`[]`, "", "must be an object, is an array", ""},
		"a section is a list":  {documentOf(`"signals": [1]`), "signals", "must be an object, is an array", ""},
		"a section twice":      {documentOf(`"signals": {}`, `"signals": {}`), "signals", "the key stands here more than once", ""},
		"unknown section":      {documentOf(`"signal": {}`), "signal", "unknown key", `did you mean "signals"?`},
		"version of no number": {`{"schemaVersion": "1.0", "signals": {}, "$version": "7"}`, "$version", "must be an integer, is a string", "write it without quotes"},
		"whole twin":           {`{"desired": {"schemaVersion": "1.0"}, "reported": {}}`, "desired", "is not a key of this schema", `paste one level deeper: what stands inside "desired"`},
		"properties":           {`{"schemaVersion": "1.0", "properties": {}}`, "properties", "is not a key of this schema", "paste one level deeper"},
		"properties.desired":   {`{"properties.desired": {}}`, `["properties.desired"]`, "is not a key of this schema", "paste one level deeper"},
		"no schema version":    {`{"guests": {}}`, "schemaVersion", "is missing", `add "schemaVersion": "1.0"`},
		"a schema number":      {`{"schemaVersion": 1.0}`, "schemaVersion", "must be a string, is a number", `write "1.0"`},
		"a schema name":        {`{"schemaVersion": "one"}`, "schemaVersion", `"one" is not a version`, ""},
		"another major":        {`{"schemaVersion": "2.0", "wasm": {}}`, "schemaVersion", "version 2.0 cannot be read, this module reads 1.0", ""},
		"empty":                {`{"$version": 1, "$metadata": {}}`, "", "the twin holds no configuration", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := Parse([]byte(test.doc), device)
			f := requireFinding(t, d, test.path)
			assert.Contains(t, f.Reason, test.reason)
			assert.Contains(t, f.Hint, test.hint)
			assert.True(t, d.DocumentRefused())
		})
	}
}

func TestARefusedDocumentStillHasItsVersion(t *testing.T) {
	for _, doc := range []string{`{"schemaVersion": "2.0", "$version": 9}`, `{"$version": 9}`, `{"desired": {}, "$version": 9}`} {
		d := Parse([]byte(doc), device)
		assert.True(t, d.DocumentRefused())
		assert.EqualValues(t, 9, d.Version)
	}
}

func TestParseOfARefusedDocumentHoldsNoEntries(t *testing.T) {
	d := Parse([]byte(documentOf(`"module": {"logLevel": "debug"}`, `"guests": {"g": {"source": "file:g.wasm"}}`,
		`"signals": {"s": {"source": "input:i"}}`, `"signls": {}`)), device)

	assert.True(t, d.DocumentRefused())
	assert.Empty(t, d.Guests)
	assert.Empty(t, d.Signals)
	assert.Equal(t, "info", d.Module.LogLevel)
}

func TestParseGivesAllFindingsAtOnceSortedByPath(t *testing.T) {
	d := parseAll(documentOf(
		`"module": {"logLevel": "loud"}`,
		`"guests": {"g": {"source": "file:g.wasm", "limits": {"memoryMiB": 0, "memory": 1}}}`,
		`"signals": {"b": {"source": "sensor", "scale": "2"}, "a": {"source": "input:i", "status": true}}`,
	))

	var paths []string
	for _, f := range d.Findings {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"guests.g.limits.memory", "guests.g.limits.memoryMiB", "module.logLevel",
		"signals.a.status", "signals.b.scale", "signals.b.source"}, paths)
}

func TestParseRefusesTheEntryAndNoOther(t *testing.T) {
	d := parseAll(documentOf(
		`"module": {"logLevel": "loud", "deadLettersPerMinute": 5}`,
		`"guests": {"bad": {"source": "file:bad.wasm", "status": "on"}, "good": {"source": "file:good.wasm"}}`,
		`"publishGroups": {"slow": {"intervalMs": 1}, "minute": {"intervalMs": 60000}}`,
		`"signals": {"bad": {"source": "input:i", "output": "deadletter"}, "good": {"source": "input:i"}}`,
	))

	assert.False(t, d.DocumentRefused())
	assert.True(t, d.Refuses(module.Entry{Kind: module.EntryModule}))
	assert.Equal(t, 60, d.Module.DeadLettersPerMinute, "a refused module entry leaves all defaults")
	assert.True(t, d.Refuses(guestEntry("bad")))
	assert.True(t, d.Refuses(signalEntry("bad")))
	assert.True(t, d.Refuses(module.Entry{Kind: module.EntryGroup, Name: "slow"}))
	assert.Len(t, d.Guests, 1)
	assert.Contains(t, d.Guests, module.GuestName("good"))
	assert.Len(t, d.Signals, 1)
	assert.Contains(t, d.Signals, module.SignalName("good"))
	assert.Len(t, d.Groups, 1)
	assert.Contains(t, d.Groups, "minute")
}

func TestAnEntryThatIsNullOrEmptyIsAbsent(t *testing.T) {
	d := parseAll(documentOf(
		`"module": {}`, `"signalDefaults": {}`, `"templates": {"t": {}}`, `"publishGroups": {"p": null}`,
		`"guests": {"gone": {}, "not a name": {}, "away": null}`,
		`"signals": {"gone": {}, "away": null, "left": {"source": "input:i"}}`,
	))

	require.Empty(t, d.Findings)
	assert.Empty(t, d.Guests)
	assert.Len(t, d.Signals, 1)
}

func TestEntriesWithBadNamesOrOfWrongTypesAreRefused(t *testing.T) {
	d := parseAll(documentOf(fmt.Sprintf(`"guests": {"a b": {"source": "file:g.wasm"}, %q: {"source": "file:g.wasm"}, "n": 5}`,
		strings.Repeat("n", 65))))

	assert.Empty(t, d.Guests)
	assert.True(t, d.Refuses(guestEntry("a b")))
	assert.Contains(t, requireFinding(t, d, `guests["a b"]`).Reason, "is not a name")
	assert.Contains(t, requireFinding(t, d, "guests.n").Reason, "must be an object, is a number")
	assert.Len(t, d.Findings, 3)
	for _, f := range d.Findings {
		assert.Less(t, len(f.Path), 100, "long names are cut in findings")
	}
}

func TestANewerMinorVersionMayHaveUnknownKeys(t *testing.T) {
	d := parseAll(`{"schemaVersion": "1.3", "alarms": {}, "module": {"color": 1},
		"guests": {"g": {"source": "file:g.wasm", "limits": {"gpu": 1}}},
		"templates": {"t": {"newer": 1}},
		"signals": {"s": {"use": "t", "source": "input:i", "smooth": true}, "bad": {"source": "input:i", "status": "on"}}, "$version": 8}`)

	assert.Equal(t, "1.3", d.SchemaVersion)
	assert.Contains(t, d.Guests, module.GuestName("g"))
	assert.Contains(t, d.Signals, module.SignalName("s"))
	for _, path := range []string{"alarms", "module.color", "guests.g.limits.gpu", "templates.t.newer", "signals.s.smooth"} {
		assert.Equal(t, module.Ignored, requireFinding(t, d, path).Severity)
	}
	assert.Equal(t, module.Refused, requireFinding(t, d, "signals.bad.status").Severity, "only keys may be newer")
}

func TestUnknownIsATwinThatSaysNothing(t *testing.T) {
	for doc, unknown := range map[string]bool{
		`{}`:                               true,
		`null`:                             true,
		`{"$metadata": {}}`:                true,
		`{"$version": 1, "$metadata": {}}`: true,
		`{"schemaVersion": "1.0"}`:         true,
		`{"schemaVersion": "1.0", "$version": null}`: true,
		`{"schemaVersion": "1.0", "$version": 2}`:    false,
		`[]`:  false,
		`{"a`: false,
	} {
		assert.Equal(t, unknown, Unknown([]byte(doc)), doc)
	}
}

func TestMetadataOfAMegabyteIsPassedOver(t *testing.T) {
	metadata := map[string]any{}
	for i := range 12000 {
		metadata[fmt.Sprintf("signal%d", i)] = map[string]any{"$lastUpdated": "2026-01-01T00:00:00.0000000Z", "$lastUpdatedVersion": i}
	}
	encoded, err := json.Marshal(metadata)
	require.NoError(t, err)
	require.Greater(t, len(encoded), 1_000_000)

	d := Parse([]byte(documentOf(`"$metadata": `+string(encoded), `"signals": {"s": {"source": "input:i"}}`)), device)
	assert.Empty(t, d.Findings)
	assert.Contains(t, d.Signals, module.SignalName("s"))
}
