package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/policy"
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
	Cached() bool // its code was there already
	Close()
}

// Config is what a Reconciler needs.
type Config struct {
	Hub         Hub
	Supervisor  *supervise.Supervisor
	Pipeline    *pipeline.Pipeline
	Artifacts   Artifacts
	Policy      *policy.Policy // of the device; nil: it bounds nothing
	Compile     func(ctx context.Context, name module.GuestName, binary []byte, limits module.Limits) (Guest, error)
	Store       *store.Store // nil: nothing survives a restart
	Files       string       // as in supervise.Config: those of a signal go when the twin does not name it any more
	Fault       *Fault       // that ended the process before this one; nil: none did, or none in a call of a guest
	Environment twin.Environment
	Generation  string                    // of the module's identity: desired versions start anew with another
	Runtime     func() module.RuntimeInfo // what reported says of the process; after a change of it Changed is called
	SetLogLevel func(level string)
	Log         zerolog.Logger
}

// Reconciler reconciles. See the package comment.
type Reconciler struct {
	config  Config
	watch   *watch
	reports *reports

	// The applier's alone.
	running  map[module.SignalName]Entry // what the supervisor took
	starting map[module.SignalName]Entry // what is about to be given to the supervisor
	waiting  map[module.SignalName]Entry // what starts once its guest is downloaded; what comes for it waits in its spool
	failed   map[module.SignalName]Entry // what is there and never ran; in the routes, so that its messages are accounted for
	guests   map[compiledKey]Guest
	module   module.ModuleSettings
	groups   map[string]module.PublishGroup // as the pipeline has them
	version  int64                          // of the document that was applied last
	good     lastGood                       // as stored last
	saved    []byte                         // the same, encoded
	files    map[string]bool                // digests of the files of signals that the document names

	downloads *downloads

	trial    trial
	suspects suspects

	former     map[module.SignalName]Entry // what signals go back to, if the version of their guest fails on probation
	probations map[module.GuestName]*probation
	rejected   map[module.GuestName]rejection
	judged     chan struct{} // capacity 1: some probation is over

	unshadowed map[module.GuestName]string // guests whose candidates cannot be had, and why

	mu   sync.Mutex // guards view
	view view       // what the reporter tells
}

// New returns a Reconciler.
func New(c Config) *Reconciler {
	r := &Reconciler{
		config:  c,
		watch:   newWatch(),
		reports: newReports(),
		running: make(map[module.SignalName]Entry),
		failed:  make(map[module.SignalName]Entry),
		guests:  make(map[compiledKey]Guest),

		suspects: make(suspects),

		former:     make(map[module.SignalName]Entry),
		probations: make(map[module.GuestName]*probation),
		rejected:   make(map[module.GuestName]rejection),
		judged:     make(chan struct{}, 1),

		module: twin.Parse(nil, c.Environment).Module, // the defaults
	}
	r.downloads = newDownloads(c.Artifacts, c.Log, r.Changed)
	return r
}

// Run starts from the last good twin, where there is one, and then follows the twin until ctx ends.
func (r *Reconciler) Run(ctx context.Context) {
	r.setModule(r.module)
	r.loadPast(time.Now())
	defer r.downloads.wait()
	r.startLastGood(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { r.watchTwin(ctx) })
	parts.Go(func() { r.applyAll(ctx) })
	parts.Go(func() { r.reportAll(ctx) })
	parts.Wait()
}

// Close lets go of the compiled guests and notes that the process stopped in order. The supervisor must have stopped, and
// Run returned.
func (r *Reconciler) Close() {
	r.trial.stopped()
	r.saveTrial()
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
		case <-r.downloads.ended:
			r.applyAgain(ctx)
		case <-r.judged:
			r.conclude(ctx)
		}
	}
}

// applyAgain looks again at the document as it is known, or at the last good one where none is yet: a download came to its end,
// or a version failed on probation.
func (r *Reconciler) applyAgain(ctx context.Context) {
	if document := r.watch.take(); document != nil {
		r.apply(ctx, document)
		return
	}
	res := r.resolveGood(ctx, r.good.goodTwin)
	r.holdBack(res)
	r.reconcile(ctx, res)
	r.publish(func(v *view) {
		v.entries, v.rolledBack, v.unshadowed = maps.Clone(r.running), r.rejections(), r.unshadowed
	})
}

// apply makes what runs match a desired document, as far as it is good.
func (r *Reconciler) apply(ctx context.Context, document []byte) {
	d := twin.Parse(document, r.environment(ctx))
	r.bound(&d)
	status := twin.Status(d)
	r.logFindings(d)
	if d.DocumentRefused() {
		r.publish(func(v *view) { v.version, v.status = d.Version, status })
		return
	}
	if r.trial.refuses(r.config.Generation, d.Version) {
		condemned := module.DesiredStatus{Code: module.CodeFailed, Description: r.trial.reason()}
		r.config.Log.Error().Int64("version", d.Version).Msg(condemned.Description)
		r.publish(func(v *view) { v.version, v.status = d.Version, condemned })
		return
	}
	r.beginVersion(r.config.Generation, d.Version)
	r.downloads.jitter = 0
	if r.version != 0 || r.good.Version != 0 { // else there is nothing to go on with meanwhile
		r.downloads.jitter = d.Module.DownloadJitter
	}
	r.version = d.Version
	if !d.Refuses(module.Entry{Kind: module.EntryModule}) {
		r.setModule(d.Module)
	}
	res := r.resolve(ctx, d)
	r.acquitChanged(res)
	r.holdBack(res)
	r.reconcile(ctx, res)
	if ctx.Err() != nil {
		return
	}
	r.publish(func(v *view) {
		v.version, v.status = d.Version, status
		v.problems, v.stopped, v.guests, v.downloads = res.problems, res.stopped, res.guests, res.downloads
		v.entries, v.rolledBack, v.unshadowed = maps.Clone(r.running), r.rejections(), r.unshadowed
	})
	r.save()
	r.downloads.sweep()
	r.tellNeeded(d)
	r.forget(d)
}

// forget removes what is kept for signals that the twin does not name any more. While a file of signals cannot be read
// nobody knows which those are.
func (r *Reconciler) forget(d module.Desired) {
	if unread(d) != nil {
		return
	}
	named := r.named(d)
	r.removeFiles(named)
	r.config.Pipeline.Forget(func(s module.SignalName) bool { return named[s] })
}

// environment is what the twin refers to outside itself. Files of signals are read each time that a document is applied: a
// changed file is taken with the next desired version. One that must be downloaded refuses its entry until it is there.
func (r *Reconciler) environment(ctx context.Context) twin.Environment {
	env := r.config.Environment
	r.files = make(map[string]bool)
	env.Fetch = func(f twin.File) ([]byte, error) {
		if e := r.config.Policy.CheckSource("source", f.Source); e != nil {
			return nil, errors.New(e.Reason)
		}
		file, download, err := r.downloads.find(ctx, artifact.Request{Source: f.Source, Digest: f.Digest, Credentials: f.Credentials, Unsigned: true})
		if download != nil {
			return nil, fmt.Errorf("fetch %q: %v", f.Source, download)
		}
		r.files[file.Digest] = true
		return file.Bytes, err
	}
	return env
}

// reconcile executes the plan.
func (r *Reconciler) reconcile(ctx context.Context, res *resolution) {
	r.setGroups(res.groups)
	r.execute(ctx, res)
	r.setGroups(res.groups)           // without those of signals that went
	for name, e := range res.wanted { // what stayed the same may be asked for by a newer document
		if runs, ok := r.running[name]; ok && runs.same(e) {
			r.running[name] = e
		}
	}
	for _, p := range r.probations {
		p.Begin()
	}
	r.shadow(ctx)
	r.release()
}

func (r *Reconciler) setModule(m module.ModuleSettings) {
	r.module = m
	r.config.Supervisor.SetModule(m)
	r.config.Pipeline.SetLimits(pipeline.Limits{Outbox: m.OutboxBytes, DropOldest: m.OutboxFull == module.OutboxDropOldest,
		Spool: m.SpoolBytesPerSignal, DeadLettersPerMinute: m.DeadLettersPerMinute})
	r.config.SetLogLevel(m.LogLevel)
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

func sortedNames(entries map[module.SignalName]Entry) []module.SignalName {
	return slices.Sorted(maps.Keys(entries))
}
