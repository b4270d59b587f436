package methods

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// fakeSignals are signals that remember what was done to them.
type fakeSignals struct {
	*supervise.Supervisor // traces
	states                map[module.SignalName]supervise.State
	work                  supervise.Work
	lines                 []supervise.LoggedLine
	err                   error
	done                  []string
}

func (f *fakeSignals) do(what string, name module.SignalName) error {
	if _, there := f.states[name]; !there {
		return supervise.ErrNoSignal
	}
	f.done = append(f.done, what+" "+string(name))
	return f.err
}

func (f *fakeSignals) Snapshot() map[module.SignalName]supervise.State {
	states := make(map[module.SignalName]supervise.State, len(f.states))
	for name, s := range f.states {
		states[name] = s
	}
	return states
}
func (f *fakeSignals) Pause(_ context.Context, n module.SignalName) error  { return f.do("pause", n) }
func (f *fakeSignals) Resume(_ context.Context, n module.SignalName) error { return f.do("resume", n) }
func (f *fakeSignals) Restart(_ context.Context, n module.SignalName) error {
	return f.do("restart", n)
}
func (f *fakeSignals) Borrow(_ context.Context, n module.SignalName) (supervise.Work, map[string][]byte, error) {
	return f.work, map[string][]byte{"k": []byte("v")}, f.do("borrow", n)
}
func (f *fakeSignals) Logged(_ module.GuestName, n int) []supervise.LoggedLine {
	return f.lines[max(0, len(f.lines)-n):]
}

// echo is a guest that emits what it is given as often as it is told to.
type echo struct {
	supervise.Instance
	times   int
	effects module.Effects
}

func (e *echo) Start(supervise.Options) (supervise.Instance, error) {
	return &echo{times: e.times}, nil
}
func (e *echo) Serve(supervise.Options, supervise.ServiceIO) (supervise.Service, error) {
	return nil, errors.ErrUnsupported
}
func (e *echo) HasTimer() bool         { return true }
func (e *echo) IsProgram() bool        { return false }
func (e *echo) Endless() bool          { return false }
func (e *echo) Configure([]byte) error { return nil }
func (e *echo) Message(m module.Message) (module.Verdict, error) {
	e.effects = module.Effects{}
	for range e.times {
		e.effects.Emitted = append(e.effects.Emitted, module.Emitted{Output: "out", Message: m})
	}
	return module.Done, nil
}
func (e *echo) Effects() *module.Effects { return &e.effects }
func (e *echo) Logs() iter.Seq[module.LogLine] {
	return slices.Values([]module.LogLine{{Level: 9, Text: "heard"}})
}
func (e *echo) Took() time.Duration { return time.Millisecond }
func (e *echo) Memory() int64       { return 65536 }
func (e *echo) Dead() bool          { return false }
func (e *echo) Close()              {}

func newSignals(names ...module.SignalName) *fakeSignals {
	f := &fakeSignals{Supervisor: supervise.New(supervise.Config{}), states: make(map[module.SignalName]supervise.State)}
	for _, name := range names {
		f.states[name] = supervise.State{Status: module.Running, Guest: "g", LastStart: time.Now()}
	}
	f.work = supervise.Work{Guest: &echo{times: 1}, Spec: module.GuestSpec{Name: "g"},
		Signal: module.Signal{Name: "s", Format: module.FormatJSON, DataType: "auto", Scale: 1, DeadbandType: "none", Output: "telemetry"}}
	return f
}

func newMethods(f *fakeSignals) *Methods {
	return New(Config{Access: All, Signals: f, About: func() About { return About{Connected: true} },
		Validate: func([]byte) module.Desired {
			return module.Desired{Findings: []module.Finding{{Path: "signals.s", Reason: "is odd", Severity: module.Refused}}}
		}})
}

var compileSchema = sync.OnceValue(func() *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	return c
})

// conforms holds a request or an answer against its definition.
func conforms(t *testing.T, definition string, document []byte) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	require.NoError(t, err)
	schema, err := compileSchema().Compile("../../../schema/methods-1.0.schema.json#/$defs/" + definition)
	require.NoError(t, err)
	return schema.Validate(value)
}

// call calls a method; request and answer must conform to the schema.
func call(t *testing.T, m *Methods, name, request string) (int, map[string]any) {
	t.Helper()
	status, body := m.Answer(t.Context(), name, []byte(request))
	require.LessOrEqual(t, len(body), 128<<10)
	definition := name + ".answer"
	if status != 200 {
		definition = "failure"
	} else {
		require.NoError(t, conforms(t, name+".request", []byte(request)), "the schema refuses what the method takes")
	}
	require.NoError(t, conforms(t, definition, body), string(body))
	var answer map[string]any
	require.NoError(t, json.Unmarshal(body, &answer))
	return status, answer
}

func TestEachMethodAnswersAsItsSchemaSays(t *testing.T) {
	f := newSignals("s")
	f.lines = []supervise.LoggedLine{{Time: time.Now(), Signal: "s", LogLine: module.LogLine{Level: 3, Text: "hot"}}}
	m := newMethods(f)
	for name, request := range map[string]string{
		"ping": `null`, "status": `{}`, "logs": `{"guest":"g","lines":1}`, "validate": `{"desired":{"a":1}}`, "restart": `{"signal":"s"}`,
		"pause": `{"signal":"s"}`, "resume": `{"signal":"s"}`, "trace": `{"signal":"s","seconds":0}`,
		"invoke": `{"signal":"s","message":{"body":{"t":1},"properties":{"site":"north"}}}`,
	} {
		status, _ := call(t, m, name, request)
		assert.Equal(t, 200, status, name)
	}
	assert.Subset(t, f.done, []string{"restart s", "pause s", "resume s"})
}

func TestWhatIsWrongWithARequestIsSaid(t *testing.T) {
	f := newSignals("s")
	m := newMethods(f)
	for _, c := range []struct {
		name, request string
		status        int
		message       string
	}{
		{"nothing", `{}`, 404, "there is no method nothing"},
		{"status", `{"limits":1}`, 400, `unknown field "limits"`},
		{"status", `[]`, 400, "array"},
		{"status", `{"limit":1001}`, 400, "limit must be"},
		{"pause", `{}`, 400, "signal is missing"},
		{"pause", `{"signal":"t"}`, 404, "no such signal"},
		{"restart", `{"signal":"s","guest":"g"}`, 400, "one of them"},
		{"restart", `{"guest":"h"}`, 404, `guest "h"`},
		{"logs", `{"guest":"h"}`, 404, `guest "h"`},
		{"logs", `{"guest":"g","lines":0}`, 400, "lines must be"},
		{"trace", `{"signal":"s","messages":51}`, 400, "messages must be"},
		{"trace", `{"signal":"t"}`, 404, "no such signal"},
		{"invoke", `{"signal":"s","message":{"body":1,"text":"a"}}`, 400, "exclude"},
		{"validate", `{}`, 400, "desired is missing"},
		{"validate", `{"desired":{}} x`, 400, "more than one"},
	} {
		status, answer := call(t, m, c.name, c.request)
		assert.Equal(t, c.status, status, "%s %s", c.name, c.request)
		e, _ := answer["error"].(map[string]any)
		assert.Contains(t, e["message"], c.message)
	}
}

func TestOnlyWhatIsReadIsAllowedUnlessChosen(t *testing.T) {
	f := newSignals("s")
	m := New(Config{Signals: f, About: func() About { return About{} }})
	for _, name := range []string{"restart", "pause", "resume", "invoke"} {
		status, answer := call(t, m, name, `{"signal":"s"}`)
		assert.Equal(t, 403, status)
		assert.Contains(t, fmt.Sprint(answer["error"]), "WASM_ON_EDGE_METHODS")
	}
	assert.Empty(t, f.done)
	status, _ := call(t, m, "ping", `null`)
	assert.Equal(t, 200, status)

	m.config.Allows = func(name string) bool { return name == "status" }
	status, _ = call(t, m, "ping", `null`)
	assert.Equal(t, 403, status, "the policy of the device has the last word")
	status, _ = call(t, m, "status", `{}`)
	assert.Equal(t, 200, status)
}

func TestWhatASignalCannotDoIsAConflict(t *testing.T) {
	f := newSignals("s")
	f.err = &supervise.ConflictError{Reason: "the signal has no guest", Hint: "h"}
	status, _ := call(t, newMethods(f), "restart", `{"signal":"s"}`)
	assert.Equal(t, 409, status)
	f.err = &module.GuestError{Op: "instantiate", Guest: "g", Kind: module.KindMemory}
	status, answer := call(t, newMethods(f), "restart", `{"signal":"s"}`)
	assert.Equal(t, 409, status)
	assert.Contains(t, fmt.Sprint(answer["error"]), "memory")
	_, answer = call(t, newMethods(f), "restart", `{"guest":"g"}`)
	assert.Len(t, answer["failed"], 1)
	f.err, f.work.Spec.Permissions.Files = nil, module.FilesPrivate
	status, _ = call(t, newMethods(f), "invoke", `{"signal":"s"}`)
	assert.Equal(t, 409, status)
}

func TestTenThousandSignalsComeInPagesUnderTheLimit(t *testing.T) {
	f := newSignals()
	for n := range 10000 {
		name := module.SignalName(fmt.Sprintf("signal%05d", n))
		f.states[name] = supervise.State{Status: module.Failed, Guest: "g", Description: strings.Repeat("because ", 10)}
	}
	m := newMethods(f)
	seen, after := 0, ""
	for pages := 0; ; pages++ {
		require.Less(t, pages, 200)
		_, answer := call(t, m, "status", fmt.Sprintf(`{"after":%q,"limit":1000}`, after))
		page, _ := answer["signals"].([]any)
		assert.InDelta(t, 10000-seen, answer["matching"], 0)
		seen += len(page)
		if answer["truncated"] == nil {
			break
		}
		after, _ = answer["next"].(string)
	}
	assert.Equal(t, 10000, seen)
}

func TestAStatusIsFiltered(t *testing.T) {
	f := newSignals("press1", "press2", "oven")
	f.states["press2"] = supervise.State{Status: module.Quarantined, Guest: "h"}
	m := newMethods(f)
	for request, want := range map[string]int{`{"signal":"press*"}`: 2, `{"signal":"press"}`: 0, `{"guest":"g"}`: 2, `{"status":"quarantined"}`: 1, `{"limit":0}`: 0} {
		_, answer := call(t, m, "status", request)
		assert.Len(t, answer["signals"], want, request)
	}
}

func TestLargeAnswersAreTruncatedVisibly(t *testing.T) {
	f := newSignals("s")
	f.work.Guest = &echo{times: 40}
	m := newMethods(f)
	_, answer := call(t, m, "invoke", fmt.Sprintf(`{"signal":"s","message":{"text":%q}}`, strings.Repeat("ö", 20000)))
	assert.Equal(t, true, answer["truncated"])
	outputs, _ := answer["outputs"].([]any)
	require.NotEmpty(t, outputs)
	first, _ := outputs[0].(map[string]any)
	assert.InDelta(t, 40000-16384, first["cut"], 1)

	for range 200 {
		f.lines = append(f.lines, supervise.LoggedLine{LogLine: module.LogLine{Text: strings.Repeat("\x01", 1000)}})
	}
	_, answer = call(t, m, "logs", `{"guest":"g","lines":200}`)
	assert.Equal(t, true, answer["truncated"])
	assert.NotEmpty(t, answer["lines"])
}

func TestSecretsInPropertiesAreNotShown(t *testing.T) {
	f := newSignals("s")
	f.work.Guest = nil
	_, answer := call(t, newMethods(f), "invoke", `{"signal":"s","message":{"text":"x","properties":{"Authorization":"abc","site":"north","x":"SharedAccessSignature sr=abc"}}}`)
	text := fmt.Sprint(answer["outputs"])
	assert.NotContains(t, text, "abc")
	assert.Contains(t, text, "north")
}

func TestATraceThatIsNotCompleteGoesOnWithTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newSignals("a", "b", "c", "d", "e")
		m := newMethods(f)
		began := time.Now()
		_, answer := call(t, m, "trace", `{"signal":"a","seconds":20}`)
		assert.Equal(t, 20*time.Second, time.Since(began))
		assert.Equal(t, false, answer["complete"])
		first := m.traces["a"].Trace
		_, _ = call(t, m, "trace", `{"signal":"a","seconds":0}`)
		assert.Same(t, first, m.traces["a"].Trace)

		for _, name := range []string{"b", "c", "d"} {
			_, _ = call(t, m, "trace", `{"signal":"`+name+`","seconds":0}`)
		}
		status, _ := call(t, m, "trace", `{"signal":"e","seconds":0}`)
		assert.Equal(t, 409, status, "four at a time")
		time.Sleep(forgottenAfter)
		status, _ = call(t, m, "trace", `{"signal":"e","seconds":0}`)
		assert.Equal(t, 200, status, "the others were forgotten")
	})
}

func FuzzAnswer(f *testing.F) {
	f.Add("status", []byte(`{"limit":3}`))
	f.Add("invoke", []byte(`{"signal":"s","message":{"base64":"AA=="}}`))
	f.Add("logs", []byte(`{"guest":"g"} `))
	f.Fuzz(func(t *testing.T, name string, payload []byte) {
		if name == "trace" {
			return // it may wait, as it is asked to
		}
		status, answer := newMethods(newSignals("s")).Answer(t.Context(), name, payload)
		assert.Contains(t, []int{200, 400, 403, 404, 409, 500}, status)
		assert.True(t, json.Valid(answer))
		assert.LessOrEqual(t, len(answer), maxAnswer)
	})
}
