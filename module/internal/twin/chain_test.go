package twin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestSignalsMayReadSignals(t *testing.T) {
	d := Parse([]byte(documentOf(`"signals": {
		"z": {"source": "input:i", "output": ""},
		"a": {"source": "signal:b"}, "b": {"source": "signal:z"}, "c": {"source": "signal:z", "status": "stopped"}}`)), device)

	require.Empty(t, d.Findings)
	assert.Len(t, d.Signals, 4)
	assert.Equal(t, module.Source{Kind: module.SourceSignal, Name: "z"}, d.Signals["b"].Source)
}

func TestAReaderOfASignalThatIsMissingOrRefusedIsRefused(t *testing.T) {
	d := parseAll(documentOf(`"signals": {
		"temperature": {"source": "input:i", "status": "on"}, "gone": {}, "list": [],
		"reader": {"source": "signal:temperature"}, "behind": {"source": "signal:reader"},
		"typo": {"source": "signal:temprature"}, "late": {"source": "signal:gone"}, "odd": {"source": "signal:list"},
		"several": {"sources": {"x": "signal:temperature", "y": "input:i"}}}`))

	for path, want := range map[string][2]string{
		"signals.reader.source":     {`signal "temperature" was refused`, "see signals.temperature.status"},
		"signals.behind.source":     {`signal "reader" was refused`, "see signals.reader.source"},
		"signals.typo.source":       {`there is no signal "temprature"`, `did you mean "temperature"?`},
		"signals.late.source":       {`there is no signal "gone"`, ""},
		"signals.odd.source":        {`signal "list" was refused`, "see signals.list"},
		"signals.several.sources.x": {`signal "temperature" was refused`, "see signals.temperature.status"},
	} {
		f := requireFinding(t, d, path)
		assert.Equal(t, want, [2]string{f.Reason, f.Hint})
	}
	assert.Empty(t, d.Signals)
}

func TestCyclesAreRefusedWithWhatIsBehindThem(t *testing.T) {
	d := parseAll(documentOf(`"templates": {"self": {"source": "signal:me"}}`, `"signals": {
		"a": {"source": "signal:c"}, "b": {"source": "signal:a"}, "c": {"source": "signal:b"},
		"behind": {"source": "signal:a"}, "further": {"source": "signal:behind"},
		"me": {"use": "self"},
		"x": {"sources": {"in": "input:i", "back": "signal:y"}}, "y": {"source": "signal:x"},
		"free": {"source": "input:i"}}`))

	assert.Equal(t, "signals read each other in a cycle: a → b → c → a", requireFinding(t, d, "signals.a.source").Reason)
	requireFinding(t, d, "signals.b.source")
	requireFinding(t, d, "signals.c.source")
	assert.Equal(t, "signals read each other in a cycle: me → me", requireFinding(t, d, "templates.self.source").Reason)
	assert.Contains(t, requireFinding(t, d, "signals.x.sources.back").Reason, "cycle")
	assert.Equal(t, `signal "a" was refused`, requireFinding(t, d, "signals.behind.source").Reason)
	assert.Equal(t, `signal "behind" was refused`, requireFinding(t, d, "signals.further.source").Reason)
	assert.Len(t, d.Signals, 1)
	assert.Contains(t, d.Signals, module.SignalName("free"))
}

func TestEveryMemberOfTangledCyclesIsRefused(t *testing.T) {
	d := parseAll(documentOf(`"signals": {
		"a": {"sources": {"p": "signal:b", "q": "signal:d"}}, "b": {"source": "signal:a"},
		"c": {"sources": {"p": "signal:a", "q": "signal:d"}}, "d": {"source": "signal:c"}}`))

	assert.Empty(t, d.Signals)
	for _, name := range []string{"a", "b", "c", "d"} {
		assert.True(t, d.Refuses(signalEntry(name)), name)
	}
}

func TestALongCycleIsToldInShort(t *testing.T) {
	var signals []string
	for i := range 5000 {
		signals = append(signals, fmt.Sprintf(`"s%d": {"source": "signal:s%d"}`, i, (i+4999)%5000))
	}
	d := parseAll(documentOf(`"signals": {` + strings.Join(signals, ",") + `}`))

	assert.Len(t, d.Findings, 5000)
	assert.Contains(t, d.Findings[0].Reason, "→ …")
	assert.Less(t, len(d.Findings[0].Reason), 200)
}
