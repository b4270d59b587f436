package signals

import (
	"math"
	"strconv"
)

// number is what a JSON number says, exact where that is an integer of 64 bits.
type number struct {
	kind  numberKind
	whole int64   // of a whole one
	float float64 // of both, the nearest double
}

type numberKind uint8

const (
	noNumber numberKind = iota
	floating
	whole
)

func integer(i int64) number { return number{kind: whole, whole: i, float: float64(i)} }

// parseNumber reads a number as JSON spells it. What is no such number, or beyond a double, has the kind noNumber.
func parseNumber(text []byte) number {
	if !isNumeral(text) {
		return number{}
	}
	return parseNumeral(text)
}

// parseNumeral reads digits that may also be spelled as devices do: with a plus, with leading zeros.
func parseNumeral(text []byte) number {
	plain := true
	for _, c := range text {
		switch {
		case c >= '0' && c <= '9', c == '-', c == '+':
		case c == '.', c == 'e', c == 'E':
			plain = false
		default:
			return number{} // strconv would take "inf", "0x10" and "1_000" too
		}
	}
	if plain {
		if i, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			return integer(i)
		}
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return number{}
	}
	return number{kind: floating, float: f}
}

// isNumeral reports whether text is a number by the grammar of JSON.
func isNumeral(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	n := digits(text)
	if n == 0 || (n > 1 && text[0] == '0') {
		return false
	}
	text = text[n:]
	if len(text) > 0 && text[0] == '.' {
		if n = digits(text[1:]); n == 0 {
			return false
		}
		text = text[1+n:]
	}
	if len(text) == 0 || text[0]|0x20 != 'e' {
		return len(text) == 0
	}
	text = text[1:]
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		text = text[1:]
	}
	return len(text) > 0 && digits(text) == len(text)
}

// digits counts those that text begins with.
func digits(text []byte) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// round returns the nearest integer of 64 bits, halves away from zero. There is none beyond their range, nor for the
// double at its lower end: what is just below reads as that too.
func (n number) round() (number, bool) {
	if n.kind == whole {
		return n, true
	}
	f := math.Round(n.float)
	if f <= -1<<63 || f >= 1<<63 {
		return number{}, false
	}
	return integer(int64(f)), true
}

// beyond reports whether two numbers are further apart than distance. Between integers nothing is rounded.
func (n number) beyond(o number, distance float64) bool {
	if n.kind != whole || o.kind != whole {
		return math.Abs(n.float-o.float) > distance
	}
	low, high := min(n.whole, o.whole), max(n.whole, o.whole)
	apart := uint64(high) - uint64(low)
	return distance < 1<<64 && apart > uint64(distance)
}

// appendNumber writes a number in its shortest form.
func appendNumber(dst []byte, n number) []byte {
	if n.kind == whole {
		return strconv.AppendInt(dst, n.whole, 10)
	}
	if size := math.Abs(n.float); size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.AppendFloat(dst, n.float, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, n.float, 'f', -1, 64)
}

// linear is scale and offset.
type linear struct {
	scale, offset float64
	divisor       float64 // 1/scale where that is a whole number, else zero
}

// newLinear returns nil where nothing is to be done. A scale of zero, which would make all values equal, stands for
// none, so that a signal made by hand may leave it out.
func newLinear(scale, offset float64) *linear {
	if scale == 0 {
		scale = 1
	}
	if scale == 1 && offset == 0 {
		return nil
	}
	l := &linear{scale: scale, offset: offset}
	if d := math.Round(1 / scale); math.Abs(d) < 1<<53 && 1/d == scale {
		l.divisor = d
	}
	return l
}

// apply returns the scaled number. A scale of 0.1 divides by ten, so that 3 becomes 0.3 and not 0.30000000000000004.
// There is no number where the result is beyond a double.
func (l *linear) apply(n number) number {
	f := n.float * l.scale
	if l.divisor != 0 {
		f = n.float / l.divisor
	}
	f = float64(f) + l.offset // the conversion keeps arm64 from fusing both steps: all devices give the same digits
	if math.IsInf(f, 0) {
		return number{}
	}
	return number{kind: floating, float: f}
}
