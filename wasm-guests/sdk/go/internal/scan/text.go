package scan

import (
	"bytes"
	"errors"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// Kind is what a JSON value is.
type Kind int

// The kinds of values.
const (
	Invalid Kind = iota
	Null
	Bool
	Number
	String
	Array
	Object
)

// String returns the kind in words for an error message, for example "a number".
func (k Kind) String() string {
	return [...]string{"no value", "null", "a boolean", "a number", "a string", "an array", "an object"}[k]
}

// KindOf tells by its first byte what a value is. It does not look whether the rest of it is valid.
func KindOf(value []byte) Kind {
	r := reader{data: value}
	r.skipSpace()
	switch c := r.peek(); {
	case c == '{':
		return Object
	case c == '[':
		return Array
	case c == '"':
		return String
	case c == '-', isDigit(c):
		return Number
	case c == 't', c == 'f':
		return Bool
	case c == 'n':
		return Null
	}
	return Invalid
}

// Text returns the characters of a JSON string. They share memory with value unless it has escapes or is
// not valid UTF-8; like encoding/json it reads U+FFFD where there is no character.
func Text(value []byte) ([]byte, error) {
	if kind := KindOf(value); kind != String {
		return nil, errors.New("want a string, got " + kind.String())
	}
	r := reader{data: value}
	from := r.skipSpace()
	if err := r.text(); err != nil {
		return nil, err
	}
	chars := value[from+1 : r.pos-1]
	if err := r.end(); err != nil {
		return nil, err
	}
	if bytes.IndexByte(chars, '\\') < 0 && utf8.Valid(chars) {
		return chars, nil
	}
	return unescape(chars), nil
}

// unescape copies the characters of a string that reader.text has passed over.
func unescape(chars []byte) []byte {
	out := make([]byte, 0, len(chars))
	for len(chars) > 0 {
		if chars[0] != '\\' {
			c, size := utf8.DecodeRune(chars)
			out = utf8.AppendRune(out, c)
			chars = chars[size:]
			continue
		}
		if chars[1] != 'u' {
			out = append(out, simpleEscape(chars[1]))
			chars = chars[2:]
			continue
		}
		c, size := unicodeEscape(chars)
		out = utf8.AppendRune(out, c)
		chars = chars[size:]
	}
	return out
}

func simpleEscape(c byte) byte {
	switch c {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return c // a quote, a slash or a backslash stands for itself
}

// unicodeEscape returns the character of the escape, or pair of escapes, that chars starts with, and its length.
func unicodeEscape(chars []byte) (rune, int) {
	const size = len(`\u0000`)
	c := hex(chars)
	if !utf16.IsSurrogate(c) {
		return c, size
	}
	if rest := chars[size:]; len(rest) >= size && rest[0] == '\\' && rest[1] == 'u' {
		if pair := utf16.DecodeRune(c, hex(rest)); pair != utf8.RuneError {
			return pair, 2 * size
		}
	}
	return utf8.RuneError, size
}

// hex reads the four digits of an escape, which are known to be there.
func hex(escape []byte) rune {
	n, _ := strconv.ParseUint(string(escape[2:6]), 16, 32)
	return rune(n)
}
