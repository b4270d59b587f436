package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watched is a standard output that calls found when it has been given a text.
type watched struct {
	text  string
	found func()

	mu     sync.Mutex // guards buffer
	buffer bytes.Buffer
}

func (w *watched) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buffer.Write(data)
	if strings.Contains(w.buffer.String(), w.text) {
		w.found()
	}
	return n, err
}

// testEnvironment is a process without a terminal, whose guests are the tests'.
func testEnvironment(t *testing.T, stdout io.Writer) (env *environment, stderr *bytes.Buffer, stop context.CancelFunc) {
	t.Helper()
	t.Setenv("WASM_ON_EDGE_GUESTS", compileGuests(t))
	temporary, err := os.MkdirTemp("/tmp", "woe-") // short: sockets come to lie in it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	t.Setenv("TMPDIR", temporary)
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	stderr = &bytes.Buffer{}
	return &environment{ctx: ctx, stdin: strings.NewReader(""), stdout: stdout, stderr: stderr, getenv: os.Getenv}, stderr, stop
}

var simulateForEver = []string{"simulate", filepath.Join("testdata", "shared", "deployment.template.json"), "--json"}

func TestSimulateEndsWithASummaryWhenItIsInterrupted(t *testing.T) {
	var stop context.CancelFunc
	stdout := &watched{text: `"type":"message"`, found: func() { stop() }}
	env, _, cancel := testEnvironment(t, stdout)
	stop = cancel
	assert.Equal(t, exitOK, execute(simulateForEver, env))
	printed := strings.Split(strings.TrimSpace(stdout.buffer.String()), "\n")
	var last summary
	require.NoError(t, json.Unmarshal([]byte(printed[len(printed)-1]), &last))
	assert.Equal(t, "summary", last.Type)
	assert.Positive(t, last.Upstream)
	assertNothingIsLeft(t)
}

func TestSimulateEndsQuietlyWhenNobodyReadsItsOutputAnyMore(t *testing.T) {
	env, stderr, stop := testEnvironment(t, nil)
	env.stdout = &pipe{Writer: closedPipe{}, broken: stop}
	assert.Equal(t, exitOK, execute(simulateForEver, env))
	assert.NotContains(t, stderr.String(), "error:")
	assertNothingIsLeft(t)
}

func TestCommandsThatOnlyPrintFailQuietlyWhenNobodyReads(t *testing.T) {
	env, stderr, stop := testEnvironment(t, nil)
	env.stdout = &pipe{Writer: closedPipe{}, broken: stop}
	assert.Equal(t, exitFailure, execute([]string{"version"}, env))
	assert.Empty(t, stderr.String())
}

// closedPipe is a pipe whose reader has gone.
type closedPipe struct{}

func (closedPipe) Write([]byte) (int, error) { return 0, syscall.EPIPE }

func TestSimulateLeavesNothingBehindWhenItCannotStart(t *testing.T) {
	env, stderr, _ := testEnvironment(t, io.Discard)
	recording := filepath.Join("testdata", "shared", "deployment.template.json") // which is none
	assert.Equal(t, exitFailure, execute(append(simulateForEver, "--sensor", recording), env))
	assert.Contains(t, stderr.String(), "read recording")
	assertNothingIsLeft(t)
}

func assertNothingIsLeft(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(os.TempDir())
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestReleaseVersionIsTheOneOfModuleJSON(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(repository, "module.json"))
	require.NoError(t, err)
	var description struct {
		Image struct {
			Tag struct{ Version string }
		}
	}
	require.NoError(t, json.Unmarshal(document, &description))
	assert.Equal(t, description.Image.Tag.Version, releaseVersion)
	assert.True(t, strings.HasPrefix(version(), releaseVersion))
}

func TestAnErrorIsOneLineAndItsHintAnother(t *testing.T) {
	env, stderr, _ := testEnvironment(t, io.Discard)
	assert.Equal(t, exitFailure, fail(env, hint(errors.Join(errors.New("one"), errors.New("two")), "three")))
	assert.Equal(t, "wasm-on-edge: error: one; two\nwasm-on-edge: hint: three\n", stderr.String())
}
