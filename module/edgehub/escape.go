package edgehub

import (
	"strings"
	"unicode/utf8"
)

// edgeHub reads names and values with .NET's Uri.UnescapeDataString and writes them with
// Uri.EscapeDataString: everything but RFC 3986's unreserved characters is escaped and "+" is a plus.
// Neither url.PathEscape (leaves "$&+=:@") nor url.QueryEscape (a space becomes "+") does that.

const hexDigits = "0123456789ABCDEF"

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

// escapedLen is len(escape(s)).
func escapedLen(s string) int {
	n := len(s)
	for i := range len(s) {
		if !isUnreserved(s[i]) {
			n += 2
		}
	}
	return n
}

func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) {
			b = append(b, c)
		} else {
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return b
}

func escape(s string) string {
	if escapedLen(s) == len(s) {
		return s
	}
	return string(appendEscaped(make([]byte, 0, escapedLen(s)), s))
}

// unescape undoes escape. Like edgeHub it never fails: a "%" without two digits stands for itself, and a
// text whose escapes do not make UTF-8 is taken as it is.
func unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' && i+2 < len(s) {
			high, low := hexValue(s[i+1]), hexValue(s[i+2])
			if high >= 0 && low >= 0 {
				c = byte(high<<4 | low)
				i += 2
			}
		}
		b = append(b, c)
	}
	if !utf8.Valid(b) {
		return s
	}
	return string(b)
}

func hexValue(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
