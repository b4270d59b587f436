// Package browser_test looks at the portal in a real browser: it builds the command, simulates a deployment, and has
// web/test drive Chromium through the page. It wants node, web/node_modules (npm ci) and Chromium, and is skipped
// without them.
//
// # Concurrency
//
// Each test has a simulation and a browser of its own.
package browser_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const repository = "../../../.."

// needWeb skips a test where node is missing, or what the page is built with.
func needWeb(t *testing.T) {
	t.Helper()
	if os.Getenv("CGO_ENABLED") == "0" {
		t.Skip("it is tested with cgo")
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("node is missing")
	}
	if _, err := os.Stat("../web/node_modules/playwright-core"); err != nil {
		t.Skip("web/node_modules is missing: make page installs it")
	}
}

// need skips a test where something is missing that it takes to run a browser.
func need(t *testing.T) (chromium string) {
	t.Helper()
	needWeb(t)
	chromium, err := exec.LookPath(cmp.Or(os.Getenv("CHROMIUM"), "chromium"))
	if err != nil {
		t.Skip("chromium is missing")
	}
	return chromium
}

// build builds the command and the guest threshold, which the build cache makes short.
func build(t *testing.T) (command, guests string) {
	t.Helper()
	dir := t.TempDir()
	command, guests = filepath.Join(dir, "wasm-on-edge"), filepath.Join(dir, "guests")
	goBuild(t, repository, nil, "-o", command, "./module/cmd/wasm-on-edge")
	goBuild(t, repository+"/wasm-guests/threshold", []string{"GOOS=wasip1", "GOARCH=wasm"},
		"-buildmode=c-shared", "-ldflags=-s -w", "-o", filepath.Join(guests, "threshold.wasm"), ".")
	return command, guests
}

func goBuild(t *testing.T, dir string, env []string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "go", append([]string{"build"}, args...)...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// simulate runs the command until the test ends, and returns the page's URL.
func simulate(t *testing.T, command string, args ...string) (url string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	c := exec.CommandContext(ctx, command, append([]string{"simulate", "--portal", "127.0.0.1:0"}, args...)...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGINT) }
	c.WaitDelay = 10 * time.Second
	c.Stderr = t.Output()
	stdout, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	t.Cleanup(func() { cancel(); _ = c.Wait() })
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if found, ok := strings.CutPrefix(lines.Text(), "portal at "); ok {
			go func() { _, _ = io.Copy(io.Discard, stdout) }() // ends with the command
			return found
		}
	}
	require.Fail(t, "simulate ended without telling where its page is")
	return ""
}

// drive runs a file of specifications against a page. SHOTS=DIR has them leave pictures there.
func drive(t *testing.T, file string, env ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "test/"+file)
	c.Dir, c.Env = "../web", append(os.Environ(), env...)
	out, err := c.CombinedOutput()
	t.Logf("%s", out)
	require.NoError(t, err, "a specification of %s does not hold", file)
}

func TestWhatIsEmbeddedIsBuiltFromTheSources(t *testing.T) {
	needWeb(t)
	built := t.TempDir()
	c := exec.CommandContext(t.Context(), "node_modules/.bin/vite", "build", "--outDir", built, "--logLevel", "error")
	c.Dir = "../web"
	out, err := c.CombinedOutput()
	require.NoError(t, err, "%s", out)
	assert.Equal(t, files(t, built), files(t, "../dist"), "make page builds it")
}

// files returns the contents of all files under a directory, by their names.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	contents := make(map[string]string)
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, name))
		contents[name] = string(content)
		return err
	}))
	return contents
}

func TestThePage(t *testing.T) {
	chromium := need(t)
	command, guests := build(t)
	t.Run("shows and changes a simulation", func(t *testing.T) {
		dropped := filepath.Join(t.TempDir(), "dropped.wasm")
		require.NoError(t, os.Link(filepath.Join(guests, "threshold.wasm"), dropped))
		url := simulate(t, command, "testdata/deployment.json", "--guests", guests)
		drive(t, "page.test.mjs", "PORTAL="+url, "CHROMIUM="+chromium, "DROPPED="+dropped, "COMMAND="+command, "GUESTS="+guests)
	})
	t.Run("neither grows nor stutters with a thousand signals", func(t *testing.T) { // for three seconds; LOAD=60s makes it a minute
		require.NoError(t, os.WriteFile(filepath.Join(guests, "signals.json"), manySignals(t, 1000), 0o600))
		load, err := time.ParseDuration(cmp.Or(os.Getenv("LOAD"), "3s"))
		require.NoError(t, err)
		url := simulate(t, command, "testdata/thousand.json", "--guests", guests)
		drive(t, "load.test.mjs", "PORTAL="+url, "CHROMIUM="+chromium, fmt.Sprintf("SECONDS=%v", load.Seconds()))
	})
}

// manySignals is a file of host-only signals that each take one member of a message, and send it when it has changed.
func manySignals(t *testing.T, n int) []byte {
	t.Helper()
	signals := make(map[string]any, n)
	for i := range n {
		signals[fmt.Sprintf("tag%04d", i)] = map[string]any{"source": "input:tags", "selector": fmt.Sprintf("/t%d", i),
			"dataChangeTrigger": "statusValue", "output": "telemetry"}
	}
	file, err := json.Marshal(map[string]any{"signals": signals})
	require.NoError(t, err)
	return file
}
