package supervise

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// fakeGuest starts fakeInstances. What is nil does the harmless thing.
type fakeGuest struct {
	noTimer   bool
	isProgram bool
	endless   bool
	onStart   func(o Options) error
	program   // of every instance

	serve     func(ctx context.Context, s *fakeService) error // what a service does; nil: it echoes
	mu        sync.Mutex                                      // guards appending to what follows
	instances []*fakeInstance                                 // in order of their start
	services  []*fakeService
}

// program is what an instance does.
type program struct {
	initialize func(i *fakeInstance)
	configure  func(i *fakeInstance, settings string) error
	message    func(i *fakeInstance, m module.Message) (module.Verdict, error)
	tick       func(i *fakeInstance) (module.Verdict, error)
}

func (g *fakeGuest) HasTimer() bool  { return !g.noTimer }
func (g *fakeGuest) IsProgram() bool { return g.isProgram }
func (g *fakeGuest) Endless() bool   { return g.endless }

func (g *fakeGuest) Start(o Options) (Instance, error) {
	if g.onStart != nil {
		if err := g.onStart(o); err != nil {
			return nil, err
		}
	}
	i := &fakeInstance{program: g.program, options: o}
	i.options.State = maps.Clone(o.State)
	if i.initialize != nil {
		i.initialize(i)
	}
	g.mu.Lock() // partitions start theirs side by side
	defer g.mu.Unlock()
	g.instances = append(g.instances, i)
	return i, nil
}

func (g *fakeGuest) last() *fakeInstance { return g.instances[len(g.instances)-1] }

type fakeInstance struct {
	program
	options      Options
	settings     string // that it took last
	effects      module.Effects
	logs         []module.LogLine
	logsDropped  int
	calls        int
	took         time.Duration
	memory       int64
	dead, closed bool
}

func (i *fakeInstance) begin() {
	if i.closed || i.dead {
		panic("a closed or dead instance was called")
	}
	i.effects, i.logs, i.logsDropped = module.Effects{}, nil, 0
}

func (i *fakeInstance) Configure(document []byte) error {
	i.begin()
	var d struct{ Settings json.RawMessage }
	if err := json.Unmarshal(document, &d); err != nil {
		panic(err)
	}
	if i.configure != nil {
		if err := i.configure(i, string(d.Settings)); err != nil {
			return err
		}
	}
	i.settings = string(d.Settings)
	return nil
}

func (i *fakeInstance) Message(m module.Message) (module.Verdict, error) {
	i.begin()
	i.calls++
	if i.message == nil {
		return module.Pass, nil
	}
	return i.message(i, m)
}

func (i *fakeInstance) Tick(module.Properties) (module.Verdict, error) {
	i.begin()
	i.calls++
	if i.tick == nil {
		return module.Done, nil
	}
	return i.tick(i)
}

func (i *fakeInstance) Effects() *module.Effects       { return &i.effects }
func (i *fakeInstance) Logs() iter.Seq[module.LogLine] { return slices.Values(i.logs) }
func (i *fakeInstance) LogsDropped() int               { return i.logsDropped }
func (i *fakeInstance) Took() time.Duration            { return i.took }
func (i *fakeInstance) Memory() int64                  { return i.memory }
func (i *fakeInstance) Dead() bool                     { return i.dead }
func (i *fakeInstance) Close()                         { i.closed = true }

// die ends an instance as a trap does.
func (i *fakeInstance) die() error {
	i.dead = true
	return trap
}

var (
	trap    = &module.GuestError{Guest: "g", Signal: "s", Op: "call edge_message of", Kind: module.KindTrap, Message: "unreachable"}
	refusal = &module.GuestError{Guest: "g", Signal: "s", Op: "configure", Kind: module.KindRefused, Message: "high is no number"}
)

// sent is a message that reached edgeHub.
type sent struct {
	output module.OutputName
	module.Message
}

// plant is a supervisor with a real pipeline, and an edgeHub that acknowledges everything at once unless it is away.
type plant struct {
	*Supervisor
	pipeline *pipeline.Pipeline
	disk     *fullJournal
	stop     func()

	mu    sync.Mutex // guards what follows
	sent  []sent
	acked int
	away  bool
	mids  int
}

func (p *plant) Publish(_ context.Context, output module.OutputName, m module.Message, done func(error)) error {
	p.mu.Lock()
	if p.away {
		p.mu.Unlock()
		return context.DeadlineExceeded
	}
	p.sent = append(p.sent, sent{output, m})
	p.mu.Unlock()
	done(nil)
	return nil
}

// limits of what waits, unless a test changes them.
var limits = pipeline.Limits{Outbox: 1 << 20, Spool: 1 << 20, DeadLettersPerMinute: 1000}

// fullJournal takes nothing but removals while it is full.
type fullJournal struct {
	pipeline.Journal
	full atomic.Bool
}

func (j *fullJournal) Submit(tx *journal.Tx, done func(error)) {
	if j.full.Load() && done != nil {
		done(journal.ErrFull)
		return
	}
	j.Journal.Submit(tx, done)
}

// newPlant is called in a bubble; the plant stops with it.
func newPlant(t *testing.T, log zerolog.Logger) *plant {
	p := unroutedPlant(t, log)
	p.pipeline.SetRoutes(&pipeline.Routes{Unclaimed: module.ActionDrop})
	return p
}

// unroutedPlant is one whose pipeline knows of no routes yet.
func unroutedPlant(t *testing.T, log zerolog.Logger) *plant {
	p := &plant{}
	j, _, err := journal.Open(journal.Config{Limit: 64 << 20})
	require.NoError(t, err)
	p.disk = &fullJournal{Journal: j}
	p.pipeline = pipeline.New(pipeline.Config{Publisher: p, Journal: p.disk, OnError: func(error) {}})
	p.pipeline.SetLimits(limits)
	p.Supervisor = New(Config{Pipeline: p.pipeline, Log: log, Changed: func() {}})
	p.SetModule(module.ModuleSettings{OriginProperties: true})
	ctx, cancel := context.WithCancel(t.Context())
	var parts, last sync.WaitGroup
	journalCtx, endJournal := context.WithCancel(context.Background())
	last.Go(func() { j.Run(journalCtx) })
	parts.Go(func() { p.pipeline.Dispatch(ctx) })
	parts.Go(func() { p.pipeline.SendResults(ctx) })
	parts.Go(func() { p.pipeline.SealGroups(ctx) })
	parts.Go(func() { p.Run(ctx) })
	p.stop = sync.OnceFunc(func() {
		cancel()
		drained, expired := context.WithCancel(context.Background())
		expired()
		p.pipeline.Drain(drained)
		parts.Wait()
		endJournal()
		last.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

func (p *plant) apply(w Work) error { return p.Apply(context.Background(), w) }

// route leads input "in" to signal "s".
func (p *plant) route() {
	p.pipeline.SetRoutes(&pipeline.Routes{Unclaimed: module.ActionDrop, Inputs: map[module.InputName][]pipeline.Route{
		"in": {{Signal: "s", Consumer: p.Consumer("s")}}}})
}

// start applies the work and leads the input to it.
func (p *plant) start(t *testing.T, w Work) {
	require.NoError(t, p.apply(w))
	p.route()
}

// deliver hands a message in and waits until all is quiet.
func (p *plant) deliver(t *testing.T, body string) {
	p.mu.Lock()
	p.mids++
	id := strconv.Itoa(p.mids)
	p.mu.Unlock()
	require.NoError(t, p.pipeline.Deliver(pipeline.Delivery{
		Input: "in", Connection: 1, Received: time.Now(),
		Message: module.Message{Body: []byte(body), Properties: module.Properties{
			{Name: "$.mid", Value: id}, {Name: "$.cdid", Value: "dev"}, {Name: "$.cmid", Value: "sensor"}, {Name: "shift", Value: "early"}}},
		Ack: func() { p.mu.Lock(); defer p.mu.Unlock(); p.acked++ },
	}))
	synctest.Wait()
}

// results returns what reached edgeHub since the last call: "output: body", and for a dead letter its reason.
func (p *plant) results() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var lines []string
	for _, s := range p.sent {
		text := string(s.Body)
		if reason := s.Properties.Value("deadletter-reason"); reason != "" {
			text += " (" + reason + ", attempts " + s.Properties.Value("deadletter-attempts") + ")"
		}
		lines = append(lines, string(s.output)+": "+text)
	}
	p.sent = nil
	return lines
}

func (p *plant) acknowledged() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.acked
}

func (p *plant) setAway(away bool) {
	p.mu.Lock()
	p.away = away
	p.mu.Unlock()
	p.pipeline.Connected(1)
	synctest.Wait()
}

func (p *plant) state() State { return p.Snapshot()["s"] }

// workOf returns the work of a signal called s, for a guest or, with nil, for the host alone.
func workOf(g *fakeGuest) Work {
	w := Work{Version: 1, Signal: module.Signal{Name: "s", Source: module.Source{Kind: module.SourceInput, Name: "in"}, Output: "telemetry",
		Format: module.FormatJSON, DataType: "auto", Scale: 1, DeadbandType: "none", DataChangeTrigger: "always", MaxPartitions: 1000, Payload: "samples"}}
	if g != nil {
		w.Guest, w.Digest, w.Signal.Guest = g, "sha256:1", "g"
		w.Spec = module.GuestSpec{Name: "g", RestartPolicy: module.RestartOnFailure, Limits: module.Limits{LogLinesPerMinute: 5}}
	}
	return w
}

func withSettings(w Work, settings string) Work {
	w.Signal.Settings = json.RawMessage(settings)
	w.Version++
	return w
}

func ticking(w Work, interval time.Duration) Work {
	w.Signal.Source = module.Source{Kind: module.SourceTimer}
	w.Signal.SamplingInterval = interval
	return w
}
