package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/policy"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

var update = flag.Bool("update", false, "write the golden files anew")

// fakeHub is edgeHub's side: the twin, and outputs that are acknowledged at once.
type fakeHub struct {
	mu       sync.Mutex // guards what follows
	desired  string     // without $version
	version  int64
	unknown  bool // it answers with an empty twin, as one that is offline and never saw it
	offline  bool // neither GETs nor reports are answered
	slow     time.Duration
	reported []byte
	gets     []time.Duration // since the begin
	patches  []string        // of reported
	times    []time.Duration // when they came
	outputs  []string
	holdBack []func(error) // publishes that are not acknowledged; nil: all are
	began    time.Time
}

func (h *fakeHub) Twin(context.Context) (desired, reported []byte, err error) {
	h.mu.Lock()
	h.gets = append(h.gets, time.Since(h.began))
	document, offline, unknown, slow := withVersion(h.desired, h.version), h.offline, h.unknown, h.slow
	reported = h.reported
	h.mu.Unlock()
	time.Sleep(slow)
	switch {
	case offline:
		return nil, nil, errors.New("get twin: not connected")
	case unknown:
		return []byte(`{}`), []byte(`{}`), nil
	}
	return []byte(document), reported, nil
}

func (h *fakeHub) Report(_ context.Context, patch []byte) (err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.patches, h.times = append(h.patches, string(patch)), append(h.times, time.Since(h.began))
	if h.offline {
		return errors.New("report: not connected")
	}
	h.reported, err = twin.Merge(h.reported, patch)
	return err
}

func (h *fakeHub) Publish(_ context.Context, output module.OutputName, m module.Message, done func(error)) error {
	h.mu.Lock()
	h.outputs = append(h.outputs, strings.TrimSpace(fmt.Sprintf("%s: %s %s", output, m.Body, m.Properties.Value("deadletter-reason"))))
	held := h.holdBack != nil
	if held {
		h.holdBack = append(h.holdBack, done)
	}
	h.mu.Unlock()
	if !held {
		done(nil)
	}
	return nil
}

func (h *fakeHub) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// noted returns a copy of what was noted so far.
func noted[T any](h *fakeHub, list *[]T) []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(*list)
}

// take returns what was noted since the last time, and forgets it.
func take[T any](h *fakeHub, list *[]T) []T {
	h.mu.Lock()
	defer h.mu.Unlock()
	taken := *list
	*list = nil
	return taken
}

func withVersion(document string, version int64) string {
	return fmt.Sprintf(`%s, "$version": %d}`, strings.TrimSuffix(strings.TrimSpace(document), "}"), version)
}

// fakeGuest is what a binary says: "ok", "traps" at its start, "frail", which a message "bad" ends, or "invalid". Settings with the word bad are refused.
type fakeGuest struct {
	device *device

	// Guarded by device.mu.
	binary string
	closed bool
}

func (g *fakeGuest) HasTimer() bool  { return true }
func (g *fakeGuest) IsProgram() bool { return false }
func (g *fakeGuest) Endless() bool   { return false }
func (g *fakeGuest) Cached() bool    { return false }

func (g *fakeGuest) Close() {
	g.device.mu.Lock()
	defer g.device.mu.Unlock()
	g.closed = true
}

func (g *fakeGuest) Serve(supervise.Options, supervise.ServiceIO) (supervise.Service, error) {
	return nil, &module.GuestError{Guest: "g", Op: "serve", Kind: module.KindInvalid}
}

func (g *fakeGuest) Start(o supervise.Options) (supervise.Instance, error) {
	g.device.mu.Lock()
	defer g.device.mu.Unlock()
	if g.closed {
		panic("an instance is started from a guest that was let go of")
	}
	if g.binary == "traps" {
		return nil, &module.GuestError{Guest: "g", Signal: o.Signal, Op: "instantiate", Kind: module.KindTrap, Message: "unreachable"}
	}
	i := &fakeInstance{binary: g.binary, options: o, device: g.device}
	g.device.instances[o.Signal] = i
	return i, nil
}

type fakeInstance struct {
	binary   string
	options  supervise.Options
	settings string // guarded by the device's mu
	device   *device
	effects  module.Effects
	dead     bool
}

func (i *fakeInstance) Configure(document []byte) error {
	var d struct{ Settings json.RawMessage }
	_ = json.Unmarshal(document, &d)
	if bytes.Contains(d.Settings, []byte("bad")) {
		return &module.GuestError{Guest: "g", Signal: i.options.Signal, Op: "configure", Kind: module.KindRefused, Message: "bad is bad"}
	}
	i.device.mu.Lock()
	defer i.device.mu.Unlock()
	i.settings = string(d.Settings)
	return nil
}

func (i *fakeInstance) Message(m module.Message) (module.Verdict, error) {
	if string(m.Body) == "kill" || string(m.Body) == "bad" && i.binary == "frail" {
		i.dead = true
		return 0, &module.GuestError{Guest: "g", Signal: i.options.Signal, Op: "call edge_message of", Kind: module.KindTrap, Message: "unreachable"}
	}
	return module.Pass, nil
}

func (i *fakeInstance) Tick(module.Properties) (module.Verdict, error) {
	i.effects.Emitted = []module.Emitted{{Message: module.Message{Body: []byte("tick")}}}
	return module.Done, nil
}

func (i *fakeInstance) Effects() *module.Effects       { return &i.effects }
func (i *fakeInstance) Logs() iter.Seq[module.LogLine] { return slices.Values([]module.LogLine(nil)) }
func (i *fakeInstance) LogsDropped() int               { return 0 }
func (i *fakeInstance) Took() time.Duration            { return 0 }
func (i *fakeInstance) Memory() int64                  { return 0 }
func (i *fakeInstance) Dead() bool                     { return i.dead }
func (i *fakeInstance) Close()                         {}

// device is a reconciler with real parts around it, but for edgeHub and the engine.
type device struct {
	*Reconciler
	t       *testing.T
	hub     *fakeHub
	guests  string // directory
	network *network
	storage string
	stop    func()
	mids    int
	fault   *Fault // that ended its process

	mu        sync.Mutex // guards what follows
	instances map[module.SignalName]*fakeInstance
	compiled  []*fakeGuest
}

// newDevice starts a device in a bubble. Its storage is that of another one where that is given.
func newDevice(t *testing.T, before *device) *device { return newDeviceWith(t, before, nil) }

// newDeviceWith is newDevice with a policy.
func newDeviceWith(t *testing.T, before *device, bounds *policy.Policy) *device {
	d := &device{t: t, hub: &fakeHub{reported: []byte(`{}`), version: 1, began: time.Now()}, guests: t.TempDir(), storage: t.TempDir(),
		instances: make(map[module.SignalName]*fakeInstance)}
	var fault *Fault
	if before != nil {
		before.stop()
		d.hub, d.guests, d.storage, d.network, fault = before.hub, before.guests, before.storage, before.network, before.fault
	}
	kept, err := store.Open(d.storage)
	require.NoError(t, err)
	j, _, err := journal.Open(journal.Config{Dir: filepath.Join(d.storage, "journal"), Limit: 64 << 20})
	require.NoError(t, err)
	p := pipeline.New(pipeline.Config{Publisher: d.hub, Journal: j, OnError: func(error) {}})
	supervisor := supervise.New(supervise.Config{Pipeline: p, Log: zerolog.Nop(), Changed: func() { d.Changed() }})
	if d.network == nil {
		files, err := artifact.New(artifact.Config{Guests: d.guests})
		require.NoError(t, err)
		d.network = &network{Store: files, there: make(map[string]string), kept: make(map[string]string)}
	}
	d.Reconciler = New(Config{
		Hub: d.hub, Supervisor: supervisor, Pipeline: p, Artifacts: d.network, Policy: bounds, Compile: d.compile, Store: kept, Fault: fault,
		Environment: twin.Environment{DeviceID: "dev", ModuleID: "mod"}, Generation: "g1",
		Runtime: func() module.RuntimeInfo {
			return module.RuntimeInfo{Module: "1.0.0", Wasmtime: "39", ABIs: "edge/1", Architecture: "amd64"}
		},
		SetLogLevel: func(string) {}, Log: zerolog.Nop(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	untilAllEnded, endJournal := context.WithCancel(context.Background())
	var parts, journalEnded sync.WaitGroup
	journalEnded.Go(func() { j.Run(untilAllEnded) })
	for _, run := range []func(context.Context){p.Dispatch, p.SendResults, supervisor.Run, d.Run} {
		parts.Go(func() { run(ctx) })
	}
	d.stop = sync.OnceFunc(func() {
		cancel()
		expired, end := context.WithCancel(context.Background())
		end()
		p.Drain(expired)
		parts.Wait()
		d.Close()
		endJournal()
		journalEnded.Wait()
		assert.NoError(t, j.Close())
		assert.NotContains(t, d.open(), true, "every compiled guest is let go of")
	})
	t.Cleanup(d.stop)
	return d
}

func (d *device) compile(_ context.Context, _ module.GuestName, binary []byte, _ module.Limits) (Guest, error) {
	if string(binary) == "invalid" {
		return nil, &module.GuestError{Guest: "g", Op: "compile", Kind: module.KindInvalid, Message: "not a guest"}
	}
	g := &fakeGuest{binary: string(binary), device: d}
	if string(binary) == "slow" {
		time.Sleep(2 * stepTimeout) // as a large guest on a small processor
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.compiled = append(d.compiled, g)
	return g, nil
}

// open tells of each guest, in the order of compiling, whether it is not let go of.
func (d *device) open() []bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	var open []bool
	for _, g := range d.compiled {
		open = append(open, !g.closed)
	}
	return open
}

// mend makes the compiled guests good ones.
func (d *device) mend() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.compiled {
		g.binary = "ok"
	}
}

// instance returns a copy of what was started last for a signal.
func (d *device) instance(name module.SignalName) fakeInstance {
	d.mu.Lock()
	defer d.mu.Unlock()
	require.Contains(d.t, d.instances, name)
	return *d.instances[name]
}

// bring puts a binary into the guests directory.
func (d *device) bring(name, binary string) {
	require.NoError(d.t, os.WriteFile(filepath.Join(d.guests, name), []byte(binary), 0o600))
}

// desire makes a document the next desired version, and waits until it is answered.
func (d *device) desire(document string) {
	d.hub.change(func() { d.hub.desired, d.hub.version = `{"schemaVersion": "1.0", `+document+`}`, d.hub.version+1 })
	d.connect()
}

func (d *device) connect() {
	d.Connected()
	d.settle(time.Second)
}

// settle lets time go by, and waits until all is quiet.
func (d *device) settle(passed time.Duration) {
	time.Sleep(passed)
	synctest.Wait()
}

// deliver hands in a message for an input and returns what came of it.
func (d *device) deliver(input module.InputName, body string) []string {
	d.mids++
	take(d.hub, &d.hub.outputs)
	require.NoError(d.t, d.config.Pipeline.Deliver(pipeline.Delivery{Input: input, Connection: 1, Received: time.Now(), Ack: func() {},
		Message: module.Message{Body: []byte(body), Properties: module.Properties{{Name: "$.mid", Value: fmt.Sprint(d.mids)}}}}))
	synctest.Wait()
	return take(d.hub, &d.hub.outputs)
}

// twinSays returns the reported section as edgeHub has it.
func (d *device) twinSays() module.Reported {
	var r module.Reported
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	require.NoError(d.t, json.Unmarshal(d.hub.reported, &r))
	return r
}

// golden compares the reported section with a file.
func (d *device) golden(name string) {
	d.t.Helper()
	var indented bytes.Buffer
	d.hub.mu.Lock()
	require.NoError(d.t, json.Indent(&indented, d.hub.reported, "", "  "))
	d.hub.mu.Unlock()
	indented.WriteByte('\n')
	path := filepath.Join("testdata", name+".golden.json")
	if *update {
		require.NoError(d.t, os.WriteFile(path, indented.Bytes(), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(d.t, err)
	assert.Equal(d.t, string(want), indented.String(), name)
}

// onDevice runs a test on a device in a bubble of its own, with the binaries good.wasm, traps.wasm and invalid.wasm.
func onDevice(t *testing.T, test func(t *testing.T, d *device)) {
	synctest.Test(t, func(t *testing.T) {
		d := newDevice(t, nil)
		for name, binary := range map[string]string{"good.wasm": "ok", "traps.wasm": "traps", "invalid.wasm": "invalid"} {
			d.bring(name, binary)
		}
		test(t, d)
	})
}
