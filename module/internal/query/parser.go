package query

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// maxDepth bounds how deeply parentheses, calls and prefixes nest.
const maxDepth = 100

// parser reads tokens, of which the last is of kind end.
type parser struct {
	text   string
	tokens []token
	at     int
	depth  int
}

func (p *parser) peek() token { return p.tokens[p.at] }

func (p *parser) next() token {
	t := p.peek()
	if t.kind != end {
		p.at++
	}
	return t
}

func (p *parser) take(text string) bool {
	if !p.peek().is(text) {
		return false
	}
	p.at++
	return true
}

func (p *parser) expect(text string) error {
	if t := p.next(); !t.is(text) {
		return errorAt(t, "want %q, not %s", strings.ToUpper(text), t)
	}
	return nil
}

// condition reads what may stand after WHERE.
func (p *parser) condition() (*Condition, error) {
	first := p.peek()
	root, err := p.expression(0)
	if err != nil {
		return nil, err
	}
	last := p.tokens[p.at-1]
	return &Condition{text: p.text[first.at : last.at+len(last.text)], root: root}, nil
}

// levels are the operators between two operands, those that bind least first (Condition.g4).
var levels = [][]string{
	{"??"}, {"or"}, {"and"}, {"=", "!=", "<>"}, {"<", "<=", ">", ">="}, {"+", "-", "||"}, {"*", "/", "%"},
}

// expression reads operands and the operators between them that bind at least as tightly as levels[level].
func (p *parser) expression(level int) (node, error) {
	if level == len(levels) {
		return p.operand()
	}
	left, err := p.expression(level + 1)
	for err == nil && p.peek().kind == symbol && slices.Contains(levels[level], p.peek().text) {
		operator := p.next()
		var right node
		if right, err = p.expression(level + 1); err == nil {
			left, err = infix(operator, left, right)
		}
	}
	return left, err
}

// operand reads what stands between operators.
func (p *parser) operand() (node, error) {
	if p.depth++; p.depth > maxDepth {
		return node{}, errorAt(p.peek(), "nested deeper than %d", maxDepth)
	}
	defer func() { p.depth-- }()
	switch t := p.next(); t.kind {
	case symbol:
		return p.symbol(t)
	case name:
		if p.take("(") {
			return p.call(t)
		}
		return property(t.text), nil
	case systemName:
		return dollar(t, false)
	case quoted:
		return constant(text(unescape(t.text[1 : len(t.text)-1]))), nil
	case unterminated:
		return node{}, errorAt(t, "the text does not end, or has an escape other than \\\" \\' \\\\ and \\u0000")
	case number, hexadecimal:
		return literal(t), nil
	default:
		return node{}, errorAt(t, "want a value, not %s", t)
	}
}

// symbol reads an operand that begins with a symbol.
func (p *parser) symbol(t token) (node, error) {
	switch t.text {
	case "true", "false":
		return constant(truth(t.text == "true")), nil
	case "null":
		return constant(value{kind: isNull}), nil
	case "undefined":
		return constant(value{}), nil
	case "-", "not":
		inner, err := p.operand()
		if err != nil {
			return node{}, err
		}
		return prefix(t, inner)
	case "(":
		inner, err := p.expression(0)
		if err != nil {
			return node{}, err
		}
		return inner, p.expect(")")
	case "{":
		inner := p.next()
		if inner.kind != systemName {
			return node{}, errorAt(inner, `want the name of a system property after "{", not %s`, inner)
		}
		n, err := dollar(inner, true)
		if err != nil {
			return node{}, err
		}
		return n, p.expect("}")
	}
	return node{}, errorAt(t, "want a value, not %s", t)
}

// call reads the arguments of a function.
func (p *parser) call(function token) (node, error) {
	var arguments []node
	for more := !p.take(")"); more; {
		argument, err := p.expression(0)
		if err != nil {
			return node{}, err
		}
		arguments = append(arguments, argument)
		if more = p.take(","); !more {
			if err := p.expect(")"); err != nil {
				return node{}, err
			}
		}
	}
	return callBuiltin(function, arguments)
}

// literal makes a number. One that .NET does not take, e10 among them, is undefined.
func literal(t token) node {
	if t.kind == hexadecimal {
		bits, err := strconv.ParseUint(t.text[len("0x"):], 16, 64)
		if err != nil {
			return constant(value{})
		}
		return constant(numeric(float64(int64(bits))))
	}
	n, err := strconv.ParseFloat(t.text, 64)
	if err != nil && n == 0 {
		return constant(value{})
	}
	return constant(numeric(n)) // ±Inf where it is too large
}

var (
	unicodeEscape = regexp.MustCompile(`\\[Uu]([0-9A-Fa-f]{4})`)
	quoteEscape   = regexp.MustCompile(`\\(["'\\])`)
)

// unescape takes edgeHub's two steps, one after the other.
func unescape(s string) string {
	s = unicodeEscape.ReplaceAllStringFunc(s, func(escape string) string {
		code, _ := strconv.ParseUint(escape[2:], 16, 16) // the form says that it is a number
		return string(rune(code))
	})
	return quoteEscape.ReplaceAllString(s, "$1")
}
