// Package app puts the module together: it makes the parts from the environment, runs them and ends them in order.
//
// # Concurrency
//
// Run is called once, and returns when everything that it started has ended. Everything else may be called from
// any goroutine meanwhile.
package app

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/egress"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/metrics"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/policy"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/reconcile"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// stopTime is how long results have to reach edgeHub after a stop was asked for: Docker kills after 10 s.
const stopTime = 7 * time.Second

// App is the module.
type App struct {
	config    Config
	log       zerolog.Logger
	hub       *hub
	host      *wasm.Host
	journal   *journal.Journal
	room      *room // nil without storage
	artifacts *artifact.Store
	egress    *egress.Egress
	policy    *policy.Policy // nil: the twin is not bounded
	health    *health
	clock     *observe.Clock

	clockSuspect atomic.Bool // as was noticed last
	pipeline     *pipeline.Pipeline
	supervisor   *supervise.Supervisor
	reconciler   *reconcile.Reconciler
	watchdog     observe.WatchdogConfig
	watching     *observe.Watchdog // made when Run begins

	meter  *metrics.Hub
	server *observe.Server // nil where nobody is told
}

// New makes the module of a configuration. Nothing runs yet but the host's clock; Run ends that too.
func New(c Config) (*App, error) {
	level := observe.NewLevel(c.LogLevel)
	if c.StorageLimit == 0 {
		c.StorageLimit = defaultStorageMiB << 20
	}
	clock := observe.NewClock(builtAt())
	meter := metrics.NewHub()
	a := &App{config: c, hub: &hub{clock: clock, meter: meter}, meter: meter, clock: clock, log: observe.NewLogger(c.LogTo, c.LogFormat, level)}
	identity, err := edgehub.IdentityFromEnvironment(c.Getenv)
	if err != nil {
		return nil, fmt.Errorf("find identity: %w", err)
	}
	setLevel := level.Set
	if c.FixedLogLevel {
		setLevel = func(string) {}
	}
	if a.egress, err = egress.New(egress.Config{CA: c.CAFile, Secrets: c.Secrets}); err != nil {
		return nil, fmt.Errorf("open the guests' way out: %w", err)
	}
	kept := a.openStore()
	if err := a.newArtifacts(kept, identity); err != nil {
		return nil, err
	}
	storage, err := a.openJournal(kept)
	if err != nil {
		return nil, err
	}
	a.room = a.newRoom(kept)
	a.health = &health{log: a.log, normal: storage, changed: func() { a.reconciler.Changed() }}
	a.pipeline = pipeline.New(a.pipelineConfig(kept, identity))
	a.supervisor = supervise.New(supervise.Config{Pipeline: a.pipeline, Log: a.log, Egress: a.egress, Files: a.files(kept), Doubts: clock.Doubts,
		Changed: func() { a.reconciler.Changed() }})
	if a.hub.client, err = edgehub.New(a.clientConfig(identity)); err != nil {
		return nil, fmt.Errorf("make edgeHub client: %w", err)
	}
	if a.host, err = a.newHost(kept); err != nil {
		return nil, fmt.Errorf("make Wasm host: %w", err)
	}
	a.reconciler = reconcile.New(reconcile.Config{
		Hub: a.hub, Supervisor: a.supervisor, Pipeline: a.pipeline, Artifacts: a.artifacts, Policy: a.policy, Compile: compile(a.host), Store: kept,
		Files:       a.files(kept),
		Environment: a.twinEnvironment(identity),
		Generation:  identity.GenerationID,
		Fault:       a.lastFault(kept),
		Runtime:     a.runtime,
		SetLogLevel: setLevel, Log: a.log,
	})
	a.watchdog.Probes = a.probes()
	a.listen(identity)
	a.log.Info().Str("version", c.Version).Stringer("identity", identity).Msg("Wasm-on-Edge")
	room := a.host.Capacity()
	a.log.Info().Int64("memoryMiB", room.Memory>>20).Int64("smallGuests", room.Small).Int64("goGuests", room.Large).
		Msg("room for signals: small guests with limits of 1 MiB, or Go guests with 16 MiB")
	return a, nil
}

// twinEnvironment is what a twin refers to on this device.
func (a *App) twinEnvironment(identity edgehub.Identity) twin.Environment {
	return twin.Environment{DeviceID: identity.DeviceID, ModuleID: identity.ModuleID, Getenv: a.config.Getenv}
}

// files returns the directory of guests' private directories, or "" where there is no storage.
func (a *App) files(kept *store.Store) string {
	if kept == nil {
		return ""
	}
	return filepath.Join(a.config.Storage, "files")
}

// lastFault has a crash of this process recorded, and returns the guest's in whose call the one before crashed.
func (a *App) lastFault(kept *store.Store) *reconcile.Fault {
	if kept == nil {
		return nil
	}
	crash, err := observe.RecordCrash(filepath.Join(a.config.Storage, "crash.txt"))
	if err != nil {
		a.log.Warn().Err(err).Msg("a guest whose calls end the process would not be noticed")
	}
	if crash == nil {
		return nil
	}
	a.log.Error().Str("reason", crash.Reason).Msg("the process before this one crashed; what it wrote is kept as crash.txt.last in the storage directory")
	f := &reconcile.Fault{Signal: module.SignalName(crash.Labels[supervise.LabelSignal]), Digest: crash.Labels[supervise.LabelDigest], Reason: crash.Reason}
	if f.Digest == "" { // not in a call of a guest
		return nil
	}
	return f
}

// runtime says what runs, and how it is stored.
func (a *App) runtime() module.RuntimeInfo {
	return module.RuntimeInfo{Module: a.config.Version, Wasmtime: wasm.Version, ABIs: wasm.ABIs, Architecture: runtime.GOARCH,
		Storage: a.health.String(), ClockSuspect: a.clockSuspect.Load()}
}

// newHost makes the host of the guests. Without storage, or where no code may be run from there, it compiles at each start.
func (a *App) newHost(kept *store.Store) (*wasm.Host, error) {
	c := wasm.Config{Compiler: []string{CompilerCommand}, Memory: a.config.Memory}
	if kept == nil {
		return wasm.New(c)
	}
	c.Cache = filepath.Join(a.config.Storage, "compiled")
	host, err := wasm.New(c)
	if err != nil {
		a.log.Warn().Err(err).Msg("guests will be compiled anew at each start")
		c.Cache = ""
		return wasm.New(c)
	}
	return host, nil
}

func (a *App) pipelineConfig(kept *store.Store, identity edgehub.Identity) pipeline.Config {
	c := pipeline.Config{
		Publisher: a.hub, PublisherID: identity.DeviceID + "/" + identity.ModuleID,
		Journal: watched{a.journal, a.health.note},
		Room:    a.haveRoom,
		OnError: a.health.onError,
	}
	if kept != nil {
		c.Folder = kept // not a nil *store.Store in an interface
	}
	return c
}

func (a *App) clientConfig(identity edgehub.Identity) edgehub.Config {
	return edgehub.Config{
		Identity:    identity,
		ProductInfo: "wasm-on-edge/" + a.config.Version,
		OnInput:     func(in *edgehub.Input) error { return a.pipeline.Deliver(delivery(in)) },
		OnDesired:   func(patch []byte) { a.reconciler.Patch(patch) },
		OnMethod:    a.onMethod(a.newMethods(a.twinEnvironment(identity))),
		OnEvent:     a.onEvent,
	}
}

func (a *App) onEvent(e edgehub.Event) {
	logEvent(a.log, e)
	a.meter.Event(e)
	if connected, ok := e.(edgehub.Connected); ok {
		a.pipeline.Connected(connected.Connection)
		a.reconciler.Connected()
	}
}

// Run runs the module until ctx ends, and then stops in order: no input is taken up any more, running calls end, their
// results reach edgeHub, the connection is closed.
func (a *App) Run(ctx context.Context) error {
	defer a.closeJournal()
	defer a.host.Close()
	defer a.egress.Close()
	defer a.reconciler.Close()
	a.watching = observe.NewWatchdog(a.watchdog)
	last, closeConnection := context.WithCancel(context.WithoutCancel(ctx))
	untilAllEnded, endJournal := context.WithCancel(context.WithoutCancel(ctx))
	var journalEnded, outer, inner sync.WaitGroup
	journalEnded.Go(func() { a.journal.Run(untilAllEnded) })
	outer.Go(func() { a.runClient(last) })
	outer.Go(func() { a.pipeline.SendResults(last) })
	outer.Go(func() { a.pipeline.SealGroups(last) })
	outer.Go(func() { a.answer(last) })
	inner.Go(func() { a.pipeline.Dispatch(ctx) })
	inner.Go(func() { a.supervisor.Run(ctx) })
	inner.Go(func() { a.reconciler.Run(ctx) })
	inner.Go(func() { a.watch(ctx) })
	inner.Go(func() { a.tend(ctx) })
	callsEnded := make(chan struct{})
	outer.Go(func() { inner.Wait(); close(callsEnded) })

	<-ctx.Done()
	a.drain(callsEnded)
	closeConnection()
	outer.Wait()
	endJournal()
	journalEnded.Wait()
	a.log.Info().Msg("stopped")
	return nil
}

// drain waits until running calls have ended and edgeHub has their results, as long as there is time.
func (a *App) drain(callsEnded <-chan struct{}) {
	a.log.Info().Msg("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	select {
	case <-callsEnded:
	case <-ctx.Done():
	}
	if !a.pipeline.Drain(ctx) {
		a.log.Warn().Int("results", a.pipeline.Counts().Outbox).Msg("neither edgeHub nor the disk took all results in time; their inputs will come again")
	}
}

func (a *App) runClient(ctx context.Context) {
	if err := a.hub.client.Run(ctx); err != nil {
		a.log.Error().Err(err).Msg("edgeHub client ended")
	}
}

// Signals returns the states of all signals.
func (a *App) Signals() map[module.SignalName]supervise.State { return a.supervisor.Snapshot() }

// Reported returns what the module says of itself now.
func (a *App) Reported() module.Reported { return a.reconciler.Reported() }
