package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// setRoutes leads messages to all signals that are there, running or not. Nothing new goes to those that are about to
// be removed; of them each still gets what is left in the one that it reads, if that goes too.
func (r *Reconciler) setRoutes(gone map[module.SignalName]bool, problems map[module.SignalName]string) {
	routes := &pipeline.Routes{
		Inputs:    make(map[module.InputName][]pipeline.Route),
		Signals:   make(map[module.SignalName][]pipeline.Route),
		Unclaimed: r.module.UnclaimedInputs,
	}
	there := maps.Clone(r.failed)
	maps.Copy(there, r.running)
	maps.Copy(there, r.starting)
	closing := circles(there)
	for _, name := range slices.Sorted(maps.Keys(there)) {
		entry := there[name]
		consumer := r.config.Supervisor.Consumer(name)
		source, chained := entry.reads()
		switch route := (pipeline.Route{Signal: name, Consumer: consumer}); {
		case consumer == nil:
		case gone[name] && !(chained && gone[source]):
		case closing[name]:
			problems[name] = "it reads " + entry.Signal.Source.String() + ", of which the last good is at work, and that reads it: it gets nothing"
		case chained:
			routes.Signals[source] = append(routes.Signals[source], route)
		case entry.Signal.Source.Kind == module.SourceInput:
			input := module.InputName(entry.Signal.Source.Name)
			routes.Inputs[input] = append(routes.Inputs[input], route)
		}
	}
	r.config.Pipeline.SetRoutes(routes)
}

// circles returns the signals that would close a circle with older ones. No document asks for one, but last good
// entries of another document can make one together with its.
func circles(entries map[module.SignalName]Entry) map[module.SignalName]bool {
	byAge := slices.SortedFunc(maps.Keys(entries), func(a, b module.SignalName) int {
		return cmp.Or(cmp.Compare(entries[a].Version, entries[b].Version), cmp.Compare(a, b))
	})
	reads := make(map[module.SignalName]module.SignalName)
	closing := make(map[module.SignalName]bool)
	for _, name := range byAge {
		entry := entries[name]
		source, ok := entry.reads()
		if !ok {
			continue
		}
		at, further := source, true
		for further && at != name {
			at, further = reads[at], reads[at] != ""
		}
		if at == name {
			closing[name] = true
		} else {
			reads[name] = source
		}
	}
	return closing
}
