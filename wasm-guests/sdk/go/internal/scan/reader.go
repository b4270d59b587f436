package scan

import (
	"errors"
	"strconv"
)

// reader goes over a document once, from left to right, and finds where its pieces end.
type reader struct {
	data []byte
	pos  int
}

// value passes over one value that stands depth levels deep. Space before it has been skipped.
func (r *reader) value(depth int) error {
	if depth > MaxDepth {
		return errors.New("json is nested deeper than " + strconv.Itoa(MaxDepth) + " levels")
	}
	switch c := r.peek(); {
	case c == '{', c == '[':
		return r.composite(c, depth)
	case c == '"':
		return r.text()
	case c == '-', isDigit(c):
		return r.number()
	case c == 't':
		return r.word("true")
	case c == 'f':
		return r.word("false")
	case c == 'n':
		return r.word("null")
	}
	return r.unexpected("looking for a value")
}

// composite passes over an object or an array.
func (r *reader) composite(open byte, depth int) error {
	r.pos++
	for first := true; ; first = false {
		more, err := r.next(open, first)
		if err != nil || !more {
			return err
		}
		if open == '{' {
			if _, err := r.name(); err != nil {
				return err
			}
		}
		r.skipSpace()
		if err := r.value(depth + 1); err != nil {
			return err
		}
	}
}

// next goes behind the comma or the closing bracket that follows and reports whether there is one more.
func (r *reader) next(open byte, first bool) (bool, error) {
	r.skipSpace()
	switch {
	case r.take(open + 2): // '{'+2 is '}', '['+2 is ']'
		return false, nil
	case first:
		return true, nil
	case r.take(','):
		return true, nil
	}
	return false, r.unexpected("after a value")
}

// name passes over the name of a member and its colon and returns the name, quotes included.
func (r *reader) name() ([]byte, error) {
	from := r.skipSpace()
	if r.peek() != '"' {
		return nil, r.unexpected("looking for a member's name")
	}
	if err := r.text(); err != nil {
		return nil, err
	}
	name := r.data[from:r.pos]
	r.skipSpace()
	if !r.take(':') {
		return nil, r.unexpected("after a member's name")
	}
	return name, nil
}

// end makes sure that nothing but space follows.
func (r *reader) end() error {
	if r.skipSpace() < len(r.data) {
		return r.unexpected("after the document")
	}
	return nil
}

// text passes over a string.
func (r *reader) text() error {
	for r.pos++; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; {
		case c == '"':
			r.pos++
			return nil
		case c < ' ':
			return r.unexpected("in a string")
		case c == '\\':
			r.pos++
			if err := r.escape(); err != nil {
				return err
			}
		}
	}
	return r.unexpected("in a string")
}

// escape stays on the last byte of the escape whose second byte is next.
func (r *reader) escape() error {
	switch r.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
		for range 4 {
			r.pos++
			if !isHex(r.peek()) {
				return r.unexpected("in an escape")
			}
		}
		return nil
	}
	return r.unexpected("in an escape")
}

// number passes over a number in the grammar of RFC 8259, section 6.
func (r *reader) number() error {
	r.take('-')
	if !r.take('0') && !r.digits() {
		return r.unexpected("in a number")
	}
	if r.take('.') && !r.digits() {
		return r.unexpected("in a number")
	}
	if r.take('e') || r.take('E') {
		if !r.take('+') {
			r.take('-')
		}
		if !r.digits() {
			return r.unexpected("in a number")
		}
	}
	return nil
}

// digits passes over digits and reports whether there were any.
func (r *reader) digits() bool {
	from := r.pos
	for isDigit(r.peek()) {
		r.pos++
	}
	return r.pos > from
}

func (r *reader) word(word string) error {
	for i := range len(word) {
		if !r.take(word[i]) {
			return r.unexpected("in " + word)
		}
	}
	return nil
}

// skipSpace returns the place of the next byte that is not space.
func (r *reader) skipSpace() int {
	for r.pos < len(r.data) {
		switch r.data[r.pos] {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return r.pos
		}
	}
	return r.pos
}

// peek returns the next byte, 0 at the end; 0 has no place in JSON either.
func (r *reader) peek() byte {
	if r.pos < len(r.data) {
		return r.data[r.pos]
	}
	return 0
}

// take goes behind the next byte if it is c.
func (r *reader) take(c byte) bool {
	if r.pos < len(r.data) && r.data[r.pos] == c {
		r.pos++
		return true
	}
	return false
}

func (r *reader) unexpected(where string) error {
	if r.pos >= len(r.data) {
		return errors.New("json ends " + where)
	}
	return errors.New("unexpected " + strconv.QuoteRune(rune(r.data[r.pos])) + " at byte " +
		strconv.Itoa(r.pos) + " of json, " + where)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
