package twin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// parseWith reads doc on a device with files.
func parseWith(files map[string]string, doc string) module.Desired {
	env := device
	env.Fetch = func(f File) ([]byte, error) {
		if content, ok := files[f.Source]; ok {
			return []byte(content), nil
		}
		return nil, fmt.Errorf("fetch %q: there is no such file", f.Source)
	}
	return Parse([]byte(doc), env)
}

func fromEntry(name string) module.Entry { return module.Entry{Kind: EntrySignalsFrom, Name: name} }

func TestSignalsOfAFileAreBuiltInTheSameLayers(t *testing.T) {
	d := parseWith(map[string]string{"file:line3.json": `{"signals": {
			"press1": {"use": "temp", "selector": "/p1", "properties": {"of": "${signal}"}}, "press2": {"source": "signal:press1"}, "gone": null}}`},
		documentOf(`"guests": {"g": {"source": "file:g.wasm", "settings": {"high": 80}}}`, `"signalDefaults": {"source": "input:opc"}`,
			`"templates": {"temp": {"guest": "g", "unit": "Cel"}}`, `"signalsFrom": {"line3": {"source": "file:line3.json"}}`,
			`"signals": {"reader": {"source": "signal:press2"}}`))

	require.Empty(t, d.Findings)
	assert.Len(t, d.Signals, 3)
	press := d.Signals["press1"]
	assert.Equal(t, module.Source{Kind: module.SourceInput, Name: "opc"}, press.Source)
	assert.Equal(t, "Cel", press.Unit)
	assert.Equal(t, "press1", press.Properties["of"])
	assert.JSONEq(t, `{"high": 80}`, string(press.Settings))
}

func TestTheTwinHasTheLastWordOnASignalOfAFile(t *testing.T) {
	d := parseWith(map[string]string{"file:f": `{"signals": {"a": {"use": "temp", "source": "input:i", "selector": "/a"}, "b": {"source": "input:i"}}}`},
		documentOf(`"templates": {"temp": {"unit": "Cel"}, "speed": {"unit": "m/s"}}`, `"signalsFrom": {"f": {"source": "file:f"}}`,
			`"signals": {"a": {"status": "stopped", "use": "speed"}, "b": {}}`))

	require.Empty(t, d.Findings)
	assert.Equal(t, module.StatusStopped, d.Signals["a"].Status)
	assert.Equal(t, "/a", d.Signals["a"].Selector)
	assert.Equal(t, "m/s", d.Signals["a"].Unit)
	assert.Equal(t, module.StatusRunning, d.Signals["b"].Status, "{} says nothing")
}

func TestFindingsInAFileNameTheFileAndRefuseTheSignal(t *testing.T) {
	d := parseWith(map[string]string{"file:f": `{"signals": {"good": {"source": "input:i"}, "bad": {"source": "input:i", "deadBandValue": 1},
			"list": [], "no name": {"source": "input:i"}, "lost": {"source": "input:i", "use": "temp"}, "over": 5}}`},
		documentOf(`"signalsFrom": {"line3": {"source": "file:f"}}`, `"signals": {"over": {"source": "input:i"}}`))

	for path, want := range map[string][2]string{
		"signalsFrom.line3#signals.bad.deadBandValue": {"bad", `unknown key`},
		"signalsFrom.line3#signals.list":              {"list", "must be an object, is an array"},
		`signalsFrom.line3#signals["no name"]`:        {"no name", "is not a name"},
		"signalsFrom.line3#signals.lost.use":          {"lost", `there is no template "temp"`},
		"signalsFrom.line3#signals.over":              {"over", "must be an object, is a number"},
	} {
		f := requireFinding(t, d, path)
		assert.Equal(t, signalEntry(want[0]), f.Entry)
		assert.Contains(t, f.Reason, want[1])
	}
	assert.Len(t, d.Findings, 5)
	assert.Len(t, d.Signals, 1)
}

func TestASignalInTwoFilesIsRefused(t *testing.T) {
	d := parseWith(map[string]string{"file:f": `{"signals": {"a": {"source": "input:i"}}}`},
		documentOf(`"signalsFrom": {"one": {"source": "file:f"}, "two": {"source": "file:f"}}`))

	f := requireFinding(t, d, "signalsFrom.one#signals.a")
	assert.Equal(t, "another file holds the signal too", f.Reason)
	assert.Equal(t, "see signalsFrom.two#signals.a", f.Hint)
	assert.Equal(t, signalEntry("a"), f.Entry)
	assert.Empty(t, d.Signals)
}

func TestAFileThatCannotBeReadRefusesItsEntryOnly(t *testing.T) {
	for name, test := range map[string]struct{ content, path, reason, hint string }{
		"missing":         {"", "signalsFrom.f.source", `fetch "file:f": there is no such file`, ""},
		"not JSON":        {`{"signals": {`, "signalsFrom.f#", "is not JSON: ", ""},
		"a list":          {`[]`, "signalsFrom.f#", "must be an object, is an array", ""},
		"without signals": {`{"press1": {"source": "input:i"}}`, "signalsFrom.f#", "the file holds no signals", `it must be {"signals": {…}}`},
		"more than that":  {`{"signals": {}, "templates": {}}`, "signalsFrom.f#templates", "unknown key", ""},
		"a key twice":     {`{"signals": {}, "signals": {}}`, "signalsFrom.f#signals", "the key stands here more than once", ""},
		"too long":        {`{"signals": {}}` + strings.Repeat(" ", maxFile), "signalsFrom.f.source", "may have 4194304 at most", ""},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"file:f": test.content}
			if test.content == "" {
				delete(files, "file:f")
			}
			d := parseWith(files, documentOf(`"signalsFrom": {"f": {"source": "file:f"}}`, `"signals": {"s": {"source": "input:i"}}`))
			require.Len(t, d.Findings, 1)
			f := requireFinding(t, d, test.path)
			assert.Contains(t, f.Reason, test.reason)
			assert.Equal(t, test.hint, f.Hint)
			assert.Equal(t, fromEntry("f"), f.Entry)
			assert.Contains(t, d.Signals, module.SignalName("s"))
		})
	}
}

func TestWhereFilesAreNotAtHandTheirSignalsAreNotLookedAt(t *testing.T) {
	d := parseAll(documentOf(`"signalsFrom": {"line3": {"source": "file:line3.json"}, "line4": {"source": "https://h/line4.json"}}`))

	assert.Equal(t, module.Warning, requireFinding(t, d, "signalsFrom.line3.source").Severity)
	assert.Contains(t, requireFinding(t, d, "signalsFrom.line4.digest").Reason, "a remote source needs one")
	assert.Len(t, d.Findings, 2)
	assert.False(t, d.DocumentRefused())
}

func BenchmarkParse10000SignalsOfAFile(b *testing.B) {
	var signals []string
	for i := range 10000 {
		signals = append(signals, fmt.Sprintf(`"press%d": {"use": "temp", "node": "ns=2;s=Line.Press%d.Temperature"}`, i, i))
	}
	files := map[string]string{"file:f": `{"signals": {` + strings.Join(signals, ",") + `}}`}
	doc := documentOf(`"templates": {"temp": {"unit": "Cel", "deadbandType": "absolute", "deadbandValue": 0.5}}`,
		`"signalDefaults": {"source": "input:opc", "format": "opcSamples"}`, `"signalsFrom": {"f": {"source": "file:f"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if d := parseWith(files, doc); len(d.Signals) != 10000 {
			b.Fatalf("parse: %d signals, want 10000", len(d.Signals))
		}
	}
}

func TestAFileIsAskedForWithItsDigestAndCredentials(t *testing.T) {
	digest := "sha256:" + strings.Repeat("0a", 32)
	var asked []File
	env := device
	env.Fetch = func(f File) ([]byte, error) { asked = append(asked, f); return []byte(`{"signals": {}}`), nil }
	d := Parse([]byte(documentOf(`"signalsFrom": {"line3": {"source": "https://plant.example/line3.json", "digest": "`+digest+`", "credentials": "plant"}}`)), env)
	assert.Empty(t, d.Findings)
	assert.Equal(t, []File{{"https://plant.example/line3.json", digest, "plant"}}, asked)

	d = Parse([]byte(documentOf(`"signalsFrom": {"line3": {"source": "file:f", "credentials": "../key"}}`)), env)
	assert.Contains(t, requireFinding(t, d, "signalsFrom.line3.credentials").Reason, "name")
	assert.Len(t, asked, 1, "what is refused is not fetched")
}
