package twin

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// reader takes a JSON value, never null, for a V, or says what is wrong with it. Texts are not repeated in what
// it says: a value in the wrong place can be a secret.
type reader[V any] func(value any) (V, *problem)

// text reads a string that check has nothing against.
func text[S ~string](check func(string) *problem) reader[S] {
	return func(value any) (S, *problem) {
		s, ok := value.(string)
		if !ok {
			return "", mismatch("a string", value)
		}
		return S(s), check(s)
	}
}

// choice reads one of a few words.
func choice[S ~string](words ...S) reader[S] {
	known := make([]string, len(words))
	for i, word := range words {
		known[i] = string(word)
	}
	return func(value any) (S, *problem) {
		s, ok := value.(string)
		if !ok {
			return "", mismatch("one of "+strings.Join(known, ", "), value)
		}
		if !slices.Contains(known, s) {
			wrong := wrongly("must be one of %s, is %s", strings.Join(known, ", "), quote(s))
			wrong.hint = didYouMean(s, known)
			return "", wrong
		}
		return S(s), nil
	}
}

// whole reads an integer from lo to hi and returns it times unit.
func whole[N ~int | ~int64](unit N, lo, hi int64) reader[N] {
	return func(value any) (N, *problem) {
		number, ok := value.(json.Number)
		if !ok {
			return 0, mismatch("an integer", value)
		}
		n, ok := integer(number)
		if !ok {
			return 0, wrongly("must be an integer from %d to %d, is %s", lo, hi, clip(string(number), 64))
		}
		if n < lo || n > hi {
			return 0, wrongly("must be from %d to %d, is %d", lo, hi, n)
		}
		return N(n) * unit, nil
	}
}

// integer returns the value of number if it is one, in whatever form it is written: 50, 50.0, 5e1.
func integer(number json.Number) (int64, bool) {
	if n, err := number.Int64(); err == nil {
		return n, true
	}
	f, err := number.Float64()
	if err != nil || f != math.Trunc(f) || math.Abs(f) > maxInteger {
		return 0, false
	}
	return int64(f), true
}

// atLeast reads a number from least up.
func atLeast(least float64) reader[float64] {
	return func(value any) (float64, *problem) {
		f, wrong := real(value)
		if wrong == nil && f < least {
			wrong = wrongly("must be %v or more, is %v", least, f)
		}
		return f, wrong
	}
}

// real reads a number.
func real(value any) (float64, *problem) {
	number, ok := value.(json.Number)
	if !ok {
		return 0, mismatch("a number", value)
	}
	f, err := number.Float64()
	if err != nil {
		return 0, wrongly("is too large a number")
	}
	return f, nil
}

// present reads what read reads, for fields whose zero value is not the same as none.
func present[V any](read reader[V]) reader[*V] {
	return func(value any) (*V, *problem) {
		v, wrong := read(value)
		if wrong != nil {
			return nil, wrong
		}
		return &v, nil
	}
}

func boolean(value any) (bool, *problem) {
	b, ok := value.(bool)
	if !ok {
		return false, mismatch("true or false", value)
	}
	return b, nil
}

// scalarText reads a string, number or boolean as text.
func scalarText(value any) (string, *problem) {
	switch v := value.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", mismatch("a string, number or boolean", value)
}

func object(value any) (map[string]any, *problem) {
	o, ok := value.(map[string]any)
	if !ok {
		return nil, mismatch("an object", value)
	}
	return o, nil
}

func anything(value any) (any, *problem) { return value, nil }

func anyText(string) *problem { return nil }

func anyKey(string) *problem { return nil }

// mismatch says that value is not of the wanted type.
func mismatch(want string, value any) *problem {
	switch v := value.(type) {
	case nil:
		return wrongly("must be %s, is null", want)
	case repeated:
		return wrongly("the key stands here more than once")
	case string:
		wrong := wrongly("must be %s, is a string", want)
		if json.Valid([]byte(v)) && want != "an object" {
			wrong.hint = "write it without quotes"
		}
		return wrong
	case json.Number:
		return inQuotes(wrongly("must be %s, is a number", want), want)
	case bool:
		return inQuotes(wrongly("must be %s, is %t", want, v), want)
	case []any:
		return wrongly("must be %s, is an array", want)
	}
	return wrongly("must be %s, is an object", want)
}

func inQuotes(wrong *problem, want string) *problem {
	if want == "a string" {
		wrong.hint = "write it in quotes"
	}
	return wrong
}

// checkName takes names of guests, signals, templates, groups, inputs and outputs.
func checkName(name string) *problem {
	if module.ValidName(name) {
		return nil
	}
	return wrongly("is not a name: 1 to 64 of A-Z a-z 0-9 _ -")
}
