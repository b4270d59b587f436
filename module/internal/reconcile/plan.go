package reconcile

import (
	"cmp"
	"maps"
	"reflect"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Entry is a signal with all that decides what it does.
type Entry struct {
	Version int64            `json:"version"` // the newest desired version that asks for just this
	Signal  module.Signal    `json:"signal"`
	Guest   module.GuestSpec `json:"guest"`            // zero for a host-only signal
	Digest  string           `json:"digest,omitempty"` // of the guest's binary
}

// same reports whether two entries do the same.
func (e *Entry) same(other *Entry) bool {
	return e.Digest == other.Digest && reflect.DeepEqual(e.Signal, other.Signal) && reflect.DeepEqual(e.Guest, other.Guest)
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

// Plan returns the steps from what runs to what is wanted: what goes first, then what comes and what changes, each by
// name. An entry that is the same needs none.
func Plan(running, wanted map[module.SignalName]Entry) []Step {
	var steps []Step
	for name, entry := range running {
		if _, ok := wanted[name]; !ok {
			steps = append(steps, Step{Remove, entry})
		}
	}
	removed := len(steps)
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		want := wanted[name]
		runs, ok := running[name]
		switch {
		case !ok:
			steps = append(steps, Step{Start, want})
		case !runs.same(&want):
			steps = append(steps, Step{Change, want})
		}
	}
	slices.SortFunc(steps[:removed], func(a, b Step) int { return cmp.Compare(a.Entry.Signal.Name, b.Entry.Signal.Name) })
	return steps
}
