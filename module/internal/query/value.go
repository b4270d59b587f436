package query

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf16"
)

// kind is the type of a value, and of an expression as far as it is known when a condition is read.
type kind int

// The kinds, in the order in which edgeHub compares values of different ones (QueryValueType.cs).
const (
	isUndefined kind = iota
	isBool
	isNumber
	isText
	isNull
	isAny // of an expression only: it depends on the body
)

func (k kind) String() string {
	return [...]string{"undefined", "true or false", "a number", "text", "null", "a value of the body"}[k]
}

// fits reports whether an expression of kind k may stand where want is expected.
func (k kind) fits(want kind) bool {
	return k == want || k == isAny && want != isUndefined || want == isAny && k != isUndefined
}

// value is what an expression comes to.
type value struct {
	kind    kind
	truth   bool
	number  float64
	text    string
	missing bool // null because the body has no such value
}

func truth(b bool) value  { return value{kind: isBool, truth: b} }
func text(s string) value { return value{kind: isText, text: s} }

// numeric makes a number; what is none is undefined.
func numeric(n float64) value {
	if math.IsNaN(n) {
		return value{}
	}
	return value{kind: isNumber, number: n}
}

// compare applies a comparison operator (ComparisonOperators.cs). Values of different kinds are unequal, and in the
// order of their kinds.
func compare(operator string, a, b value) value {
	if a.kind == isUndefined || b.kind == isUndefined {
		return value{}
	}
	order := a.compare(b)
	switch operator {
	case "=":
		return truth(order == 0)
	case "<":
		return truth(order < 0)
	case "<=":
		return truth(order <= 0)
	case ">":
		return truth(order > 0)
	case ">=":
		return truth(order >= 0)
	default: // != and <>
		return truth(order != 0)
	}
}

func (v value) compare(other value) int {
	switch {
	case v.kind != other.kind:
		return cmp.Compare(v.kind, other.kind)
	case v.kind == isText:
		return slices.Compare(units(v.text), units(other.text))
	case v.kind == isNumber:
		return cmp.Compare(v.number, other.number)
	case v.truth == other.truth: // null is always null
		return 0
	case v.truth:
		return 1
	default:
		return -1
	}
}

// units are the characters of a text as .NET counts and compares them.
func units(s string) []uint16 { return utf16.Encode([]rune(s)) }

// and and or know three values. loose operands are of the body: then undefined is undefined, whatever the other.
func and(loose bool, a, b value) value { return connect(loose, false, a, b) }
func or(loose bool, a, b value) value  { return connect(loose, true, a, b) }

// connect joins two values of which one that equals decisive decides.
func connect(loose, decisive bool, a, b value) value {
	bothKnown := a.kind == isBool && b.kind == isBool
	switch {
	case bothKnown && (a.truth == decisive || b.truth == decisive):
		return truth(decisive)
	case bothKnown:
		return truth(!decisive)
	case !loose && (a == truth(decisive) || b == truth(decisive)):
		return truth(decisive)
	default:
		return value{}
	}
}
