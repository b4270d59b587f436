package edge

import (
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan"
)

// Value is a JSON value as the host wrote it: a number, a string, a boolean, null, or, where the signal's
// dataType is json, an array or an object. Its methods convert on demand.
type Value []byte

// Float returns a number and whether the value is one that a float64 can hold.
func (v Value) Float() (float64, bool) {
	if scan.KindOf(v) != scan.Number {
		return 0, false
	}
	number, err := strconv.ParseFloat(string(v), 64)
	return number, err == nil
}

// Int returns a whole number and whether the value is one that an int64 can hold, with all its digits.
func (v Value) Int() (int64, bool) {
	number, err := strconv.ParseInt(string(v), 10, 64)
	return number, err == nil
}

// Text returns the characters of a string and whether the value is one.
func (v Value) Text() (string, bool) {
	chars, err := scan.Text(v)
	return string(chars), err == nil
}

// Bool returns a boolean and whether the value is one.
func (v Value) Bool() (value, ok bool) {
	value = string(v) == "true"
	return value, value || string(v) == "false"
}

// Any returns the value as a float64, a string, a bool, as nil for null, and as itself for anything else.
func (v Value) Any() any {
	if number, ok := v.Float(); ok {
		return number
	}
	if chars, ok := v.Text(); ok {
		return chars
	}
	if value, ok := v.Bool(); ok {
		return value
	}
	if scan.KindOf(v) == scan.Null {
		return nil
	}
	return v
}
