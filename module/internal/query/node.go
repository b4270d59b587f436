package query

import (
	"math"
	"strings"
)

// node is an expression: its kind, as far as it is known without a message, and what it comes to with one. Of a
// node of kind isBool, isNumber or isText the value is of that kind or undefined.
type node struct {
	kind kind
	eval func(*Message) value
}

func constant(v value) node { return node{v.kind, func(*Message) value { return v }} }

// property is an application property: text, or undefined where the message has none of this name.
func property(name string) node {
	return node{isText, func(m *Message) value { return m.application(name) }}
}

// dollar is what begins with "$": an application property of this name, else a value of the body, else a system
// property. In braces it is no application property.
func dollar(t token, braces bool) (node, error) {
	other, err := system(t)
	if err != nil || braces || strings.ContainsAny(t.text, "[]") {
		return other, err
	}
	return node{other.kind, func(m *Message) value {
		if v := m.application(t.text); v.kind != isUndefined {
			return v
		}
		return other.eval(m)
	}}, nil
}

func system(t token) (node, error) {
	lower := strings.ToLower(t.text)
	switch {
	case strings.HasPrefix(lower, "$body."):
		return body(t)
	case lower == "$twin" || strings.HasPrefix(lower, "$twin."):
		return node{}, errorAt(t, "%s: edgeHub does not look into twins, this would never hold", t)
	case strings.ContainsAny(t.text, "[]"):
		return constant(value{}), nil
	}
	return node{isText, func(m *Message) value { return m.system(t.text[1:]) }}, nil
}

func prefix(operator token, inner node) (node, error) {
	switch {
	case operator.text == "-" && inner.kind == isNumber: // edgeHub cannot negate a value of the body
		return node{isNumber, func(m *Message) value {
			v := inner.eval(m)
			v.number = -v.number
			return v
		}}, nil
	case operator.text == "not" && inner.kind == isNull:
		return constant(truth(true)), nil
	case operator.text == "not" && inner.kind.fits(isBool):
		return node{isBool, func(m *Message) value {
			if v := inner.eval(m); v.kind == isBool {
				return truth(!v.truth)
			}
			return value{}
		}}, nil
	}
	hint := ""
	if operator.text == "not" {
		hint = "; it binds more tightly than a comparison, which wants parentheses"
	}
	return node{}, errorAt(operator, "%q does not take %s%s", strings.ToUpper(operator.text), inner.kind, hint)
}

func infix(operator token, left, right node) (node, error) {
	var result node
	ok := false
	switch operator.text {
	case "??":
		result, ok = coalesce(left, right)
	case "or", "and":
		result, ok = logical(operator.text, left, right)
	case "+", "-", "*", "/", "%":
		result, ok = arithmetic(operator.text, left, right)
	case "||":
		result, ok = concat([]node{left, right})
	default:
		result, ok = comparison(operator.text, left, right)
	}
	if !ok {
		return node{}, errorAt(operator, "%q does not take %s and %s%s", strings.ToUpper(operator.text), left.kind, right.kind, hint(left, right))
	}
	return result, nil
}

// hint helps with the error that everyone makes.
func hint(left, right node) string {
	if left.kind == isText && right.kind == isNumber || left.kind == isNumber && right.kind == isText {
		return "; properties are text, as_number makes a number of one"
	}
	return ""
}

// alike reports whether two operands can be compared: of one kind, or one of them of the body.
func alike(left, right node) bool { return left.kind == right.kind || right.kind.fits(left.kind) }

func coalesce(left, right node) (node, bool) {
	return node{joint(left, right), func(m *Message) value {
		if v := left.eval(m); v.kind != isUndefined {
			return v
		}
		return right.eval(m)
	}}, alike(left, right)
}

// joint is the kind of what either of two operands may come to.
func joint(left, right node) kind {
	if left.kind == isAny || right.kind == isAny {
		return isAny
	}
	return left.kind
}

func comparison(operator string, left, right node) (node, bool) {
	return node{isBool, func(m *Message) value { return compare(operator, left.eval(m), right.eval(m)) }}, alike(left, right)
}

// arithmetic takes numbers. edgeHub has no % for values of the body.
func arithmetic(operator string, left, right node) (node, bool) {
	kind := joint(left, right)
	ok := left.kind.fits(isNumber) && right.kind.fits(isNumber) && (operator != "%" || kind == isNumber)
	return node{kind, func(m *Message) value {
		a, b := left.eval(m), right.eval(m)
		if a.kind != isNumber || b.kind != isNumber {
			return value{}
		}
		return numeric(calculate(operator, a.number, b.number))
	}}, ok
}

func calculate(operator string, a, b float64) float64 {
	switch operator {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	default:
		return math.Mod(a, b)
	}
}

// logical takes truth values and null. That the right operand may be of the body only where the left one is, and then
// the right one may be anything, is edgeHub's (CheckBooleanOperands of ConditionVisitor.cs); so is what null does.
func logical(operator string, left, right node) (node, bool) {
	join := and
	if operator == "or" {
		join = or
	}
	null := left.kind == isNull || right.kind == isNull
	switch {
	case left.kind == isAny:
		ok := operator == "or" || right.kind != isNull
		return node{isBool, func(m *Message) value { return join(true, left.eval(m), right.eval(m)) }}, ok
	case null && operator == "and", left.kind == isNull && right.kind == isNull:
		return constant(value{kind: isNull}), isTruth(left) && isTruth(right)
	case left.kind == isNull:
		return right, right.kind == isBool
	case right.kind == isNull:
		return left, left.kind == isBool
	}
	ok := (isTruth(left) || left.kind == isUndefined) && (isTruth(right) || right.kind == isUndefined)
	return node{isBool, func(m *Message) value { return join(false, left.eval(m), right.eval(m)) }}, ok
}

func isTruth(n node) bool { return n.kind == isBool || n.kind == isNull }
