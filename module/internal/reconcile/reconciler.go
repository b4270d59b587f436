package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Hub is edgeHub's side of the twin.
type Hub interface {
	// Twin returns the sections of the module's twin.
	Twin(ctx context.Context) (desired, reported []byte, err error)
	// Report merges a patch into the reported section.
	Report(ctx context.Context, patch []byte) error
}

// Guest is a compiled guest that can be let go of.
type Guest interface {
	supervise.Guest
	Close()
}

// Config is what a Reconciler needs.
type Config struct {
	Hub         Hub
	Supervisor  *supervise.Supervisor
	Pipeline    *pipeline.Pipeline
	Artifacts   *artifact.Store
	Compile     func(name module.GuestName, binary []byte, limits module.Limits) (Guest, error)
	Store       *store.Store // nil: nothing survives a restart
	Environment twin.Environment
	Generation  string // of the module's identity: desired versions start anew with another
	Runtime     module.RuntimeInfo
	SetLogLevel func(level string)
	Log         zerolog.Logger
}

// Reconciler reconciles. See the package comment.
type Reconciler struct {
	config  Config
	watch   *watch
	reports *reports

	// The applier's alone.
	running map[module.SignalName]Entry // what the supervisor was last told, successfully
	failed  map[module.SignalName]Entry // what could not be started; in the routes, so that its messages are accounted for
	guests  map[compiledKey]Guest
	module  module.ModuleSettings
	routes  *pipeline.Routes
	version int64 // of the document that was applied last

	mu   sync.Mutex // guards view
	view view       // what the reporter tells
}

// New returns a Reconciler.
func New(c Config) *Reconciler {
	return &Reconciler{
		config:  c,
		watch:   newWatch(),
		reports: newReports(),
		running: make(map[module.SignalName]Entry),
		failed:  make(map[module.SignalName]Entry),
		guests:  make(map[compiledKey]Guest),
		module:  twin.Parse([]byte(`{"schemaVersion":"1.0","$version":1}`), c.Environment).Module,
	}
}

// Run starts from the last good twin, where there is one, and then follows the twin until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	r.setModule(r.module)
	r.startLastGood(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { r.watchTwin(ctx) })
	parts.Go(func() { r.applyAll(ctx) })
	parts.Go(func() { r.reportAll(ctx) })
	parts.Wait()
}

// Close lets go of the compiled guests. The supervisor must have stopped, and Run returned.
func (r *Reconciler) Close() {
	for _, g := range r.guests {
		g.Close()
	}
}

// applyAll applies the newest desired document each time there is one.
func (r *Reconciler) applyAll(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.watch.desired:
			r.apply(ctx, r.watch.take())
		}
	}
}

// apply makes what runs match a desired document, as far as it is good.
func (r *Reconciler) apply(ctx context.Context, document []byte) {
	d := twin.Parse(document, r.config.Environment)
	status := twin.Status(d)
	r.logFindings(d)
	if d.DocumentRefused() {
		r.publish(func(v *view) { v.version, v.status = d.Version, status })
		return
	}
	r.version = d.Version
	if !refusesModule(d) {
		r.setModule(d.Module)
	}
	res := r.resolve(ctx, d)
	r.reconcile(ctx, d.Version, res)
	if ctx.Err() != nil {
		return
	}
	if status.Code == module.CodeOK && len(res.problems) > 0 {
		status = module.DesiredStatus{Code: module.CodeFailed, Description: describeProblems(res.problems)}
	}
	r.publish(func(v *view) {
		v.version, v.status = d.Version, status
		v.problems, v.stopped, v.guests = res.problems, res.stopped, res.guests
		v.entries = maps.Clone(r.running)
	})
	r.save()
}

// reconcile executes the plan and sets the routes.
func (r *Reconciler) reconcile(ctx context.Context, version int64, res *resolution) {
	for name := range r.failed { // what is no longer wanted need not fail any more
		if _, ok := res.wanted[name]; !ok {
			_ = r.config.Supervisor.Remove(ctx, name) // only a stop can fail it
			delete(r.failed, name)
		}
	}
	r.execute(ctx, Plan(r.running, res.wanted), res)
	for name, e := range res.wanted { // what stayed the same is what this version asks for
		runs, ok := r.running[name]
		if ok && runs.same(&e) && res.problems[name] == "" {
			runs.Version = version
			r.running[name] = runs
		}
	}
	r.routes = r.newRoutes(nil)
	r.config.Pipeline.SetRoutes(r.routes)
	r.release()
}

func (r *Reconciler) setModule(m module.ModuleSettings) {
	r.module = m
	r.config.Supervisor.SetModule(m)
	r.config.Pipeline.SetLimits(m.OutboxBytes, m.DeadLettersPerMinute)
	r.config.SetLogLevel(m.LogLevel)
}

func refusesModule(d module.Desired) bool {
	return slices.ContainsFunc(d.Findings, func(f module.Finding) bool {
		return f.Severity == module.Refused && f.Entry.Kind == module.EntryModule
	})
}

func (r *Reconciler) logFindings(d module.Desired) {
	for _, f := range d.Findings {
		event := r.config.Log.Warn()
		if f.Severity == module.Refused {
			event = r.config.Log.Error()
		}
		event.Int64("version", d.Version).Str("path", f.Path).Str("hint", f.Hint).Msg("desired: " + f.Reason)
	}
}

// lastGood is what is stored of what ran.
type lastGood struct {
	Generation string                      `json:"generation"`
	Version    int64                       `json:"version"`
	Module     module.ModuleSettings       `json:"module"`
	Entries    map[module.SignalName]Entry `json:"entries"`
}

func (r *Reconciler) save() {
	if r.config.Store == nil {
		return
	}
	good := lastGood{Generation: r.config.Generation, Version: r.version, Module: r.module, Entries: r.running}
	if err := r.config.Store.SaveLastGood(good); err != nil {
		r.config.Log.Error().Err(err).Msg("last good twin is not stored; a restart without network would start without it")
	}
}

// startLastGood starts what ran before, so that a restart needs no network.
func (r *Reconciler) startLastGood(ctx context.Context) {
	if r.config.Store == nil {
		return
	}
	var good lastGood
	ok, err := r.config.Store.LoadLastGood(&good)
	if err != nil && !errors.Is(err, context.Canceled) {
		r.config.Log.Error().Err(err).Msg("starting without a last good twin")
	}
	if !ok {
		return
	}
	r.config.Log.Info().Int64("version", good.Version).Int("signals", len(good.Entries)).Msg("starting from the last good twin")
	r.setModule(good.Module)
	if good.Generation == r.config.Generation {
		r.watch.setVersion(good.Version)
	}
	r.reconcile(ctx, good.Version, r.resolveGood(ctx, good))
	r.publish(func(v *view) { v.entries = maps.Clone(r.running) })
}

// resolveGood resolves stored entries. A guest's binary is taken as it is now: an image brings new ones.
func (r *Reconciler) resolveGood(ctx context.Context, good lastGood) *resolution {
	d := module.Desired{Version: good.Version, Guests: make(map[module.GuestName]module.GuestSpec), Signals: make(map[module.SignalName]module.Signal)}
	for name, e := range good.Entries {
		d.Signals[name] = e.Signal
		if e.Guest.Name != "" {
			d.Guests[e.Guest.Name] = e.Guest
		}
	}
	return r.resolve(ctx, d)
}

func sortedNames(entries map[module.SignalName]Entry) []module.SignalName {
	return slices.Sorted(maps.Keys(entries))
}
