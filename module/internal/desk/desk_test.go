package desk

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "compile" { // a desk in a test compiles a guest
		os.Exit(wasm.CompilerMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func newDesk(t *testing.T) *Desk {
	d, err := New([]string{"compile"})
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func guest(t *testing.T, name string) []byte {
	text, err := os.ReadFile(filepath.Join("../../../wasm-guests/testdata", name+".wat"))
	require.NoError(t, err)
	binary, err := wasmtime.Wat2Wasm(string(text))
	require.NoError(t, err)
	return binary
}

// run runs a test file on a guest.
func run(t *testing.T, name, document string) []Report {
	f, err := ParseTest([]byte(document))
	require.NoError(t, err)
	reports, err := newDesk(t).Run(t.Context(), guest(t, name), f)
	require.NoError(t, err)
	return reports
}

func TestATestPassesWhenTheGuestDoesWhatIsExpected(t *testing.T) {
	reports := run(t, "count_state", `
guest: x.wasm
tests:
- name: from nothing
  messages: [{text: a}, {text: b, expect: {verdict: done}}]
- name: of another kind
  messages: [{text: a, expect: {verdict: drop}}]
`)
	require.Len(t, reports, 2)
	assert.Empty(t, reports[0].Failures)
	require.Len(t, reports[1].Failures, 1)
	assert.Contains(t, reports[1].Failures[0], `-   "verdict": "drop"`)
	assert.Contains(t, reports[1].Failures[0], `+   "verdict": "done"`)
}

func TestSamplesAreTheSameAtAnyTime(t *testing.T) {
	reports := run(t, "pass", `
guest: x.wasm
signal: {selector: /t, properties: {site: north}}
tests:
- name: two
  messages:
  - body: {t: 20}
    expect: {outputs: [{body: {signal: signal, value: 20, sourceTimestamp: "2026-01-01T00:00:00.000Z", reason: first}, properties: {site: north}}]}
  - body: {t: 21}
    time: 2026-05-05T00:00:00Z
    expect: {verdict: pass, outputs: [{output: telemetry, body: {signal: signal, value: 21, sourceTimestamp: "2026-05-05T00:00:00.000Z"}}]}
`)
	assert.Empty(t, reports[0].Failures)
}

func TestAGuestMayBeExpectedToFailOrToRefuseItsSettings(t *testing.T) {
	reports := run(t, "trap_on_message", "guest: x.wasm\ntests: [{name: traps, messages: [{text: a, expect: {verdict: failed, error: trap}}]}]")
	assert.Empty(t, reports[0].Failures)
	reports = run(t, "refuse_settings", "guest: x.wasm\ntests: [{name: refuses, refuses: refused}, {name: other, refuses: something else}]")
	assert.Empty(t, reports[0].Failures)
	assert.NotEmpty(t, reports[1].Failures)
	reports = run(t, "pass", "guest: x.wasm\ntests: [{name: takes, refuses: anything}]")
	assert.NotEmpty(t, reports[0].Failures)
}

func TestAnUpdateExpectsWhatIsGotAndKeepsComments(t *testing.T) {
	const document = "# mine\nguest: x.wasm\ntests:\n  - name: n # why\n    messages:\n      - text: a\n        expect: {verdict: drop}\n"
	f, err := ParseTest([]byte(document))
	require.NoError(t, err)
	d := newDesk(t)
	reports, err := d.Run(t.Context(), guest(t, "pass"), f)
	require.NoError(t, err)
	require.NotEmpty(t, reports[0].Failures)
	updated, err := f.Update(reports)
	require.NoError(t, err)
	assert.Contains(t, string(updated), "# mine")
	assert.Contains(t, string(updated), "# why")
	again, err := ParseTest(updated)
	require.NoError(t, err)
	reports, err = d.Run(t.Context(), guest(t, "pass"), again)
	require.NoError(t, err)
	assert.Empty(t, reports[0].Failures)
}

func TestATestFileThatMakesNoSenseIsRefused(t *testing.T) {
	for document, want := range map[string]string{
		"tests: [{name: a}]": "guest is missing", "guest: x": "no tests", "guest: x\ntest: []": `unknown field "test"`, "guest: [": "yaml",
		"": "guest is missing", "1": "cannot unmarshal",
	} {
		_, err := ParseTest([]byte(document))
		assert.ErrorContains(t, err, want, document)
	}
}

func TestWhatTheTwinWouldRefuseIsRefusedHere(t *testing.T) {
	_, err := newDesk(t).Open(t.Context(), guest(t, "pass"), Entry{Signal: []byte(`{"scale":"2"}`)})
	require.ErrorContains(t, err, "signals.signal.scale")
	_, err = newDesk(t).Open(t.Context(), []byte("no wasm"), Entry{})
	require.ErrorContains(t, err, "compile guest")
}

func recorded(t *testing.T, text string) (all []trial.Message) {
	for m, err := range Record(strings.NewReader(text)) {
		require.NoError(t, err)
		all = append(all, m)
	}
	return all
}

func TestARecordingIsWhatTheMethodTraceAnswers(t *testing.T) {
	const line = `{"time":"2026-01-02T03:04:05.000Z","input":"a","message":{"body":{"t": 1},"properties":{"$.mid":"7"}}}`
	for _, text := range []string{line, line + "\n", `{"messages":[` + line + `]}`, `{"status":200,"payload":{"signal":"s","messages":[` + line + `]}}`} {
		all := recorded(t, text)
		require.Len(t, all, 1, text)
		assert.JSONEq(t, `{"t":1}`, string(all[0].Body))
		assert.Equal(t, module.InputName("a"), all[0].Input)
		assert.Equal(t, "7", all[0].Properties.Value("$.mid"))
		assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), all[0].Time)
	}
	assert.Len(t, recorded(t, line+"\n"+line), 2)
}

func TestARecordingMayBeCSV(t *testing.T) {
	all := recorded(t, "timestamp,value,site\n2013-12-02 21:15:00,73.9,north\n2013-12-02T21:20:00Z,74,\n")
	require.Len(t, all, 2)
	assert.Equal(t, `{"timestamp":"2013-12-02 21:15:00","value":73.9,"site":"north"}`, string(all[0].Body))
	assert.Equal(t, 2013, all[1].Time.Year())
}

func TestARecordingThatCannotBeReadSaysWhere(t *testing.T) {
	for text, want := range map[string]string{
		`{"message":{"cut":5}}`: "5 bytes are missing", `{"message":{"body":1}} {"time":"now"}`: "value 2", "timestamp\nnow\n": "no timestamp", "a,b\n1\n": "wrong number of fields",
	} {
		var err error
		for _, err = range Record(strings.NewReader(text)) { // the last error counts
		}
		assert.ErrorContains(t, err, want, text)
	}
}

func TestADiffShowsWhatIsMissingAndWhatIsNew(t *testing.T) {
	assert.Equal(t, "      a\n    - b\n    + c\n      d\n", Diff("a\nb\nd", "a\nc\nd"))
}

func FuzzRecord(f *testing.F) {
	f.Add("timestamp,value\n2013-12-02 21:15:00,73.9\n")
	f.Add(`{"messages":[{"message":{"base64":"AA=="}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		for _, err := range Record(strings.NewReader(text)) {
			if err != nil {
				return
			}
		}
	})
}

func FuzzParseTest(f *testing.F) {
	f.Add([]byte("guest: x.wasm\ntests: [{name: a, messages: [{tick: true}]}]"))
	f.Fuzz(func(t *testing.T, document []byte) {
		if file, err := ParseTest(document); err == nil {
			assert.NotEmpty(t, file.Tests)
		}
	})
}
