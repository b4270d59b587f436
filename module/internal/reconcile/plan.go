package reconcile

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Entry is a signal with all that decides what it does.
type Entry struct {
	Version int64            `json:"version"` // the newest desired version that asks for just this
	Signal  module.Signal    `json:"signal"`
	Guest   module.GuestSpec `json:"guest"`            // zero for a host-only signal; ${signal} stands as in the twin
	Digest  string           `json:"digest,omitempty"` // of the guest's binary; empty: there is none
}

// same reports whether two entries do the same. As JSON they are compared as they are stored: what was read from the
// store is the same as what was read from the twin, whatever is empty here and missing there.
func (e Entry) same(other Entry) bool {
	e.Version, other.Version = 0, 0
	a, errA := json.Marshal(e)
	b, errB := json.Marshal(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Action is what a step does to a signal.
type Action string

// The actions.
const (
	Start  Action = "start"
	Change Action = "change"
	Remove Action = "remove"
)

// Step is one action on one signal.
type Step struct {
	Action Action
	Entry  Entry
}

// Plan returns the steps from what is there, running or failed, to what is wanted. First comes what starts and changes,
// by name, so that no input is without its signal for a while; then, as timers, what needs no input to begin, so that who
// reads it is there; then what goes, each signal before those that read it, so that they get the last of it. An entry that
// runs and is the same needs no step; one that failed is tried again.
func Plan(running, failed, wanted map[module.SignalName]Entry) (coming, timers, going []Step) {
	add := func(s Step) {
		if s.Entry.ticksOnly() {
			timers = append(timers, s)
		} else {
			coming = append(coming, s)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		want := wanted[name]
		runs, ok := running[name]
		switch {
		case !ok:
			add(Step{Start, want})
		case !runs.same(want):
			add(Step{Change, want})
		}
	}
	gone := make(map[module.SignalName]Entry)
	for _, there := range []map[module.SignalName]Entry{running, failed} {
		for name, entry := range there {
			if _, ok := wanted[name]; !ok {
				gone[name] = entry
			}
		}
	}
	return coming, timers, removals(gone)
}

// removals returns the steps that remove signals, those that read one of the others after it.
func removals(gone map[module.SignalName]Entry) []Step {
	var steps []Step
	done := make(map[module.SignalName]bool)
	var remove func(name module.SignalName)
	remove = func(name module.SignalName) {
		entry, ok := gone[name]
		if !ok || done[name] {
			return
		}
		done[name] = true
		for _, source := range entry.reads() {
			remove(source)
		}
		steps = append(steps, Step{Remove, entry})
	}
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		remove(name)
	}
	return steps
}

// sources returns what the entry's signal works on, by the keys that its guest reads: "" where it is one.
func (e *Entry) sources() map[string]module.Source {
	if len(e.Signal.Sources) > 0 {
		return e.Signal.Sources
	}
	return map[string]module.Source{"": e.Signal.Source}
}

// reads returns the signals that the entry's signal reads, in the order of their names.
func (e *Entry) reads() []module.SignalName {
	var names []module.SignalName
	for _, source := range e.sources() {
		if source.Kind == module.SourceSignal {
			names = append(names, module.SignalName(source.Name))
		}
	}
	slices.Sort(names)
	return names
}

// ticksOnly reports whether nothing but a timer gives the entry's signal work.
func (e *Entry) ticksOnly() bool {
	for _, source := range e.sources() {
		if source.Kind != module.SourceTimer {
			return false
		}
	}
	return true
}
