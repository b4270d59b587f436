package bench

import (
	"bytes"
	"context"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

var update = flag.Bool("update", false, "make the embedded guests anew")

const sources = "../../../wasm-guests"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == app.CompilerCommand {
		syscall.Exit(app.CompilerMain(os.Args[2:])) // os.Exit would have the race detector wait for a second
	}
	os.Exit(m.Run())
}

func TestTheEmbeddedGuestsAreWhatTheirSourcesGive(t *testing.T) {
	want := map[string][]byte{}
	for _, name := range []string{"pass", "emit_and_set"} {
		text, err := os.ReadFile(filepath.Join(sources, "testdata", name+".wat"))
		require.NoError(t, err)
		want[name], err = wasmtime.Wat2Wasm(string(text))
		require.NoError(t, err)
	}
	var err error
	want["average"], err = os.ReadFile(filepath.Join(sources, "average/c/average.wasm"))
	require.NoError(t, err)
	for name, binary := range want {
		file := filepath.Join("guests", name+".wasm")
		if *update {
			require.NoError(t, os.WriteFile(file, binary, 0o600))
		}
		have, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.True(t, bytes.Equal(binary, have), "%s is not what its source gives: go test ./module/internal/bench -update", file)
	}
}

func TestTheLimitsAreThoseOfTheTwin(t *testing.T) {
	document := `{"$version":1,"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm"}}}`
	assert.Equal(t, twin.Parse([]byte(document), twin.Environment{}).Guests["g"].Limits, limits)
}

// output measures what c asks for, as shortly as can be, and returns what is printed.
func output(t *testing.T, c Config) string {
	t.Helper()
	var out bytes.Buffer
	c.Out, c.Time, c.Version = &out, time.Millisecond, "1.2.3"
	b, err := New(c)
	require.NoError(t, err)
	require.NoError(t, b.Run(t.Context()))
	return out.String()
}

func named(pattern string) *regexp.Regexp { return regexp.MustCompile(pattern) }

func TestOutputIsInTheFormOfGoBenchmarks(t *testing.T) {
	out := output(t, Config{Run: named("Message/pass")})
	assert.Regexp(t, `(?m)\Agoos: linux\ngoarch: \w+\npkg: .*\nversion: 1\.2\.3\nwasmtime: [0-9.]+\n`, out)
	assert.Regexp(t, `(?m)^BenchmarkMessage/pass/200B(-\d+)?\s+\d+\s+[0-9.]+ ns/op(\s+[0-9.]+ \S+)*\s+\d+ B/op\s+\d+ allocs/op$`, out)
}

func TestEveryFigureIsMeasured(t *testing.T) {
	out := output(t, Config{Run: named("Message|Start|Compile|Load|EndToEnd")})
	for _, name := range []string{"Message/pass/200B", "Message/emitAndSet/200B", "Message/averageC/", "Start/pass", "Start/averageC",
		"Compile/averageC", "Load/averageC", "EndToEnd/1inFlight", "EndToEnd/64inFlight"} {
		assert.Contains(t, out, "Benchmark"+name)
	}
	assert.NotContains(t, out, "Memory/")
}

func TestOutputsAreCountedWithWhatIsPassedOn(t *testing.T) {
	out := output(t, Config{Run: named("Message/(pass|emitAndSet)")})
	assert.Equal(t, 2, strings.Count(out, " 1 outputs/op"), out)
}

func TestMemoryIsWhatASignalTakesOfTheWholeModule(t *testing.T) {
	m, err := newMemory(t.Context(), shortDir(t), &average, 50)
	require.NoError(t, err)
	defer m.close()
	require.NoError(t, m.run(t.Context(), 1))
	assert.Greater(t, m.each, 4.0, "a page of the guest at least, in KiB")
	assert.Less(t, m.each, 400.0)
	assert.Len(t, m.device.module.Signals(), 51)
}

func TestAGuestOfTheUserIsMeasuredToo(t *testing.T) {
	own := &Guest{Name: "mine", Binary: averageBinary, Message: []byte(`{"value":1}`), Settings: []byte(`{"window":3}`)}
	out := output(t, Config{Guest: own, Run: named("(Message|Start|Compile|Load)/mine")})
	for _, name := range []string{"Message/mine/11B", "Start/mine", "Compile/mine", "Load/mine"} {
		assert.Contains(t, out, "Benchmark"+name)
	}
	_, err := New(Config{Guest: own, Time: time.Second, Run: named("^Memory/mine/1000signals$")})
	assert.NoError(t, err, "it is a figure; how memory is measured is told above, of fewer signals")
}

func TestWhatAGuestRefusesIsTheError(t *testing.T) {
	for _, row := range []struct {
		name string
		own  Guest
		want string
	}{
		{"settings", Guest{Name: "mine", Binary: averageBinary, Settings: []byte(`{"window":0}`)}, "is not between 1 and 1000 samples"},
		{"message", Guest{Name: "mine", Binary: averageBinary, Message: []byte(`x`)}, "the message is not a JSON object"},
		{"binary", Guest{Name: "mine", Binary: []byte(`x`)}, "compile"},
	} {
		t.Run(row.name, func(t *testing.T) {
			b, err := New(Config{Out: new(bytes.Buffer), Time: time.Millisecond, Guest: &row.own, Run: named("Message/mine")})
			require.NoError(t, err)
			assert.ErrorContains(t, b.Run(t.Context()), row.want)
		})
	}
}

func TestAnEndedContextEndsTheRun(t *testing.T) {
	b, err := New(Config{Out: new(bytes.Buffer), Time: time.Hour, Run: named("Message/pass")})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, b.Run(ctx), context.Canceled)
}

func TestAPatternThatMatchesNothingIsRefused(t *testing.T) {
	_, err := New(Config{Time: time.Second, Run: named("Mesage")})
	assert.ErrorContains(t, err, `"Mesage" is in the name of none`)
}

func TestANumberOfTimesIsForeseenFromTheLast(t *testing.T) {
	assert.Equal(t, 12, times(result{n: 1, time: 100 * time.Millisecond}, time.Second))
	assert.Equal(t, 100, times(result{n: 1, time: time.Microsecond}, time.Second), "a hundred times as often at most")
	assert.Equal(t, 6, times(result{n: 5, time: time.Second}, time.Second), "more often than the last")
}

// shortDir returns a temporary directory with a path that sockets fit.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "woe-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}
