package twin

// one is a field with a single value, replaced as a whole.
func one[T any, V comparable](name string, ref func(*T) *V, byDefault V, read reader[V]) field[T] {
	return field[T]{
		name:  name,
		reset: func(t *T) { *ref(t) = byDefault },
		set: func(t *T, value any, at path, e *entry) {
			v, wrong := read(value)
			if wrong != nil {
				e.refuse(at, wrong)
				return
			}
			*ref(t) = v
		},
		given: func(t *T) []string { return nameIf(name, *ref(t) != byDefault) },
	}
}

// withObject returns the set of a field whose value is an object.
func withObject[T any](take func(t *T, object map[string]any, at path, e *entry)) func(*T, any, path, *entry) {
	return func(t *T, value any, at path, e *entry) {
		object, wrong := object(value)
		if wrong != nil {
			e.refuse(at, wrong)
			return
		}
		take(t, object, at, e)
	}
}

// mapOf is a field of many values by keys of the operator's choice, merged key by key; none by default.
func mapOf[T, V any](name string, ref func(*T) *map[string]V, check func(key string) *problem, read reader[V]) field[T] {
	return field[T]{
		name:  name,
		reset: func(t *T) { *ref(t) = nil },
		set: withObject(func(t *T, object map[string]any, at path, e *entry) {
			if *ref(t) == nil {
				*ref(t) = make(map[string]V, len(object))
			}
			for key, value := range object {
				if wrong := mergeKey(*ref(t), key, value, check, read); wrong != nil {
					e.refuse(at.key(key), wrong)
				}
			}
		}),
		given: func(t *T) []string { return nameIf(name, len(*ref(t)) > 0) },
	}
}

func mergeKey[V any](into map[string]V, key string, value any, check func(string) *problem, read reader[V]) *problem {
	if value == nil {
		delete(into, key)
		return nil
	}
	if wrong := check(key); wrong != nil {
		return wrong
	}
	v, wrong := read(value)
	if wrong == nil {
		into[key] = v
	}
	return wrong
}

// inside is a field that is an object with a table of its own.
func inside[T, U any](name string, ref func(*T) *U, fields table[U]) field[T] {
	return field[T]{
		name:  name,
		reset: func(t *T) { *ref(t) = fields.defaults() },
		set: withObject(func(t *T, object map[string]any, at path, e *entry) {
			fields.decode(ref(t), object, at, e)
		}),
		given: func(t *T) []string {
			names := fields.given(ref(t))
			for i := range names {
				names[i] = name + "." + names[i]
			}
			return names
		},
	}
}

// freeform is a field that is an object of which the host knows nothing; objects in it are merged, null stays
// in place to delete what comes under it later.
func freeform[T any](name string, ref func(*T) *map[string]any) field[T] {
	return field[T]{
		name:  name,
		reset: func(t *T) { *ref(t) = nil },
		set: withObject(func(t *T, object map[string]any, at path, e *entry) {
			refuseRepeated(object, at, e)
			*ref(t), _ = mergeTree(*ref(t), object, true).(map[string]any)
		}),
		given: func(t *T) []string { return nameIf(name, len(*ref(t)) > 0) },
	}
}

// maybe is a field that is an object with a table of its own, or nil.
func maybe[T, U any](name string, ref func(*T) **U, fields table[U]) field[T] {
	f := inside(name, func(t *T) *U {
		if *ref(t) == nil {
			u := fields.defaults()
			*ref(t) = &u
		}
		return *ref(t)
	}, fields)
	f.reset = func(t *T) { *ref(t) = nil }
	f.given = func(t *T) []string { return nameIf(name, *ref(t) != nil) }
	return f
}

// expanded is a field in whose texts placeholders are replaced.
func expanded[T any](f field[T]) field[T] {
	set := f.set
	f.set = func(t *T, value any, at path, e *entry) { set(t, e.expand(value, at), at, e) }
	return f
}

// unread is a field that may be there and is passed over.
func unread[T any](name string) field[T] {
	return field[T]{
		name: name, reset: func(*T) {}, given: func(*T) []string { return nil },
		set: func(*T, any, path, *entry) {},
	}
}

func nameIf(name string, given bool) []string {
	if !given {
		return nil
	}
	return []string{name}
}
