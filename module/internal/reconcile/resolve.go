package reconcile

import (
	"context"
	"fmt"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// resolution is what a desired document comes to on this device.
type resolution struct {
	wanted    map[module.SignalName]Entry
	stopped   map[module.SignalName]bool   // by the twin
	problems  map[module.SignalName]string // why a signal is not as desired
	guests    map[module.GuestName]guestState
	binaries  map[string][]byte               // by digest
	waiting   map[module.SignalName]Entry     // wanted as soon as their guests are downloaded
	downloads map[module.SignalName]*download // that they, or what they are to become, wait for
	groups    map[string]module.PublishGroup

	uncompiled map[compiledKey]error // why
}

func newResolution() *resolution {
	return &resolution{
		wanted:    make(map[module.SignalName]Entry),
		stopped:   make(map[module.SignalName]bool),
		problems:  make(map[module.SignalName]string),
		guests:    make(map[module.GuestName]guestState),
		binaries:  make(map[string][]byte),
		waiting:   make(map[module.SignalName]Entry),
		downloads: make(map[module.SignalName]*download),

		uncompiled: make(map[compiledKey]error),
	}
}

// guestState is what became of a guest's entry.
type guestState struct {
	spec    module.GuestSpec
	version int64 // of the desired document that spec is from
	digest  string
	problem string
	waits   *download // for its binary
	refused bool      // spec is its last good, if there is one
	broken  bool      // it does not compile
	used    bool      // some signal names it
}

// missing says why there is no binary of the guest.
func (g *guestState) missing() error { return fmt.Errorf("guest %q: %s", g.spec.Name, g.problem) }

// resolve finds out what is wanted: it fetches the guests' binaries and puts what is refused or cannot be fetched in
// the place where its last good stays.
func (r *Reconciler) resolve(ctx context.Context, d module.Desired) *resolution {
	res := newResolution()
	res.groups = d.Groups
	for name, spec := range d.Guests {
		res.guests[name] = r.fetch(ctx, res, spec, d.Version)
	}
	for _, f := range d.Findings {
		if name := module.GuestName(f.Entry.Name); f.Severity == module.Refused && f.Entry.Kind == module.EntryGuest && !res.guests[name].refused {
			res.guests[name] = r.lastGoodGuest(ctx, res, name, f.String())
		}
	}
	for name, signal := range d.Signals {
		r.resolveSignal(res, name, signal, d.Version)
	}
	for _, f := range d.Findings {
		if f.Severity == module.Refused && f.Entry.Kind == module.EntrySignal {
			r.keepLastGood(res, module.SignalName(f.Entry.Name), f.String())
		}
	}
	if f := unread(d); f != nil {
		r.keepUnnamed(ctx, res, d, f.String())
	}
	return res
}

// unread returns why a file of signals could not be read; nil: none is missing.
func unread(d module.Desired) *module.Finding {
	i := slices.IndexFunc(d.Findings, func(f module.Finding) bool {
		return f.Severity == module.Refused && f.Entry.Kind == twin.EntrySignalsFrom
	})
	if i < 0 {
		return nil
	}
	return &d.Findings[i]
}

// keepUnnamed leaves the signals that a document does not name as they are: they may stand in a file that cannot be read.
func (r *Reconciler) keepUnnamed(ctx context.Context, res *resolution, d module.Desired, problem string) {
	named := namedBy(d)
	for name := range r.running {
		if !named[name] {
			r.keepLastGood(res, name, problem)
		}
	}
	for name, entry := range r.waiting {
		if named[name] {
			continue
		}
		if guest := r.fetch(ctx, res, entry.Guest, entry.Version); guest.waits != nil {
			r.await(res, entry, guest.waits)
		} else {
			res.wanted[name] = entry
		}
	}
	for name, entry := range r.failed {
		if !named[name] {
			res.wanted[name], res.problems[name] = entry, problem
		}
	}
}

func (r *Reconciler) fetch(ctx context.Context, res *resolution, spec module.GuestSpec, version int64) guestState {
	state := guestState{spec: spec, version: version}
	if e := r.config.Policy.CheckGuest(spec); e != nil { // of last good twins too: the policy may be newer
		state.problem = e.Error()
		return state
	}
	b, download, err := r.downloads.find(ctx, artifact.Request{Source: spec.Source, Digest: spec.Digest, Credentials: spec.Credentials})
	if err != nil {
		state.problem = err.Error()
		return state
	}
	if state.waits = download; download != nil {
		return state
	}
	state.digest = b.Digest
	res.binaries[b.Digest] = b.Bytes
	return state
}

// lastGoodGuest stands in for a guest whose entry was refused: as it runs with its newest signal.
func (r *Reconciler) lastGoodGuest(ctx context.Context, res *resolution, name module.GuestName, problem string) guestState {
	var newest Entry
	for _, signal := range sortedNames(r.running) {
		if e := r.running[signal]; e.Guest.Name == name && (newest.Guest.Name == "" || e.Version > newest.Version) {
			newest = e
		}
	}
	state := guestState{}
	if newest.Guest.Name != "" {
		state = r.fetch(ctx, res, newest.Guest, newest.Version)
	}
	state.problem, state.refused = problem, true
	return state
}

func (r *Reconciler) resolveSignal(res *resolution, name module.SignalName, signal module.Signal, version int64) {
	if signal.Status == module.StatusStopped {
		res.stopped[name] = true
		return
	}
	if signal.Guest == "" {
		res.wanted[name] = Entry{Version: version, Signal: signal}
		return
	}
	guest := res.guests[signal.Guest]
	guest.used = true
	res.guests[signal.Guest] = guest
	guest.spec.Name = signal.Guest // where the guest was refused and has no last good
	switch {
	case guest.spec.Status == module.StatusStopped:
		res.stopped[name] = true
		return
	case guest.waits != nil && !guest.refused:
		r.await(res, Entry{Version: version, Signal: signal, Guest: guest.spec, Digest: guest.spec.Digest}, guest.waits)
		return
	case guest.digest == "":
		res.wanted[name] = Entry{Version: version, Signal: signal, Guest: guest.spec} // fails, unless its last good stays
		r.keepLastGood(res, name, guest.missing().Error())
		return
	case guest.refused: // the settings of its last good are not under the signal's yet
		var err error
		if signal, err = twin.WithGuest(signal, guest.spec); err != nil {
			r.keepLastGood(res, name, err.Error())
			return
		}
	}
	res.wanted[name] = Entry{Version: guest.version, Signal: signal, Guest: guest.spec, Digest: guest.digest}
}

// await leaves a signal as it runs until its guest is downloaded. One that is new gets what comes for it then.
func (r *Reconciler) await(res *resolution, e Entry, download *download) {
	name := e.Signal.Name
	res.downloads[name] = download
	if running, ok := r.running[name]; ok {
		res.wanted[name] = running
	} else {
		res.waiting[name] = e
	}
}

// keepLastGood leaves a signal as it runs, if it does and its guest is not stopped, and notes why.
func (r *Reconciler) keepLastGood(res *resolution, name module.SignalName, problem string) {
	if res.problems[name] == "" {
		res.problems[name] = problem
	}
	running, ok := r.running[name]
	switch {
	case !ok:
	case res.guests[running.Guest.Name].spec.Status == module.StatusStopped:
		delete(res.wanted, name)
		res.stopped[name] = true
	default:
		res.wanted[name] = running
	}
}
