package twin

import (
	"slices"
	"strings"
)

// later is what schema 1.0 has and a version does not do yet.
type later struct {
	guests []pending
}

// pending is one field of it. It stands for the fields within it too.
type pending struct {
	field    string // as in its table, with dots for those within objects
	harmless bool   // without effect until then: worth a warning and no reason to refuse
}

// notYet is the list. To make something work is to take its line out.
var notYet = later{
	guests: []pending{
		{field: "shadow"},
	},
}

// postpone reports what t asks for and the rows hold back. Origin returns the path at which a field was given.
func postpone[T any](rows []pending, fields table[T], t *T, origin func(field string) path, e *entry) {
	given := fields.given(t)
	for _, row := range rows {
		switch {
		case !row.asked(given):
		case row.harmless:
			e.warn(origin(row.field), wrongly("has no effect yet: %s", row.field))
		default:
			e.refuse(origin(row.field), wrongly("not supported yet: %s", row.field))
		}
	}
}

func (row pending) asked(given []string) bool {
	return slices.ContainsFunc(given, func(name string) bool {
		return name == row.field || strings.HasPrefix(name, row.field+".")
	})
}
