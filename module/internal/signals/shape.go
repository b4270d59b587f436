package signals

import (
	"time"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Named is one element of a payload: a sample with the names of its signal, or JSON that a guest made.
type Named struct {
	Signal      string
	DisplayName string
	Unit        string
	Partition   string
	module.Sample
	Raw []byte // valid JSON that a guest made of the signal; nil for a sample
}

// AppendSample appends a sample as a JSON object, and what a guest made as it is:
//
//	{"signal":"…","displayName":"…","partition":"…","value":…,"unit":"…","sourceTimestamp":"…","quality":"…","reason":"…","publishTimestamp":"…"}
//
// Left out are displayName, partition and unit where there are none, a quality of good, change as the reason, and
// publishTimestamp of what is no heartbeat. Times are RFC 3339 in UTC with milliseconds, cut and not rounded.
func AppendSample(dst []byte, n Named) []byte {
	if n.Raw != nil {
		return append(dst, n.Raw...)
	}
	dst = appendString(append(dst, `{"signal":`...), n.Signal)
	dst = appendMember(dst, `,"displayName":`, n.DisplayName)
	dst = appendMember(dst, `,"partition":`, n.Partition)
	dst = appendValue(append(dst, `,"value":`...), n.Value)
	dst = appendMember(dst, `,"unit":`, n.Unit)
	dst = appendTimestamp(append(dst, `,"sourceTimestamp":`...), n.SourceTimestamp)
	if n.Quality != module.Good {
		dst = appendString(append(dst, `,"quality":`...), n.Quality.String())
	}
	if n.Reason != module.Change {
		dst = appendString(append(dst, `,"reason":`...), n.Reason.String())
	}
	if !n.Published.IsZero() {
		dst = appendTimestamp(append(dst, `,"publishTimestamp":`...), n.Published)
	}
	return append(dst, '}')
}

// appendMember appends a member with a text, if there is one.
func appendMember(dst []byte, key, text string) []byte {
	if text == "" {
		return dst
	}
	return appendString(append(dst, key...), text)
}

// appendValue appends JSON; none is null.
func appendValue(dst, value []byte) []byte {
	if len(value) == 0 {
		value = null
	}
	return append(dst, value...)
}

// appendTimestamp appends a time. Of what RFC 3339 cannot say, years before 0 and after 9999, it says the nearest.
func appendTimestamp(dst []byte, t time.Time) []byte {
	t = t.UTC()
	switch year := t.Year(); {
	case year < 0:
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	case year > 9999:
		t = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)
	}
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.000Z"`)
}

const hex = "0123456789abcdef"

// appendString appends a JSON string. What is not UTF-8 becomes the replacement character.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	if plain(text) {
		return append(append(dst, text...), '"')
	}
	for _, r := range text { // a wrong byte is read as utf8.RuneError
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}

// plain reports whether a text needs no escapes and is ASCII, as names are.
func plain(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
