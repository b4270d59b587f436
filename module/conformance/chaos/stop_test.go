//go:build cgo

package chaos

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// stopLimit is what the module promises: edgeAgent kills it after ten seconds.
const stopLimit = 8 * time.Second

// What the module has to do when it is stopped: each input goes to all signals, of which some take their time, and all of
// the others keep a count.
const (
	stopSignals     = 200
	stopSlowSignals = 5
	stopInputs      = 10
)

// busyGuest passes each message on after 80 ms of work or so.
const busyGuest = `(module
  (memory (export "memory") 6)
  (func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
  (func (export "edge_message") (param i32 i32) (result i32)
    (local $n i32)
    (loop $again
      (i32.store (i32.const 16) (local.get $n))
      (local.set $n (i32.add (local.get $n) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $n) (i32.const %d))))
    (i32.const 1)))`

// loaded is a module in a process of its own, and its hub in this one.
type loaded struct {
	t           *testing.T
	dir, binary string
	hub         *sim.Hub

	mu      sync.Mutex                   // guards what follows
	ends    []string                     // of the module's connections
	results map[string]map[string]string // by signal and id of the input
}

func newLoaded(t *testing.T) *loaded {
	t.Helper()
	dir, err := os.MkdirTemp("", "stop") // short: sockets lie in it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	l := &loaded{t: t, dir: dir, binary: filepath.Join(dir, "wasm-on-edge"), results: map[string]map[string]string{}}
	buildBinary(t, l.binary)
	count, err := os.ReadFile("testdata/count.wat")
	require.NoError(t, err)
	l.compile("count", string(count))
	l.compile("busy", fmt.Sprintf(busyGuest, 65_000_000))
	m, err := manifest.Parse([]byte(deployment))
	require.NoError(t, err)
	for i := range m.Modules {
		if m.Modules[i].Name == "wasmOnEdge" {
			m.Modules[i].Desired = stopTwin()
		}
	}
	l.hub, err = sim.New(sim.Config{
		Manifest: m, Dir: dir, AckTimeout: 5 * time.Second, RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
		Observer: sim.Observer{Upstream: l.take, Disconnected: l.disconnected},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- l.hub.Run(ctx) }()
	t.Cleanup(func() { cancel(); assert.NoError(t, <-ended) })
	return l
}

func (l *loaded) compile(name, text string) {
	l.t.Helper()
	binary, err := wasmtime.Wat2Wasm(text)
	require.NoError(l.t, err)
	require.NoError(l.t, os.WriteFile(filepath.Join(l.dir, name+".wasm"), binary, 0o600))
}

func stopTwin() json.RawMessage {
	signals := map[string]map[string]string{}
	for n := range stopSignals {
		guest := "count"
		if n < stopSlowSignals {
			guest = "busy"
		}
		signals[fmt.Sprint(guest, n)] = map[string]string{"guest": guest}
	}
	text, _ := json.Marshal(signals) // texts only
	return fmt.Appendf(nil, `{"schemaVersion":"1.0","guests":{"count":{"source":"file:count.wasm","limits":{"deadlineMs":5000}},
		"busy":{"source":"file:busy.wasm","limits":{"deadlineMs":5000}}},"signalDefaults":{"source":"input:in"},"signals":%s}`, text)
}

func (l *loaded) take(u sim.Upstream) {
	signal, _ := u.Message.Properties.Get("signal")
	input, _ := u.Message.Properties.Get("$.cid")
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.results[signal] == nil {
		l.results[signal] = map[string]string{}
	}
	l.results[signal][input] = string(u.Message.Body)
}

func (l *loaded) disconnected(module string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if module == "wasmOnEdge" {
		l.ends = append(l.ends, err.Error())
	}
}

// count returns how many results came, each counted once.
func (l *loaded) count() (results int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, inputs := range l.results {
		results += len(inputs)
	}
	return results
}

// start starts the real binary as edgeAgent does.
func (l *loaded) start() *process {
	l.t.Helper()
	cmd := exec.Command(l.binary, "run")
	cmd.Env = append(os.Environ(), "WASM_ON_EDGE_LOG_FORMAT=json", "WASM_ON_EDGE_STORAGE="+filepath.Join(l.dir, "storage"), "WASM_ON_EDGE_GUESTS="+l.dir)
	for name, value := range l.hub.Environment("wasmOnEdge") {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var log strings.Builder
	cmd.Stderr = &log
	p := launch(l.t, cmd, func() error { return nil })
	l.t.Cleanup(func() {
		p.kill()
		if l.t.Failed() {
			l.t.Log(log.String())
		}
	})
	return p
}

func (l *loaded) wait(what string, holds func() bool) {
	l.t.Helper()
	require.Eventually(l.t, holds, time.Minute, 10*time.Millisecond, what)
}

// TestAStopUnderLoadTakesEightSecondsAtMostAndLosesNothing stops the real binary in mid-stream, while edgeHub acknowledges
// nothing.
func TestAStopUnderLoadTakesEightSecondsAtMostAndLosesNothing(t *testing.T) {
	l := newLoaded(t)
	module := l.start()
	for n := range stopInputs {
		m := edgehub.Message{Body: fmt.Appendf(nil, `{"n":%d}`, n), Properties: edgehub.Properties{{Name: edgehub.PropertyMessageID, Value: fmt.Sprint("m", n)}}}
		require.NoError(t, l.hub.Publish(t.Context(), "source", "out", m))
	}
	l.wait("the stream to flow", func() bool { return l.count() > stopSignals })
	require.NoError(t, l.hub.HoldAcks("wasmOnEdge", true))
	before := l.count()
	l.wait("results without an acknowledgement", func() bool { return l.count() > before+stopSignals/2 })

	took, err := module.stop()
	at := l.count()

	require.NoError(t, err, "exit code 0")
	assert.Less(t, took, stopLimit)
	l.wait("the end of the connection", func() bool { l.mu.Lock(); defer l.mu.Unlock(); return len(l.ends) > 0 })
	assert.Equal(t, []string{"client sent DISCONNECT"}, l.ends)
	require.Less(t, at, stopSignals*stopInputs, "it was stopped in mid-stream")
	t.Logf("the stop took %v, after %d of %d results", took.Round(time.Millisecond), at, stopSignals*stopInputs)

	require.NoError(t, l.hub.HoldAcks("wasmOnEdge", false))
	l.start()
	l.wait("what comes of every input in every signal", func() bool { return l.count() == stopSignals*stopInputs })
	l.mu.Lock()
	defer l.mu.Unlock()
	for signal, results := range l.results {
		if strings.HasPrefix(signal, "count") {
			last := slices.Max(slices.Collect(maps.Values(results)))
			assert.Contains(t, last, fmt.Sprintf("count=%08d ", stopInputs), "%s has counted each input once", signal)
		}
	}
}
