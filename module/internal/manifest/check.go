package manifest

import (
	"maps"
	"slices"
)

// Takes reports whether some route takes what a module sends to an output. What no route takes, edgeHub acknowledges
// and throws away. A route with a condition counts.
func (m Manifest) Takes(module, output string) bool {
	return slices.ContainsFunc(m.Routes, func(r Route) bool { return r.Matches(module, output) })
}

// Feeds returns the inputs of a module that routes lead into, sorted.
func (m Manifest) Feeds(module string) []string {
	inputs := map[string]struct{}{}
	for _, route := range m.Routes {
		if !route.Sink.Upstream && route.Sink.Module == module {
			inputs[route.Sink.Input] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(inputs))
}
