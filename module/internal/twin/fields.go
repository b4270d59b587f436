package twin

import "slices"

// field is all that is known of one key of an object: where in a T its value belongs, how it is read, what
// holds without it.
type field[T any] struct {
	name  string
	reset func(t *T)                               // puts the built-in default
	set   func(t *T, value any, at path, e *entry) // takes a value that is not null, or says what is wrong with it
	given func(t *T) []string                      // the names under which t holds other than the default
}

// table is what is known of the keys of an object.
type table[T any] []field[T]

// defaults returns a T as it is before any key was read.
func (fields table[T]) defaults() (t T) {
	for _, f := range fields {
		f.reset(&t)
	}
	return t
}

// decode takes the keys of object, which stands at path at, into t. Keys that are absent leave t as it is, so
// that one object can be read over another; null puts the default back.
func (fields table[T]) decode(t *T, object map[string]any, at path, e *entry) {
	known := 0
	for _, f := range fields {
		value, ok := object[f.name]
		if !ok {
			continue
		}
		known++
		if value == nil {
			f.reset(t)
		} else {
			f.set(t, value, at.key(f.name), e)
		}
	}
	if known < len(object) {
		fields.unknown(object, at, e)
	}
}

// unknown reports the keys of object that are not in the table.
func (fields table[T]) unknown(object map[string]any, at path, e *entry) {
	names := fields.names()
	for key := range object {
		switch {
		case slices.Contains(names, key):
		case e.findings.lenient:
			e.ignore(at.key(key), wrongly("unknown key, ignored: the document is of a newer schema"))
		default:
			e.refuse(at.key(key), &problem{reason: "unknown key", hint: didYouMean(key, names)})
		}
	}
}

func (fields table[T]) names() []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return names
}

// given returns the names of the fields in which t is not at its defaults, those within objects with dots.
func (fields table[T]) given(t *T) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.given(t)...)
	}
	return names
}
