//go:build cgo

package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// hubArgument has the tests' binary be a hub, in the directory that follows, and nothing else.
const hubArgument = "hub"

const workloadURI = "IOTEDGE_WORKLOADURI"

const deploymentFile = "deployment.json" // modules, and the texts of routes

// order is what a hub in a process of its own is asked to do, a JSON object a line: to patch the desired properties of a
// module, or to invoke a method of it.
type order struct {
	Module, Method string // "" for a patch
	Body           []byte
}

// outcome is what became of an order.
type outcome struct {
	Version int64
	Status  int
	Body    []byte
	Error   string
}

// told is what a hub in a process of its own tells, a JSON object a line: one of its fields.
type told struct {
	Known     map[string]credentials // first of all
	Upstream  *sim.Upstream
	Reported  string
	Connected string
	Outcome   *outcome
}

// credentials are what a module needs to connect.
type credentials struct {
	Environment                map[string]string
	ConnectionString, RootFile string
}

// hubMain serves modules until it is interrupted, or killed.
func hubMain(dir string) error {
	var m manifest.Manifest
	var routes []string
	text, err := os.ReadFile(filepath.Join(dir, deploymentFile))
	if err == nil {
		err = json.Unmarshal(text, &struct{ Modules, Routes any }{&m.Modules, &routes})
	}
	for _, text := range routes {
		route, routeErr := manifest.ParseRoute(text, text)
		m.Routes, err = append(m.Routes, route), errors.Join(err, routeErr)
	}
	if err != nil {
		return fmt.Errorf("read deployment: %w", err)
	}
	var mu sync.Mutex // one line at a time
	tell := func(line told) {
		mu.Lock()
		defer mu.Unlock()
		_ = json.NewEncoder(os.Stdout).Encode(line) // who started this process has ended where it fails
	}
	h, err := sim.New(sim.Config{
		Manifest: m, Dir: dir, Keep: true, Ledger: filepath.Join(dir, "ledger"),
		RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond, AckTimeout: 2 * time.Second,
		Observer: sim.Observer{
			Upstream:  func(m sim.Upstream) { tell(told{Upstream: &m}) },
			Reported:  func(_ string, _ int64, properties json.RawMessage) { tell(told{Reported: string(properties)}) },
			Connected: func(module string) { tell(told{Connected: module}) },
		},
	})
	if err != nil {
		return err
	}
	tell(told{Known: credentialsOf(h, m)})
	go func() { // ends with the process
		for orders := bufio.NewScanner(os.Stdin); orders.Scan(); {
			tell(told{Outcome: carryOut(h, orders.Bytes())})
		}
	}()
	ctx, stop := ossignal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return h.Run(ctx)
}

func credentialsOf(h *sim.Hub, m manifest.Manifest) map[string]credentials {
	known := map[string]credentials{}
	for _, module := range m.Modules {
		text, file := h.ConnectionString(module.Name)
		known[module.Name] = credentials{h.Environment(module.Name), text, file}
	}
	return known
}

func carryOut(h *sim.Hub, line []byte) *outcome {
	var (
		o      order
		result outcome
	)
	err := json.Unmarshal(line, &o)
	switch {
	case err != nil:
	case o.Method == "":
		result.Version, err = h.PatchDesired(o.Module, o.Body)
	default:
		result.Status, result.Body, err = h.Invoke(context.Background(), o.Module, o.Method, o.Body)
	}
	if err != nil {
		result.Error = err.Error()
	}
	return &result
}

// hubProcess is a simulated Edge Hub in a process of its own, which keeps what edgeHub keeps.
type hubProcess struct {
	t   *testing.T
	dir string

	known               map[string]credentials // of the first process, and so of all
	upstream            chan sim.Upstream      // full: the hub waits, and the test fails for it
	reported, connected chan string
	outcomes            chan outcome // one order at a time

	cmd    *exec.Cmd // the process that runs now; the test's goroutine alone ends it and starts the next
	orders io.Writer
	ended  chan struct{} // closed when all that it told is read
}

var _ edge = (*hubProcess)(nil)

// startProcess runs a hub until the test ends.
func startProcess(t *testing.T, m manifest.Manifest) *hubProcess {
	t.Helper()
	dir, err := os.MkdirTemp("", "hub") // its name leaves room for a socket's
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	var routes []string
	for _, route := range m.Routes {
		routes = append(routes, route.Name) // deployment names them by their text
	}
	text, err := json.Marshal(struct{ Modules, Routes any }{m.Modules, routes})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, deploymentFile), text, 0o600))
	h := &hubProcess{
		t: t, dir: dir, upstream: make(chan sim.Upstream, 10000), reported: make(chan string, 1000), connected: make(chan string, 1000),
		outcomes: make(chan outcome, 1),
	}
	h.known = h.start()
	t.Cleanup(func() { h.end(os.Interrupt) })
	for _, c := range h.known {
		c.Environment[workloadURI] = lasting(t, c.Environment[workloadURI])
	}
	return h
}

// lasting serves a module's workload API at another socket, where it does not end with the hub: on a device it belongs to
// aziot-edged. While there is no hub, requests wait for one.
func lasting(t *testing.T, uri string) string {
	t.Helper()
	const scheme = "unix://"
	socket := strings.TrimPrefix(uri, scheme)
	listener, err := net.Listen("unix", socket+"d")
	require.NoError(t, err)
	dial := func(ctx context.Context, _, _ string) (conn net.Conn, err error) {
		for ctx.Err() == nil {
			if conn, err = (&net.Dialer{}).DialContext(ctx, "unix", socket); err == nil {
				return conn, nil
			}
			time.Sleep(10 * time.Millisecond)
		}
		return nil, err
	}
	server := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.Out.URL.Scheme, r.Out.URL.Host = "http", "workload" },
		Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true},
	}}
	ended := make(chan error)
	go func() { ended <- server.Serve(listener) }()
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-ended, http.ErrServerClosed)
	})
	return scheme + socket + "d"
}

// start starts a hub on what the one before has left, and returns what its modules need when it listens.
func (h *hubProcess) start() map[string]credentials {
	h.t.Helper()
	h.cmd = exec.Command(os.Args[0], hubArgument, h.dir)
	h.cmd.Stderr = os.Stderr
	stdout, err := h.cmd.StdoutPipe()
	require.NoError(h.t, err)
	h.orders, err = h.cmd.StdinPipe()
	require.NoError(h.t, err)
	require.NoError(h.t, h.cmd.Start())
	lines := json.NewDecoder(stdout)
	var first told
	require.NoError(h.t, lines.Decode(&first))
	h.ended = make(chan struct{})
	go func() { // awaited by end
		defer close(h.ended)
		for h.read(lines) {
		}
	}()
	return first.Known
}

// read passes on what the hub tells, and reports false when it has ended.
func (h *hubProcess) read(lines *json.Decoder) bool {
	var line told
	if lines.Decode(&line) != nil {
		return false // what it was about to tell when it was killed it tells again
	}
	switch {
	case line.Upstream != nil:
		h.upstream <- *line.Upstream
	case line.Reported != "":
		h.reported <- line.Reported
	case line.Connected != "":
		h.connected <- line.Connected
	case line.Outcome != nil:
		h.outcomes <- *line.Outcome
	}
	return true
}

// end ends the hub: os.Interrupt in order, os.Kill as a loss of power does.
func (h *hubProcess) end(how os.Signal) {
	h.t.Helper()
	require.NoError(h.t, h.cmd.Process.Signal(how))
	<-h.ended
	if err := h.cmd.Wait(); how == os.Interrupt {
		assert.NoError(h.t, err)
	}
}

// restart ends the hub, and starts it again after a while. Those that connected tells of from then on are the new one's.
func (h *hubProcess) restart(how os.Signal, down time.Duration) {
	h.t.Helper()
	h.end(how)
	for len(h.connected) > 0 { // to it
		<-h.connected
	}
	time.Sleep(down)
	h.start()
}

func (h *hubProcess) order(o order) (outcome, error) {
	if err := json.NewEncoder(h.orders).Encode(o); err != nil {
		return outcome{}, fmt.Errorf("order: %w", err)
	}
	result := receive(h.t, h.outcomes)
	if result.Error != "" {
		return result, errors.New(result.Error)
	}
	return result, nil
}

func (h *hubProcess) PatchDesired(module string, patch []byte) (int64, error) {
	result, err := h.order(order{Module: module, Body: patch})
	return result.Version, err
}

func (h *hubProcess) Invoke(_ context.Context, module, method string, payload []byte) (int, []byte, error) {
	result, err := h.order(order{Module: module, Method: method, Body: payload})
	return result.Status, result.Body, err
}

func (h *hubProcess) Environment(module string) map[string]string { return h.known[module].Environment }

func (h *hubProcess) ConnectionString(module string) (text, caFile string) {
	return h.known[module].ConnectionString, h.known[module].RootFile
}

// ledger returns the numbers of the messages of which the hubs have told an event about a module.
func (h *hubProcess) ledger(event, module string) map[int]bool {
	h.t.Helper()
	file, err := os.Open(filepath.Join(h.dir, "ledger"))
	require.NoError(h.t, err)
	defer func() { _ = file.Close() }()
	numbers := map[int]bool{}
	for lines := json.NewDecoder(file); ; {
		var line struct {
			Event, Module string
			N             int
		}
		if err := lines.Decode(&line); err != nil {
			require.ErrorIs(h.t, err, io.EOF)
			return numbers
		}
		if line.Event == event && line.Module == module {
			numbers[line.N] = true
		}
	}
}
