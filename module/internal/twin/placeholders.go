package twin

import (
	"cmp"
	"regexp"
	"strings"
)

// placeholders by the names that stand for a value of their own; ${env:NAME} stands beside them.
var placeholders = []string{"deviceId", "moduleId", "signal", "env:NAME"}

var placeholder = regexp.MustCompile(`\$\{[^{}]*\}`)

const placeholderSignal = "${signal}"

// expand returns a tree like the given one with the placeholders in its texts replaced. One that has no value
// is refused. Text of the form ${…} that is no placeholder stays as it is and is worth a warning: it can be
// meant for the guest.
func (e *entry) expand(tree any, at path) any {
	return mapTexts(tree, at, func(text string, at path) string {
		if !strings.Contains(text, "${") {
			return text
		}
		return placeholder.ReplaceAllStringFunc(text, func(match string) string { return e.replace(match, at) })
	})
}

func (e *entry) replace(match string, at path) string {
	name := match[2 : len(match)-1]
	value, ok := e.lookup(name)
	switch {
	case strings.HasPrefix(name, secret):
		return match
	case !ok:
		wrong := wrongly("%s is not a placeholder and stays as it is", quote(match))
		wrong.hint = didYouMean(name, placeholders)
		e.warn(at, wrong)
		return match
	case value == "":
		e.refuse(at, wrongly("%s has no value on this device", quote(match)))
	}
	return value
}

// secret begins the name of a placeholder that the host puts a secret in the place of, in the headers of a guest's request.
const secret = "secret:"

// lookup returns what a placeholder stands for, "" where that is not set, and whether it is one.
func (e *entry) lookup(name string) (value string, ok bool) {
	if variable, ok := strings.CutPrefix(name, "env:"); ok {
		return e.env.Getenv(variable), true
	}
	switch name {
	case "deviceId":
		return e.env.DeviceID, true
	case "moduleId":
		return e.env.ModuleID, true
	case "signal":
		return cmp.Or(e.signal, placeholderSignal), true // left in place until the signal is known
	}
	return "", false
}

// mapTexts returns a tree like the given one with f applied to each text in it, keys excepted.
func mapTexts(tree any, at path, f func(text string, at path) string) any {
	switch v := tree.(type) {
	case string:
		return f(v, at)
	case map[string]any:
		mapped := make(map[string]any, len(v))
		for key, value := range v {
			mapped[key] = mapTexts(value, at.key(key), f)
		}
		return mapped
	case []any:
		mapped := make([]any, len(v))
		for i, value := range v {
			mapped[i] = mapTexts(value, at.index(i), f)
		}
		return mapped
	}
	return tree
}

// refuseRepeated refuses keys that stand more than once in an object that is otherwise not read.
func refuseRepeated(tree any, at path, e *entry) {
	switch v := tree.(type) {
	case repeated:
		e.refuse(at, mismatch("", v))
	case map[string]any:
		for key, value := range v {
			refuseRepeated(value, at.key(key), e)
		}
	case []any:
		for i, value := range v {
			refuseRepeated(value, at.index(i), e)
		}
	}
}
