package twin

import (
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// later is what schema 1.0 has and a version does not do yet.
type later struct {
	module      []pending[module.ModuleSettings]
	guests      []pending[guest]
	signalsFrom []pending[module.Shadow]
}

// pending is one field of it. It stands for the fields within it too.
type pending[T any] struct {
	field    string        // as in its table, with dots for those within objects; "": the entry itself
	what     string        // what to call it; empty: as the field
	when     func(*T) bool // nil: wherever the field is not at its default
	harmless bool          // without effect until then: worth a warning and no reason to refuse
}

// notYet is the list. To make something work is to take its line out.
var notYet = later{
	module: []pending[module.ModuleSettings]{
		{field: "downloadJitterMs", harmless: true},
	},
	guests: []pending[guest]{
		{field: "source", what: "https and oci sources", when: func(g *guest) bool { return remote(g.Source) }},
		{field: "credentials"},
		{field: "limits.httpTimeoutMs", harmless: true},
		{field: "permissions.http"},
		{field: "permissions.secrets"},
		{field: "probation"},
		{field: "shadow"},
	},
	signalsFrom: []pending[module.Shadow]{
		{field: "source", what: "https and oci sources", when: func(s *module.Shadow) bool { return remote(s.Source) }},
	},
}

// postpone reports what t asks for and the rows hold back. Origin returns the path at which a field was given.
func postpone[T any](rows []pending[T], fields table[T], t *T, origin func(field string) path, e *entry) {
	given := fields.given(t)
	for _, row := range rows {
		switch {
		case !row.asked(t, given):
		case row.harmless:
			e.warn(origin(row.field), wrongly("has no effect yet: %s", row.name()))
		default:
			e.refuse(origin(row.field), wrongly("not supported yet: %s", row.name()))
		}
	}
}

func (row pending[T]) asked(t *T, given []string) bool {
	if row.when != nil {
		return row.when(t)
	}
	return slices.ContainsFunc(given, func(name string) bool {
		return name == row.field || strings.HasPrefix(name, row.field+".")
	})
}

func (row pending[T]) name() string {
	if row.what != "" {
		return row.what
	}
	return row.field
}
