package sim

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// deployment is a manifest with the modules source, filter and sink and the given routes.
func deployment(t testing.TB, routes ...string) manifest.Manifest {
	t.Helper()
	m := manifest.Manifest{
		Modules: []manifest.Module{
			{Name: "filter", Status: "running", Desired: []byte(`{"limit": 25, "nested": {"a": 1.50}}`)},
			{Name: "sink", Status: "running"},
			{Name: "source", Status: "running"},
		},
	}
	for i, text := range routes {
		route, err := manifest.ParseRoute(fmt.Sprint("route", i), text)
		require.NoError(t, err)
		m.Routes = append(m.Routes, route)
	}
	return m
}

const (
	sourceToFilter   = `FROM /messages/modules/source/outputs/out INTO BrokeredEndpoint("/modules/filter/inputs/in")`
	sourceToOther    = `FROM /messages/modules/source/outputs/other INTO BrokeredEndpoint("/modules/filter/inputs/other")`
	filterToUpstream = `FROM /messages/modules/filter/outputs/* INTO $upstream`
)

// start runs a hub until the test ends. Its waits are short.
func start(t testing.TB, cfg Config) *Hub {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = shortDir(t)
	}
	if cfg.RetryMin == 0 {
		cfg.RetryMin, cfg.RetryMax = time.Millisecond, 4*time.Millisecond
	}
	cfg.Log = zerolog.New(zerolog.NewTestWriter(t))
	if _, measured := t.(*testing.B); measured {
		cfg.Log = zerolog.Nop()
	}
	h, err := New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return h
}

// shortDir is a directory whose name leaves room for a socket's.
func shortDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "sim")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func TestNewSaysWhatIsWrong(t *testing.T) {
	dir := shortDir(t)
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"no directory": {Config{}, "simulate edgeHub: no directory given"},
		"negative":     {Config{Dir: dir, InFlight: -1}, "simulate edgeHub: negative limit or duration"},
		"twin changes": {
			Config{Dir: dir, Manifest: deployment(t, `FROM /twinChangeNotifications INTO $upstream`)},
			`simulate edgeHub: route "route0": FROM /twinChangeNotifications is not simulated`,
		},
		"twin": {
			Config{Dir: dir, Manifest: manifest.Manifest{Modules: []manifest.Module{{Name: "m", Desired: []byte(`[]`)}}}},
			`simulate edgeHub: module "m": desired properties: not a JSON object: json: cannot unmarshal array into Go value of type map[string]interface {}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(c.cfg)
			require.EqualError(t, err, c.want)
		})
	}
	_, err := New(Config{Dir: filepath.Join(dir, fmt.Sprintf("%0100d", 0)), Manifest: deployment(t)})
	require.ErrorContains(t, err, "choose a shorter directory")
}

func TestRunGivesEverythingBack(t *testing.T) {
	dir := shortDir(t)
	for range 2 { // the second finds the sockets free
		h, err := New(Config{Dir: dir, Manifest: deployment(t)})
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.NoError(t, h.Run(ctx))
		require.EqualError(t, h.Run(ctx), "run hub: it has run before")
	}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1, "the trust bundle is left")
}

func TestNewTakesOverTheDirectoryOfAHubThatWasKilled(t *testing.T) {
	dir := shortDir(t)
	killed, err := New(Config{Dir: dir, Manifest: deployment(t)})
	require.NoError(t, err)
	h := start(t, Config{Dir: dir, Manifest: deployment(t)})
	status, _ := ask(t, workloadClient(t, h, "filter"), "GET", "/trust-bundle?api-version=2018-06-28", "")
	assert.Equal(t, 200, status)
	for _, w := range killed.workloads {
		w.listener.(*net.UnixListener).SetUnlinkOnClose(false)
	}
	killed.closeListeners()
}

func TestRunEndsConnections(t *testing.T) {
	h, err := New(Config{Dir: shortDir(t), Manifest: deployment(t)})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- h.Run(ctx) }()
	c := join(t, h, "filter")
	cancel()
	require.NoError(t, <-ended)
	c.closed()
}

func TestRunEndsSendersThatWait(t *testing.T) {
	h, err := New(Config{Dir: shortDir(t), Manifest: deployment(t, sourceToFilter), QueueLimit: 1})
	require.NoError(t, err)
	feed(t, h, "out", 1)
	blocked := make(chan error)
	go func() { blocked <- h.Publish(t.Context(), "source", "out", edgehub.Message{}) }()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, h.Run(ctx))
	require.ErrorIs(t, <-blocked, ErrStopped)
}

func TestMoreClientsThanEdgeHubServesAreTurnedAway(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	for range maxClients {
		dial(t, h)
	}
	conn, err := net.Dial("tcp", h.listener.Addr().String())
	require.NoError(t, err)
	newClient(t, conn, patience).closed()
}

func TestRunReportsASocketThatFails(t *testing.T) {
	h, err := New(Config{Dir: shortDir(t), Manifest: deployment(t)})
	require.NoError(t, err)
	h.listener.Close()
	require.ErrorContains(t, h.Run(t.Context()), "run hub: accept module")
}
