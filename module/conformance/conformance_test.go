package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// patience is how long a test waits for what must come: Node starts slowly on a busy machine.
const patience = 60 * time.Second

// needNode skips a test where the SDK cannot run.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node is not installed; the official SDK was not tried")
	}
	if _, err := os.Stat("node_modules/azure-iot-device"); err != nil {
		t.Skip("the official SDK is not installed; run make conformance")
	}
}

// hub is a simulated Edge Hub and what it saw.
type hub struct {
	*sim.Hub
	upstream chan sim.Upstream
	reported chan string
}

// start runs a hub, with the routes source → filter → $upstream, until the test ends.
func start(t *testing.T) *hub {
	t.Helper()
	dir, err := os.MkdirTemp("", "hub") // its name leaves room for a socket's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	seen := &hub{upstream: make(chan sim.Upstream, 100), reported: make(chan string, 100)}
	seen.Hub, err = sim.New(sim.Config{
		Manifest: deployment(t), Dir: dir,
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond,
		Log: zerolog.New(zerolog.NewTestWriter(t)),
		Observer: sim.Observer{
			Upstream: func(m sim.Upstream) { seen.upstream <- m },
			Reported: func(_ string, _ int64, properties json.RawMessage) { seen.reported <- string(properties) },
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- seen.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return seen
}

func deployment(t *testing.T) manifest.Manifest {
	t.Helper()
	m := manifest.Manifest{Modules: []manifest.Module{{Name: "filter", Desired: []byte(`{"limit":25}`)}, {Name: "source"}}}
	for name, text := range map[string]string{
		"toFilter": `FROM /messages/modules/source/outputs/* INTO BrokeredEndpoint("/modules/filter/inputs/sensors")`,
		"toCloud":  `FROM /messages/modules/filter/outputs/* INTO $upstream`,
	} {
		route, err := manifest.ParseRoute(name, text)
		require.NoError(t, err)
		m.Routes = append(m.Routes, route)
	}
	return m
}

// runNode runs a module of ours on the official SDK until the test ends. It returns when the module is ready.
func runNode(t *testing.T, script string, env map[string]string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "node", script)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = zerolog.NewTestWriter(t)
	require.NoError(t, cmd.Start())
	events := make(chan string, 100) // a module tells a handful; full: it waits
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(events)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			select {
			case events <- lines.Text():
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		_ = cmd.Wait() // it was killed
	})
	require.JSONEq(t, `{"event":"ready"}`, receive(t, events))
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

func TestModuleOnTheOfficialSDK(t *testing.T) {
	needNode(t)
	for name, environment := range map[string]func(*hub) map[string]string{
		"workload API": func(h *hub) map[string]string { return h.Environment("filter") },
		"connection string": func(h *hub) map[string]string {
			text, file := h.ConnectionString("filter")
			return map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t)
			runNode(t, "filter.js", environment(h))
			assert.JSONEq(t, `{"limit":25,"version":1}`, receive(t, h.reported), "the twin, as it was when the module came")
			passesMessagesOn(t, h)
			followsItsTwin(t, h)
			answersMethods(t, h)
			comesBack(t, h)
		})
	}
}

func passesMessagesOn(t *testing.T, h *hub) {
	t.Helper()
	m := edgehub.Message{Body: []byte(`{"temperature":21.5}`), Properties: edgehub.Properties{
		{Name: "$.mid", Value: "id/1 é"}, {Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"},
		{Name: "city", Value: "Mün/x"}, {Name: "a+b", Value: "c+d=e&f"}, {Name: "empty", Value: ""},
	}}
	require.NoError(t, h.Publish(t.Context(), "source", "out", m))
	got := receive(t, h.upstream)
	assert.Equal(t, "filter", got.Module)
	assert.Equal(t, "alerts", got.Output)
	assert.Equal(t, string(m.Body), string(got.Message.Body))
	for _, want := range append(m.Properties, []struct{ Name, Value string }{{"input", "sensors"}, {"$.cmid", "source"}}...) {
		value, ok := got.Message.Properties.Get(want.Name)
		assert.True(t, ok, want.Name)
		assert.Equal(t, want.Value, value, want.Name)
	}
}

func followsItsTwin(t *testing.T, h *hub) {
	t.Helper()
	version, err := h.PatchDesired("filter", []byte(`{"limit":30}`))
	require.NoError(t, err)
	assert.EqualValues(t, 2, version)
	assert.JSONEq(t, `{"limit":30,"version":2}`, receive(t, h.reported))
}

func answersMethods(t *testing.T, h *hub) {
	t.Helper()
	status, body, err := h.Invoke(t.Context(), "filter", "ping", []byte(`{"a":[1,"é"]}`))
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"pong":{"a":[1,"é"]}}`, string(body))
}

// comesBack drops the module's connection: the SDK connects again, and what was sent meanwhile arrives.
func comesBack(t *testing.T, h *hub) {
	t.Helper()
	dropped, err := h.Disconnect("filter")
	require.NoError(t, err)
	assert.True(t, dropped)
	for _, body := range []string{"1", "2", "3"} {
		require.NoError(t, h.Publish(t.Context(), "source", "out", edgehub.Message{Body: []byte(body)}))
	}
	for _, want := range []string{"1", "2", "3"} {
		assert.Equal(t, want, string(receive(t, h.upstream).Message.Body))
	}
	stats := h.Stats().Modules["filter"]
	assert.True(t, stats.Connected)
	assert.EqualValues(t, 4, stats.Acked)
}
