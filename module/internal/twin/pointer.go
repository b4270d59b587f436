package twin

import (
	"strings"
)

// checkPointer takes JSON Pointers (RFC 6901), and "" for none.
func checkPointer(pointer string) *problem {
	if pointer == "" {
		return nil
	}
	if pointer[0] != '/' {
		return wrongly("must be a JSON Pointer, which begins with a slash").try("did you mean %s?", quote(pointerOf(pointer)))
	}
	for _, after := range strings.Split(pointer, "~")[1:] {
		if !strings.HasPrefix(after, "0") && !strings.HasPrefix(after, "1") {
			return wrongly("~ stands alone in a JSON Pointer").try("write ~0 for ~ and ~1 for / in a name")
		}
	}
	return nil
}

// pointerOf returns the JSON Pointer for a path in another notation: machine.temperature, $.machine.temperature,
// machine/temperature.
func pointerOf(other string) string {
	steps := strings.FieldsFunc(other, func(r rune) bool { return strings.ContainsRune("$./[]", r) })
	return "/" + strings.Join(steps, "/")
}

// checkPartition takes a JSON Pointer or property:NAME, and "" for none.
func checkPartition(by string) *problem {
	name, ok := strings.CutPrefix(by, "property:")
	if ok && name == "" {
		return wrongly("a property needs a name")
	}
	if ok {
		return nil
	}
	if wrong := checkPointer(by); wrong != nil {
		return wrongly("must be a JSON Pointer or property:NAME").try("did you mean %s?", quote(pointerOf(by)))
	}
	return nil
}
