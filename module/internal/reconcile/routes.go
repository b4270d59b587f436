package reconcile

import (
	"cmp"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// setRoutes leads messages to all signals that are there, running or not. Nothing new goes to those that are about to
// be removed; of them each still gets what is left in those that it reads, if they go too.
func (r *Reconciler) setRoutes(gone map[module.SignalName]bool, problems map[module.SignalName]string) {
	routes := &pipeline.Routes{
		Inputs:    make(map[module.InputName][]pipeline.Route),
		Signals:   make(map[module.SignalName][]pipeline.Route),
		Unclaimed: r.module.UnclaimedInputs,
	}
	there := maps.Clone(r.failed)
	maps.Copy(there, r.running)
	maps.Copy(there, r.starting)
	maps.Copy(there, r.waiting)
	closing := circles(there)
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if consumer := r.config.Supervisor.Consumer(name); consumer != nil {
			entry := there[name]
			if source, ok := closing[name]; ok {
				problems[name] = "it reads signal:" + string(source) + ", of which the last good is at work, and that reads it: it gets nothing"
				continue
			}
			lead(routes, &entry, consumer, gone)
		}
	}
	r.config.Pipeline.SetRoutes(routes)
}

// lead adds the routes to an entry's signal, one for each of its sources.
func lead(routes *pipeline.Routes, entry *Entry, consumer pipeline.Consumer, gone map[module.SignalName]bool) {
	name := entry.Signal.Name
	sources := entry.sources()
	for _, key := range slices.Sorted(maps.Keys(sources)) {
		route := pipeline.Route{Signal: name, Source: key, Consumer: consumer}
		switch source := sources[key]; source.Kind {
		case module.SourceSignal:
			if from := module.SignalName(source.Name); !gone[name] || gone[from] {
				routes.Signals[from] = append(routes.Signals[from], route)
			}
		case module.SourceInput:
			if input := module.InputName(source.Name); !gone[name] {
				routes.Inputs[input] = append(routes.Inputs[input], route)
			}
		}
	}
}

// circles returns the signals that would close a circle with older ones, and the one of those that they read. No document
// asks for one, but last good entries of another document can make one together with its.
func circles(entries map[module.SignalName]Entry) map[module.SignalName]module.SignalName {
	byAge := slices.SortedFunc(maps.Keys(entries), func(a, b module.SignalName) int {
		return cmp.Or(cmp.Compare(entries[a].Version, entries[b].Version), cmp.Compare(a, b))
	})
	reads := make(map[module.SignalName][]module.SignalName)
	closing := make(map[module.SignalName]module.SignalName)
	for _, name := range byAge {
		entry := entries[name]
		sources := entry.reads()
		i := slices.IndexFunc(sources, func(source module.SignalName) bool { return leadsTo(reads, source, name) })
		if i >= 0 {
			closing[name] = sources[i]
		} else {
			reads[name] = sources
		}
	}
	return closing
}

// leadsTo reports whether who follows what signals read, from one, comes to another.
func leadsTo(reads map[module.SignalName][]module.SignalName, from, to module.SignalName) bool {
	seen := make(map[module.SignalName]bool)
	var visit func(name module.SignalName) bool
	visit = func(name module.SignalName) bool {
		if name == to {
			return true
		}
		if seen[name] {
			return false
		}
		seen[name] = true
		return slices.ContainsFunc(reads[name], visit)
	}
	return visit(from)
}
