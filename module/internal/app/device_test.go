package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	patience    = time.Minute // how long a test waits for what must come
	guestSource = "../../../wasm-guests/testdata"
)

// device is a simulated device: an Edge Hub with a sensor that the test speaks for, and this module on it.
type device struct {
	t         testing.TB
	config    sim.Config
	hub       *sim.Hub
	stopHub   func()
	guests    string // directory of file: guests
	storage   string
	limit     int64             // of the storage; 0 is the default
	metrics   string            // address; "" is any
	level     string            // of the log; "" is debug
	variables map[string]string // of the module, beside its identity
	app       *App              // that run made last
	log       *logBuffer

	adapt    func(*App)         // where set, changes a module before it runs
	counting func(sim.Upstream) // where set, takes what reaches $upstream instead of upstream below

	mu       sync.Mutex // guards what follows
	upstream []sim.Upstream
	doc      map[string]any // the module's reported properties
}

const manifestTemplate = `{"modulesContent":{
 "$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","runtime":{"type":"docker","settings":{}},
  "systemModules":{"edgeAgent":{"type":"docker","settings":{"image":"a","createOptions":"{}"}},"edgeHub":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"h","createOptions":"{}"}}},
  "modules":{"sensor":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"s","createOptions":"{}"}},
   "wasmOnEdge":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"w","createOptions":"{}"}}}}},
 "$edgeHub":{"properties.desired":{"schemaVersion":"1.1","routes":{
   "in":"FROM /messages/modules/sensor/outputs/a INTO BrokeredEndpoint(\"/modules/wasmOnEdge/inputs/a\")",
   "in2":"FROM /messages/modules/sensor/outputs/b INTO BrokeredEndpoint(\"/modules/wasmOnEdge/inputs/b\")",
   "out":"FROM /messages/modules/wasmOnEdge/* INTO $upstream"},
  "storeAndForwardConfiguration":{"timeToLiveSecs":7200}}},
 "wasmOnEdge":{"properties.desired":%s}}}`

// newDevice starts the hub with the module's desired properties. The module itself is started by run.
func newDevice(t testing.TB, desired string, guests ...string) *device {
	t.Helper()
	return newDeviceWith(t, sim.Config{RetryMin: 10 * time.Millisecond, RetryMax: 100 * time.Millisecond}, desired, guests...)
}

// newDeviceWith is newDevice with settings of the hub.
func newDeviceWith(t testing.TB, c sim.Config, desired string, guests ...string) *device {
	t.Helper()
	m, err := manifest.Parse(fmt.Appendf(nil, manifestTemplate, desired))
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "woe-") // short: sockets lie in it
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	d := &device{t: t, guests: t.TempDir(), storage: t.TempDir(), log: &logBuffer{t: t}}
	for _, name := range guests {
		d.build(name, name+".wasm")
	}
	c.Manifest, c.Dir, c.Log = m, dir, zerolog.Nop()
	c.Observer = sim.Observer{Upstream: d.take, Reported: d.takeReported}
	d.config = c
	d.startHub()
	return d
}

// startHub starts the hub, on what the one before has left where its settings say Keep. The end of the test stops it.
func (d *device) startHub() {
	d.t.Helper()
	hub, err := sim.New(d.config)
	require.NoError(d.t, err)
	d.hub = hub
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // awaited by stopHub
		defer close(ended)
		assert.NoError(d.t, hub.Run(ctx))
	}()
	d.stopHub = sync.OnceFunc(func() { cancel(); <-ended })
	d.t.Cleanup(d.stopHub)
}

// build compiles a guest of the test data into the guests directory.
func (d *device) build(name, file string) {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(guestSource, name+".wat"))
	require.NoError(d.t, err)
	d.compile(string(text), file)
}

// compile compiles the text of a guest into the guests directory.
func (d *device) compile(text, file string) {
	d.t.Helper()
	binary, err := wasmtime.Wat2Wasm(text)
	require.NoError(d.t, err)
	require.NoError(d.t, os.WriteFile(filepath.Join(d.guests, file), binary, 0o600))
}

// run starts the module and returns what stops it; the end of the test does too.
func (d *device) run() (stop func()) {
	d.t.Helper()
	environment := d.hub.Environment("wasmOnEdge")
	a, err := New(Config{
		Getenv: func(name string) string { return cmp.Or(environment[name], d.variables[name]) }, Storage: d.storage, StorageLimit: d.limit, Guests: d.guests,
		LogFormat: observe.LogJSON, LogLevel: cmp.Or(d.level, "debug"), LogTo: d.log, Version: "0.0.0-test", Metrics: cmp.Or(d.metrics, "127.0.0.1:0"), Methods: methods.All,
	})
	require.NoError(d.t, err)
	d.app = a
	if d.adapt != nil {
		d.adapt(a)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // awaited by stop
		defer close(ended)
		assert.NoError(d.t, a.Run(ctx))
	}()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	d.t.Cleanup(stop)
	return stop
}

func (d *device) take(u sim.Upstream) {
	if d.counting != nil {
		d.counting(u)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.upstream = append(d.upstream, u)
}

func (d *device) takeReported(name string, _ int64, document json.RawMessage) {
	if name != "wasmOnEdge" {
		return
	}
	var doc map[string]any
	if json.Unmarshal(document, &doc) == nil {
		d.mu.Lock()
		d.doc = doc
		d.mu.Unlock()
	}
}

// send publishes a message as the sensor.
func (d *device) send(output, body string, properties ...string) {
	d.t.Helper()
	m := edgehub.Message{Body: []byte(body)}
	for pair := range slices.Chunk(properties, 2) {
		m.Properties.Set(pair[0], pair[1])
	}
	require.NoError(d.t, d.hub.Publish(d.t.Context(), "sensor", output, m))
}

// patch changes the desired properties.
func (d *device) patch(patch string) {
	d.t.Helper()
	_, err := d.hub.PatchDesired("wasmOnEdge", []byte(patch))
	require.NoError(d.t, err)
}

// messages returns what reached $upstream through an output.
func (d *device) messages(output string) []sim.Upstream {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(d.upstream), func(u sim.Upstream) bool { return u.Output != output })
}

func (d *device) bodies(output string) []string {
	var bodies []string
	for _, u := range d.messages(output) {
		bodies = append(bodies, string(u.Message.Body))
	}
	return bodies
}

// waitBodies waits until just these messages reached $upstream through an output.
func (d *device) waitBodies(output string, want ...string) {
	d.t.Helper()
	d.wait(func() bool { return len(d.messages(output)) >= len(want) }, "%d messages on output %s", len(want), output)
	assert.Equal(d.t, want, d.bodies(output))
}

// waitReported waits until the reported properties say so at a path like "signals.s.runtimeStatus", and returns what
// they say.
func (d *device) waitReported(path, want string) string {
	d.t.Helper()
	var last string
	d.wait(func() bool {
		last = d.reported(path)
		return strings.Contains(last, want)
	}, "reported %s to contain %q", path, want)
	return last
}

func (d *device) reported(path string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var value any = d.doc
	for key := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return ""
		}
		value = object[key]
	}
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

func (d *device) wait(holds func() bool, format string, args ...any) {
	d.t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			d.mu.Lock()
			defer d.mu.Unlock()
			encoded, _ := json.Marshal(d.doc)
			require.FailNow(d.t, "waited in vain for "+fmt.Sprintf(format, args...), "reported: %s\nupstream: %d messages", encoded, len(d.upstream))
		}
	}
}

// logBuffer hands the module's log to the test's.
type logBuffer struct {
	t  testing.TB
	mu sync.Mutex
	b  strings.Builder
}

func (l *logBuffer) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(line)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
