package reconcile

import (
	"context"
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// resolution is what a desired document comes to on this device.
type resolution struct {
	wanted   map[module.SignalName]Entry
	stopped  map[module.SignalName]bool   // by the twin
	problems map[module.SignalName]string // why a signal is not as desired
	guests   map[module.GuestName]guestState
	binaries map[module.GuestName]artifact.Binary
}

// guestState is what became of a guest's entry.
type guestState struct {
	spec    module.GuestSpec
	digest  string
	problem string
	used    bool // some signal names it
}

// resolve finds out what is wanted: it fetches the guests' binaries and puts what is refused or cannot be fetched in
// the place where its last good stays.
func (r *Reconciler) resolve(ctx context.Context, d module.Desired) *resolution {
	res := &resolution{
		wanted:   make(map[module.SignalName]Entry),
		stopped:  make(map[module.SignalName]bool),
		problems: make(map[module.SignalName]string),
		guests:   make(map[module.GuestName]guestState),
		binaries: make(map[module.GuestName]artifact.Binary),
	}
	for name, spec := range d.Guests {
		res.guests[name] = r.fetch(ctx, res, spec)
	}
	r.refusedGuests(ctx, d, res)
	for name, signal := range d.Signals {
		r.resolveSignal(d.Version, res, name, signal)
	}
	for _, f := range d.Findings {
		if f.Severity == module.Refused && f.Entry.Kind == module.EntrySignal {
			res.keepLastGood(r, module.SignalName(f.Entry.Name), f.String())
		}
	}
	return res
}

func (r *Reconciler) fetch(ctx context.Context, res *resolution, spec module.GuestSpec) guestState {
	state := guestState{spec: spec}
	b, err := r.config.Artifacts.Fetch(ctx, spec.Source, spec.Digest)
	if err != nil {
		state.problem = err.Error()
		return state
	}
	state.digest = b.Digest
	res.binaries[spec.Name] = b
	return state
}

// refusedGuests lets the last good specification stand in for a guest whose entry was refused.
func (r *Reconciler) refusedGuests(ctx context.Context, d module.Desired, res *resolution) {
	for _, f := range d.Findings {
		name := module.GuestName(f.Entry.Name)
		if f.Severity != module.Refused || f.Entry.Kind != module.EntryGuest || res.guests[name].problem != "" {
			continue
		}
		state := guestState{problem: f.String()}
		for _, e := range r.running {
			if e.Guest.Name == name {
				state = r.fetch(ctx, res, e.Guest)
				state.problem = f.String()
				break
			}
		}
		res.guests[name] = state
	}
}

func (r *Reconciler) resolveSignal(version int64, res *resolution, name module.SignalName, signal module.Signal) {
	entry := Entry{Version: version, Signal: signal}
	if signal.Status == module.StatusStopped {
		res.stopped[name] = true
		return
	}
	if signal.Guest == "" {
		res.wanted[name] = entry
		return
	}
	guest := res.guests[signal.Guest]
	guest.used = true
	res.guests[signal.Guest] = guest
	switch {
	case guest.spec.Status == module.StatusStopped:
		res.stopped[name] = true
		return
	case guest.digest == "":
		res.keepLastGood(r, name, fmt.Sprintf("guest %q: %s", signal.Guest, guest.problem))
		return
	case guest.problem != "": // refused, its last good stands in: the signal has not seen its settings yet
		var err error
		if entry.Signal, err = twin.WithGuest(signal, guest.spec); err != nil {
			res.keepLastGood(r, name, err.Error())
			return
		}
	}
	entry.Guest, entry.Digest = guest.spec, guest.digest
	if spec, err := twin.ForSignal(guest.spec, name); err == nil {
		entry.Guest = spec
	}
	res.wanted[name] = entry
}

// keepLastGood leaves a signal as it runs, if it does, and notes why.
func (res *resolution) keepLastGood(r *Reconciler, name module.SignalName, problem string) {
	if res.problems[name] == "" {
		res.problems[name] = problem
	}
	if running, ok := r.running[name]; ok {
		res.wanted[name] = running
	}
}
