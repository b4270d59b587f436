package edgehub

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// edgeHub keeps application properties by their names whatever the case, and a message with two that differ in case
// only it acknowledges and throws away (EdgeMessage.cs, OrdinalIgnoreCase). System properties it tells apart from them
// before that, to the letter: "$.MID" is an application property.

// isSystem tells whether edgeHub takes a property that a module sends for one of its own (Hub.Core/SystemProperties.cs).
func isSystem(name string) bool {
	switch name {
	case PropertyMessageID, PropertyCorrelationID, PropertyUserID, PropertyContentType, PropertyContentEncoding, PropertySchema,
		PropertyCreationTime, propertyOutput, "$.to", "$.exp", "$.ifid", "$.sub", "ack", "iothub-operation":
		return true
	}
	return false
}

// sameName tells whether two properties would be one to edgeHub.
func sameName(a, b string) bool { return !differAtOnce(a, b) && sameInFull(a, b) }

// differAtOnce spares most pairs of names the comparison in full, by their ends.
func differAtOnce(a, b string) bool {
	return a != "" && b != "" && (differ(a[0], b[0]) || differ(a[len(a)-1], b[len(b)-1]))
}

// differ tells whether two bytes cannot be of one letter: in ASCII those differ in one bit.
func differ(a, b byte) bool { return a|b < utf8.RuneSelf && (a^b)&^0x20 != 0 }

func sameInFull(a, b string) bool {
	return a == b || strings.EqualFold(a, b) && !isSystem(a) && !isSystem(b)
}

// repeated returns two names of which edgeHub would make one.
func repeated(p Properties) (name, other string, ok bool) {
	if len(p) > shortList {
		return repeatedOfMany(p)
	}
	for i := range p {
		for j := range i {
			if sameName(p[i].Name, p[j].Name) {
				return p[i].Name, p[j].Name, true
			}
		}
	}
	return "", "", false
}

func repeatedOfMany(p Properties) (name, other string, ok bool) {
	seen := make(map[string]string, len(p))
	for i := range p {
		key := nameKey(p[i].Name)
		if other, ok := seen[key]; ok {
			return p[i].Name, other, true
		}
		seen[key] = p[i].Name
	}
	return "", "", false
}

// nameKey is equal for names that sameName takes for one.
func nameKey(name string) string {
	if isSystem(name) {
		return "\x00" + name // no name has that
	}
	return strings.Map(leastFold, name)
}

// leastFold returns the first of the characters that differ from r in case only.
func leastFold(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}

// checkRepeated refuses properties of which edgeHub would make one.
func checkRepeated(p Properties) error {
	name, other, ok := repeated(p)
	switch {
	case !ok:
		return nil
	case name == other:
		return &PropertyError{Name: name, Reason: "occurs twice"}
	}
	return &PropertyError{Name: name, Reason: "differs from \"" + other + "\" in case only"}
}
