//go:build cgo

package conformance

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// languages are those in which wasm-guests/average is written, and where the binaries are.
var languages = map[string]string{
	"go":             "../../build/guests/average.wasm",
	"c":              "../../wasm-guests/average/c/average.wasm",
	"rust":           "../../wasm-guests/average/rust/average.wasm",
	"assemblyscript": "../../wasm-guests/average/assemblyscript/average.wasm",
}

// guests are the same guest in several languages, compiled.
type guests map[string]*wasm.Guest

// averages are the guests at work, each for a signal of its own.
type averages map[string]*signal

// signal is a guest at work, with what the host keeps for it.
type signal struct {
	guest    *wasm.Guest
	instance *wasm.Instance
	state    map[string][]byte
}

// answer is what can be seen of a call from outside.
type answer struct {
	Verdict    module.Verdict
	Failed     string // the reason, where it did
	Bodies     []string
	Properties []module.Properties
	State      string // what is kept after the call, as hexadecimal digits
	Ignored    float64
}

func compileAverages(t testing.TB) guests {
	t.Helper()
	host, err := wasm.New(wasm.Config{Compiler: compiler})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	all := guests{}
	for language, file := range languages {
		binary, err := os.ReadFile(file)
		if language == "go" && errors.Is(err, fs.ErrNotExist) {
			t.Log("Go is left out: " + file + " is missing, run make guests")
			continue
		}
		require.NoError(t, err)
		all[language], err = host.Compile(t.Context(), "average", binary, averageLimits())
		require.NoError(t, err, language)
		t.Cleanup(all[language].Close)
	}
	return all
}

// start returns the guests at work with settings, a JSON object, accepted.
func (g guests) start(t testing.TB, settings string) averages {
	t.Helper()
	all := averages{}
	for language, guest := range g {
		all[language] = &signal{guest: guest, state: map[string][]byte{}}
	}
	all.restart(t, settings)
	return all
}

func averageLimits() module.Limits {
	return module.Limits{
		Memory: 16 << 20, Deadline: time.Second, Start: 10 * time.Second, Stack: 128 << 10,
		EmitsPerCall: 64, EmitBytesPerCall: 1 << 20, LogLinesPerMinute: 600, Storage: 1 << 20,
	}
}

// restart ends all instances and starts new ones with what the host has kept.
func (a averages) restart(t testing.TB, settings string) {
	t.Helper()
	for language, s := range a {
		if s.instance != nil {
			s.instance.Close()
		}
		var err error
		s.instance, err = s.guest.Start(wasm.Options{Signal: "press1", Limits: averageLimits(), State: s.state})
		require.NoError(t, err, language)
		t.Cleanup(s.instance.Close)
	}
	require.Empty(t, a.configure(t, settings))
}

// configure gives all guests settings and returns the reason for which all refuse them.
func (a averages) configure(t testing.TB, settings string) string {
	t.Helper()
	document := []byte(`{"signal":"press1","partition":"","settings":` + settings + `}`)
	reasons := map[string]string{}
	for language, s := range a {
		reasons[language] = reasonOf(s.instance.Configure(document))
	}
	return same(t, reasons)
}

// message hands all guests a message and returns what all answer.
func (a averages) message(t testing.TB, body string) answer {
	t.Helper()
	answers := map[string]answer{}
	for language, s := range a {
		answers[language] = s.message(t, body)
	}
	return same(t, answers)
}

func (s *signal) message(t testing.TB, body string) answer {
	verdict, err := s.instance.Message(module.Message{Body: []byte(body)})
	require.False(t, s.instance.Dead(), "%v", err)
	got := answer{Verdict: verdict, Failed: reasonOf(err)}
	for _, m := range s.instance.Effects().Emitted {
		got.Bodies = append(got.Bodies, string(m.Body))
		got.Properties = append(got.Properties, cloned(m.Properties))
	}
	for _, change := range s.instance.Effects().State {
		s.state[strings.Clone(change.Key)] = slices.Clone(change.Value)
	}
	for _, metric := range s.instance.Effects().Metrics {
		assert.Equal(t, "ignored", metric.Name)
		got.Ignored += metric.Value
	}
	got.State = fmt.Sprintf("%x", s.state)
	return got
}

// cloned copies properties out of an instance's buffers.
func cloned(properties module.Properties) module.Properties {
	copied := slices.Clone(properties)
	for i := range copied {
		copied[i].Name, copied[i].Value = strings.Clone(copied[i].Name), strings.Clone(copied[i].Value)
	}
	return copied
}

func reasonOf(err error) string {
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		return e.Message
	}
	return ""
}

// same checks that all languages say the same, and returns it.
func same[T any](t testing.TB, said map[string]T) T {
	t.Helper()
	for language, what := range said {
		require.Equal(t, said["c"], what, "c and %s differ", language)
	}
	return said["c"]
}

// reading is a line of testdata/readings.jsonl.
type reading struct {
	Value           any    `json:"value"`
	SourceTimestamp string `json:"sourceTimestamp"`
	Quality         string `json:"quality"`
	Reason          string `json:"reason"`
}

// readings are a recording of a signal as the host hands it out, line by line.
func readings(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/readings.jsonl")
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

// expected is the job of the guest, done by other means.
type expected struct {
	size   int
	window []float64
}

// after returns what is to be seen of a guest after a reading.
func (e *expected) after(t testing.TB, line string) answer {
	t.Helper()
	var r reading
	require.NoError(t, json.Unmarshal([]byte(line), &r))
	value, isNumber := r.Value.(float64)
	want := answer{}
	switch {
	case r.Quality == "bad" || r.Reason == "heartbeat":
		want.Ignored = 1
	case !isNumber:
		text, _ := json.Marshal(r.Value)
		want.Verdict, want.Failed = -1, "value is not a number: "+string(text)
	default:
		e.window = append(e.window, value)
		e.window = e.window[max(0, len(e.window)-e.size):]
		want.Verdict = module.Done
		want.Bodies = []string{e.event(r.SourceTimestamp)}
		want.Properties = []module.Properties{{{"$.ct", "application/json"}, {"$.ce", "utf-8"}}}
	}
	want.State = e.kept()
	return want
}

func (e *expected) event(timestamp string) string {
	sum := 0.0
	for _, value := range e.window {
		sum += value
	}
	event, _ := json.Marshal(struct {
		Signal          string  `json:"signal"`
		Average         float64 `json:"average"`
		Count           int     `json:"count"`
		SourceTimestamp string  `json:"sourceTimestamp,omitempty"`
	}{"press1", sum / float64(len(e.window)), len(e.window), timestamp})
	return string(event)
}

func (e *expected) kept() string {
	state := map[string][]byte{}
	for _, value := range e.window {
		state["window"] = binary.LittleEndian.AppendUint64(state["window"], math.Float64bits(value))
	}
	return fmt.Sprintf("%x", state)
}
