package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// patience is how long a test waits for what must come: Node starts slowly on a busy machine.
const patience = 60 * time.Second

// needNode skips a test where the SDK cannot run.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node is not installed; install Node.js 20 or newer and run make conformance")
	}
	if _, err := os.Stat("node_modules/azure-iot-device"); err != nil {
		t.Skip("the official SDK is not installed; run make conformance")
	}
}

// hub is a simulated Edge Hub and what it saw.
type hub struct {
	*sim.Hub
	upstream  chan sim.Upstream // full: the hub waits, and the test fails for it
	reported  chan string
	connected chan string
}

// start runs a hub with modules and routes until the test ends.
func start(t *testing.T, m manifest.Manifest) *hub {
	t.Helper()
	h, err := newHub(t, sim.Config{Manifest: m})
	require.NoError(t, err)
	return h
}

func newHub(t *testing.T, cfg sim.Config) (*hub, error) {
	t.Helper()
	dir, err := os.MkdirTemp("", "hub") // its name leaves room for a socket's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	seen := &hub{upstream: make(chan sim.Upstream, 1000), reported: make(chan string, 1000), connected: make(chan string, 1000)}
	cfg.Dir, cfg.RetryMin, cfg.RetryMax = dir, 10*time.Millisecond, 100*time.Millisecond
	cfg.AckTimeout = 2 * time.Second // an input in flight while the SDK renews its token waits for as long
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel)
	cfg.Observer = sim.Observer{
		Upstream:  func(m sim.Upstream) { seen.upstream <- m },
		Reported:  func(_ string, _ int64, properties json.RawMessage) { seen.reported <- string(properties) },
		Connected: func(module string) { seen.connected <- module },
	}
	if seen.Hub, err = sim.New(cfg); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- seen.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return seen, nil
}

// deployment has modules of the given names, and routes.
func deployment(t *testing.T, modules []string, routes ...string) manifest.Manifest {
	t.Helper()
	var m manifest.Manifest
	for _, name := range modules {
		m.Modules = append(m.Modules, manifest.Module{Name: name, Desired: []byte(`{}`)})
	}
	for _, text := range routes {
		route, err := manifest.ParseRoute(text, text)
		require.NoError(t, err)
		m.Routes = append(m.Routes, route)
	}
	return m
}

// edge is what modules and tests ask of a hub, be it in this process or in one of its own. Its functions are those of
// [sim.Hub].
type edge interface {
	Environment(module string) map[string]string
	ConnectionString(module string) (connectionString, caFile string)
	PatchDesired(module string, patch []byte) (version int64, err error)
	Invoke(ctx context.Context, module, method string, payload []byte) (status int, body []byte, err error)
}

// byWorkload and byConnectionString are the two ways in which a module finds its hub.
func byWorkload(h edge, module string) map[string]string { return h.Environment(module) }

func byConnectionString(h edge, module string) map[string]string {
	text, file := h.ConnectionString(module)
	return map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": file}
}

// with adds variables, in pairs of name and value, to an environment.
func with(env map[string]string, pairs ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	return env
}

// event is what a module on the official SDK tells.
type event struct {
	Event, Error, CorrelationID string
	N                           int
}

// runNode runs a module on the official SDK until the test ends, and returns what it tells after it is ready. It may end
// before when it has nothing to do any more, but not with an error.
func runNode(t *testing.T, script string, env map[string]string) <-chan event {
	t.Helper()
	return follow(t, func(ctx context.Context, events chan<- event) {
		err := runNodeOnce(ctx, t, script, env, events)
		assert.True(t, err == nil || ctx.Err() != nil, "the module ended by itself: %v", err)
	})
}

// keepNode is runNode for a module that may end: it is started again, as edgeAgent does. The SDK gives a connection up
// that is reset (ECONNRESET, where the hub had not read all), tells the application, and a process that has nothing else to do ends.
func keepNode(t *testing.T, script string, env map[string]string) <-chan event {
	t.Helper()
	return follow(t, func(ctx context.Context, events chan<- event) {
		for ctx.Err() == nil {
			_ = runNodeOnce(ctx, t, script, env, events)
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	})
}

// follow runs something until the test ends, and returns what it tells after it is ready.
func follow(t *testing.T, run func(context.Context, chan<- event)) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	events := make(chan event, 100) // full: the module waits
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer close(events)
		run(ctx, events)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	require.Equal(t, event{Event: "ready"}, receive(t, events))
	return events
}

// runNodeOnce runs a module until it ends, or ctx.
func runNodeOnce(ctx context.Context, t *testing.T, script string, env map[string]string, events chan<- event) error {
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = zerolog.NewTestWriter(t)
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return err
	}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			e.Error = err.Error()
		}
		select {
		case events <- e:
		case <-ctx.Done():
		}
	}
	return cmd.Wait()
}

// receive returns the next value of a channel.
func receive[T any](t *testing.T, values <-chan T) (value T) {
	t.Helper()
	ok := false
	select {
	case value, ok = <-values:
	case <-time.After(patience):
	}
	require.True(t, ok, "nothing came, or the module ended")
	return value
}
