package wasm_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// goProgram compiles testdata/above as Go's own compiler builds it, with its runtime and its WASI imports.
func goProgram(t testing.TB) (*wasm.Guest, module.Limits) {
	file := filepath.Join(t.TempDir(), "above.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", file, "./testdata/above")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	binary, err := os.ReadFile(file)
	require.NoError(t, err)
	l := limits()
	l.Memory, l.Deadline = 16<<20, time.Second
	guest, err := newHost(t).Compile(t.Context(), "above", binary, l)
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	return guest, l
}

func TestAGoProgramIsAGuestInBothForms(t *testing.T) {
	guest, l := goProgram(t)

	i := start(t, guest, wasm.Options{Limits: l})
	require.NoError(t, i.Configure([]byte(`{"settings":{"high":20}}`)))
	verdict, err := i.Message(message(`{"value":21.5}`))
	require.NoError(t, err)
	assert.Equal(t, module.Done, verdict)
	assert.Equal(t, []string{"{\"value\":21.5}\n"}, bodies(i))
	verdict, err = i.Message(message(`{"value":19}`))
	require.NoError(t, err)
	assert.Equal(t, module.Drop, verdict)
	_, err = i.Message(message(`{"temperature":1}`))
	assert.ErrorContains(t, err, `failed: exit code 1; last words: "no value in {\"temperature\":1}"`)

	s := serve(t, guest, l)
	for range 3 {
		s.in <- `{"value":-1}`
		s.in <- `{"value":21.5}`
		assert.Equal(t, `{"value":21.5}`, s.next(t))
	}
	s.stopsWithin(t, time.Second)
}

func BenchmarkCommandGo(b *testing.B) {
	guest, l := goProgram(b)
	i := start(b, guest, wasm.Options{Limits: l})
	for b.Loop() {
		if _, err := i.Message(message(`{"value":21.5}`)); err != nil {
			b.Fatal(err)
		}
	}
}
