package document

import (
	"bytes"
	"errors"
	"fmt"
	"math"
)

// deepest is how deep arrays and objects may be nested, as for encoding/json.
const deepest = 10000

// Parse reads a JSON text, of which it keeps body. An error tells the offset of the byte that is wrong.
func Parse(body []byte) (*Document, error) {
	if len(body) > math.MaxInt32 {
		return nil, errors.New("parse JSON: text over 2 GiB")
	}
	// A number and its comma take a few bytes, a member with its name some twenty: most texts fit without growing.
	p := parser{body: body, tape: make([]entry, 0, len(body)/8+4)}
	p.space()
	if !p.value(0) || !p.end() {
		return nil, p.failure()
	}
	return &Document{body: body, tape: p.tape}, nil
}

// parser is at a byte of a text. Its methods go past what they are named for; those that report false leave the
// parser at the byte that is wrong.
type parser struct {
	body []byte
	at   int
	deep bool // the reason is nesting
	tape []entry
}

func (p *parser) failure() error {
	switch {
	case p.deep:
		return fmt.Errorf("parse JSON: nested deeper than %d at offset %d", deepest, p.at)
	case p.at >= len(p.body):
		return fmt.Errorf("parse JSON: text ends at offset %d", len(p.body))
	}
	return fmt.Errorf("parse JSON: unexpected %q at offset %d", p.body[p.at], p.at)
}

// peek returns the byte at hand, or 0 at the end: no JSON text has that byte outside strings, nor unescaped in them.
func (p *parser) peek() byte {
	if p.at < len(p.body) {
		return p.body[p.at]
	}
	return 0
}

func (p *parser) space() {
	for p.at < len(p.body) && p.body[p.at] <= ' ' {
		switch p.body[p.at] {
		case ' ', '\n', '\t', '\r':
			p.at++
		default:
			return
		}
	}
}

func (p *parser) end() bool {
	p.space()
	return p.at == len(p.body)
}

// value reads a value within depth arrays and objects.
func (p *parser) value(depth int) bool {
	switch c := p.peek(); c {
	case '"':
		return p.text()
	case '{':
		return p.nested(Object, depth+1)
	case '[':
		return p.nested(Array, depth+1)
	case 't':
		return p.word(Bool, "true")
	case 'f':
		return p.word(Bool, "false")
	case 'n':
		return p.word(Null, "null")
	}
	return p.number()
}

func (p *parser) word(kind Kind, word string) bool {
	start := p.at
	for i := range len(word) {
		if p.peek() != word[i] {
			return false
		}
		p.at++
	}
	p.note(kind, start, false)
	return true
}

// note adds the value that ends here and has none within.
func (p *parser) note(kind Kind, start int, plain bool) {
	p.tape = append(p.tape, entry{start: uint32(start), end: uint32(p.at), next: uint32(len(p.tape) + 1), kind: kind, plain: plain})
}

// nested reads an array or an object.
func (p *parser) nested(kind Kind, depth int) bool {
	if depth > deepest {
		p.deep = true
		return false
	}
	opened := len(p.tape)
	p.note(kind, p.at, false)
	p.at++
	closing := byte(']')
	if kind == Object {
		closing = '}'
	}
	if p.space(); p.peek() != closing && !p.parts(kind, closing, depth) {
		return false
	}
	p.at++
	p.tape[opened].end, p.tape[opened].next = uint32(p.at), uint32(len(p.tape))
	return true
}

// parts reads what stands within an array or an object, up to its closing byte.
func (p *parser) parts(kind Kind, closing byte, depth int) bool {
	for {
		if kind == Object && !p.name() {
			return false
		}
		if !p.value(depth) {
			return false
		}
		p.space()
		switch p.peek() {
		case closing:
			return true
		case ',':
			p.at++
			p.space()
		default:
			return false
		}
	}
}

// name reads the name of a member, and goes to its value.
func (p *parser) name() bool {
	if p.peek() != '"' || !p.text() {
		return false
	}
	p.space()
	if p.peek() != ':' {
		return false
	}
	p.at++
	p.space()
	return true
}

// text reads a string.
func (p *parser) text() bool {
	start, plain := p.at, true
	p.at++
	for p.at < len(p.body) {
		switch c := p.body[p.at]; {
		case c == '"':
			p.at++
			p.note(String, start, plain)
			return true
		case c == '\\':
			plain = false
			if !p.escape() {
				return false
			}
		case c < ' ':
			return false
		default:
			plain = plain && c < 0x80 // what is not ASCII may be no UTF-8 either
			p.at++
		}
	}
	return false
}

// escape reads what a backslash begins.
func (p *parser) escape() bool {
	p.at++
	switch p.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.at++
		return true
	case 'u':
		p.at++
	default:
		return false
	}
	for range 4 {
		if bytes.IndexByte([]byte("0123456789abcdefABCDEF"), p.peek()) < 0 {
			return false
		}
		p.at++
	}
	return true
}

// number reads a number.
func (p *parser) number() bool {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	if p.peek() == '0' {
		p.at++
	} else if !p.digits() {
		return false
	}
	if p.peek() == '.' {
		p.at++
		if !p.digits() {
			return false
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if !p.digits() {
			return false
		}
	}
	p.note(Number, start, false)
	return true
}

// digits reads one digit or more.
func (p *parser) digits() bool {
	start := p.at
	for p.at < len(p.body) && p.body[p.at]-'0' <= 9 {
		p.at++
	}
	return p.at > start
}
