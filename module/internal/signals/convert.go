package signals

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// reading is a value on its way through the stages.
type reading struct {
	text    []byte // JSON; nil where number is to be written in its shortest form
	number  number // what text says, if it is a number
	quality module.Quality
	notes   Notes
}

var null = []byte("null")

// absent reports whether a message has no value: nothing, or JSON's null.
func absent(value []byte) bool { return len(value) == 0 || bytes.Equal(value, null) }

// condition makes a value what dataType, scale, offset and range ask for. New text is written to scratch. False means
// that the range drops it.
func (s *Stages) condition(f Found, scratch []byte) (reading, bool) {
	if absent(f.Value) {
		return reading{text: null, quality: f.Quality}, true
	}
	r, ok := s.convert(f.Value, scratch)
	if !ok {
		return reading{text: null, quality: module.Bad, notes: Invalid}, true
	}
	r.quality = f.Quality
	return s.limit(r)
}

// convert makes a value what dataType asks for, scaled. False means that it cannot be that.
func (s *Stages) convert(value, scratch []byte) (reading, bool) {
	switch {
	case s.numeric:
		return s.toNumber(value)
	case s.dataType == typeBoolean:
		return toBoolean(value)
	case s.dataType == typeString:
		return toString(value, scratch)
	}
	return reading{text: value, number: parseNumber(value)}, true
}

// toNumber takes numbers, and numbers in strings. Where nothing changes a number it keeps its digits.
func (s *Stages) toNumber(value []byte) (reading, bool) {
	digits := bytes.TrimSpace(content(value))
	if s.dataType == typeInt64 {
		digits = withoutZeroFraction(digits)
	}
	n := parseNumeral(digits)
	if n.kind != noNumber && s.linear != nil {
		n = s.linear.apply(n)
	}
	if n.kind == noNumber {
		return reading{}, false
	}
	if s.dataType == typeInt64 {
		n, ok := n.round()
		return reading{number: n}, ok
	}
	if s.linear != nil || !isNumeral(digits) {
		return reading{number: n}, true
	}
	return reading{text: digits, number: n}, true
}

// withoutZeroFraction makes 7.00 a 7, which is exact however large it is.
func withoutZeroFraction(digits []byte) []byte {
	before, after, found := bytes.Cut(digits, []byte("."))
	if found && len(before) > 0 && len(bytes.Trim(after, "0")) == 0 {
		return before
	}
	return digits
}

// toBoolean takes true and false, in strings too and whatever their case there, and the numbers 0 and 1.
func toBoolean(value []byte) (reading, bool) {
	word := content(value)
	n := parseNumber(word)
	switch {
	case n.kind != noNumber && n.float == 1, strings.EqualFold(string(word), "true"):
		return reading{text: []byte("true")}, true
	case n.kind != noNumber && n.float == 0, strings.EqualFold(string(word), "false"):
		return reading{text: []byte("false")}, true
	}
	return reading{}, false
}

// toString takes strings, numbers and booleans. Numbers keep their digits.
func toString(value, scratch []byte) (reading, bool) {
	switch value[0] {
	case '"':
		return reading{text: value}, true
	case '{', '[':
		return reading{}, false
	}
	return reading{text: append(append(append(scratch, '"'), value...), '"')}, true
}

// content returns what is in a JSON string, and any other value as it stands.
func content(value []byte) []byte {
	if len(value) < 2 || value[0] != '"' {
		return value
	}
	if !bytes.ContainsRune(value, '\\') {
		return value[1 : len(value)-1]
	}
	var text string
	_ = json.Unmarshal(value, &text) // on an error it stays empty, which is neither a number nor a boolean
	return []byte(text)
}

// limit answers a number that is beyond the range. False means that it is dropped.
func (s *Stages) limit(r reading) (reading, bool) {
	if r.number.kind == noNumber {
		return r, true
	}
	var passed *bound
	switch {
	case s.min != nil && r.number.float < s.min.at:
		passed = s.min
	case s.max != nil && r.number.float > s.max.at:
		passed = s.max
	default:
		return r, true
	}
	r.notes |= Strayed
	r.quality = max(r.quality, module.Uncertain)
	if s.rangeAction == actionClamp {
		r.text, r.number = nil, passed.number
	}
	return r, s.rangeAction != actionDrop
}
