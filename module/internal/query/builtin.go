package query

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// builtin makes a call of a function with arguments, if it takes them.
type builtin func(arguments []node) (node, bool)

// builtins are edgeHub's functions, by name in lower case (query/builtins). twin_change_includes is for the source
// /twinChangeNotifications, where it is no function of messages.
var builtins = map[string]builtin{
	"abs":     calculates(math.Abs),
	"exp":     calculates(math.Exp),
	"square":  calculates(func(n float64) float64 { return n * n }),
	"ceiling": calculates(math.Ceil),
	"floor":   calculates(math.Floor),
	"sign":    calculates(sign),
	"sqrt":    calculates(math.Sqrt),
	"power":   fixed(isNumber, func(v []value) value { return numeric(math.Pow(v[0].number, v[1].number)) }, isNumber, isNumber),

	"as_number":  asNumber,
	"is_bool":    is(func(v value) value { return truthUnlessUndefined(v, v.kind == isBool) }, isBool, isAny),
	"is_defined": is(func(v value) value { return truth(v.kind != isUndefined) }, isUndefined, isBool, isNumber, isText, isNull, isAny),
	"is_null":    is(func(v value) value { return truthUnlessUndefined(v, !v.missing) }, isAny, isNull),
	"is_number":  is(func(v value) value { return truth(v.kind == isNumber && !math.IsInf(v.number, 0)) }, isNumber, isAny),
	"is_string":  is(func(v value) value { return truth(v.kind == isText) }, isText, isAny),

	"concat":      concat,
	"length":      fixed(isNumber, func(v []value) value { return numeric(float64(len(units(v[0].text)))) }, isText),
	"lower":       fixed(isText, func(v []value) value { return text(strings.ToLower(v[0].text)) }, isText),
	"upper":       fixed(isText, func(v []value) value { return text(strings.ToUpper(v[0].text)) }, isText),
	"index_of":    fixed(isNumber, indexOf, isText, isText),
	"starts_with": compares(strings.HasPrefix),
	"ends_with":   compares(strings.HasSuffix),
	"contains":    compares(strings.Contains),
	"substring":   substring,
}

func callBuiltin(function token, arguments []node) (node, error) {
	call, ok := builtins[strings.ToLower(function.text)]
	if !ok {
		return node{}, errorAt(function, "%s is no function of edgeHub's for messages", function)
	}
	n, ok := call(arguments)
	if ok {
		return n, nil
	}
	kinds := make([]string, len(arguments))
	for i, argument := range arguments {
		kinds[i] = argument.kind.String()
	}
	return node{}, errorAt(function, "%s does not take (%s)", function, strings.Join(kinds, ", "))
}

// fixed is a function whose result is undefined unless every argument is of the kind that it takes.
func fixed(gives kind, call func([]value) value, takes ...kind) builtin {
	return func(arguments []node) (node, bool) {
		fits := func(n node, k kind) bool { return n.kind.fits(k) }
		return node{gives, func(m *Message) value {
			values := make([]value, len(arguments))
			for i := range arguments {
				if values[i] = arguments[i].eval(m); values[i].kind != takes[i] {
					return value{}
				}
			}
			return call(values)
		}}, slices.EqualFunc(arguments, takes, fits)
	}
}

func calculates(f func(float64) float64) builtin {
	return fixed(isNumber, func(v []value) value { return numeric(f(v[0].number)) }, isNumber)
}

func compares(f func(s, part string) bool) builtin {
	return fixed(isBool, func(v []value) value { return truth(f(v[0].text, v[1].text)) }, isText, isText)
}

// is asks something of an argument of one of some kinds. Of one of another kind it is false.
func is(question func(value) value, kinds ...kind) builtin {
	return func(arguments []node) (node, bool) {
		if len(arguments) != 1 {
			return node{}, false
		}
		if !slices.Contains(kinds, arguments[0].kind) {
			return constant(truth(false)), true
		}
		return node{isBool, func(m *Message) value { return question(arguments[0].eval(m)) }}, true
	}
}

func truthUnlessUndefined(v value, b bool) value {
	if v.kind == isUndefined {
		return value{}
	}
	return truth(b)
}

func sign(n float64) float64 {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

// concat joins two texts or more.
func concat(arguments []node) (node, bool) {
	ok := len(arguments) >= 2
	for _, argument := range arguments {
		ok = ok && argument.kind.fits(isText)
	}
	return node{isText, func(m *Message) value {
		var joined strings.Builder
		for _, argument := range arguments {
			v := argument.eval(m)
			if v.kind != isText {
				return value{}
			}
			joined.WriteString(v.text)
		}
		return text(joined.String())
	}}, ok
}

var numberForm = regexp.MustCompile(`^\s*[+-]?([0-9][0-9,]*\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$`)

// asNumber reads a text as double.TryParse does in the invariant culture, less parentheses and currency signs.
func asNumber(arguments []node) (node, bool) {
	ok := len(arguments) == 1 && (arguments[0].kind.fits(isText) || arguments[0].kind == isNumber)
	return node{isNumber, func(m *Message) value {
		v := arguments[0].eval(m)
		switch {
		case v.kind == isNumber:
			return v
		case v.kind == isText && numberForm.MatchString(v.text):
			n, _ := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(v.text), ",", ""), 64) // infinite where it is too large
			return numeric(n)
		}
		return value{}
	}}, ok
}

// indexOf counts characters as .NET does; -1 for none.
func indexOf(v []value) value {
	before, _, found := strings.Cut(v[0].text, v[1].text)
	if !found {
		return numeric(-1)
	}
	return numeric(float64(len(units(before))))
}

// substring is substring(text, start) or substring(text, start, length).
func substring(arguments []node) (node, bool) {
	if len(arguments) == 3 {
		return fixed(isText, func(v []value) value {
			all, start, length := units(v[0].text), v[1].number, v[2].number
			if start < 0 || start >= float64(len(all)) || length < 0 || length > float64(len(all))-start {
				return value{}
			}
			return text(string(utf16.Decode(all[int(start) : int(start)+int(length)])))
		}, isText, isNumber, isNumber)(arguments)
	}
	return fixed(isText, func(v []value) value {
		all, start := units(v[0].text), v[1].number
		if start < 0 || start > float64(len(all)) {
			return value{}
		}
		return text(string(utf16.Decode(all[int(start):])))
	}, isText, isNumber)(arguments)
}
