package signals

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/document"
)

// firstTime returns the first of the timestamps that can be read, else the zero time; untimed says that there was one and
// none could be. A null is none, and so is OPC UA's "0001-01-01T00:00:00Z".
func firstTime(timestamps ...document.Node) (t time.Time, untimed bool) {
	for _, n := range timestamps {
		if n.Kind() == document.Absent || n.Kind() == document.Null {
			continue
		}
		t, ok := timeOf(n)
		if ok && !t.IsZero() {
			return t, false
		}
		untimed = untimed || !ok
	}
	return time.Time{}, untimed
}

// timeOf reads a timestamp: a text as RFC 3339 has it, with any fraction and zone and a space for the T if need be, or as the
// Modbus module writes it, with that space, without a zone and in UTC; or a number since 1970, whose size tells its unit.
func timeOf(n document.Node) (time.Time, bool) {
	switch n.Kind() {
	case document.String:
		text := n.Text()
		for _, layout := range [...]string{time.RFC3339, time.DateTime, time.DateTime + "Z07:00"} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), true
			}
		}
	case document.Number:
		return unixTime(n.Text())
	}
	return time.Time{}, false
}

// unixTime reads seconds, milliseconds, microseconds or nanoseconds since 1970, with a fraction. Less than 10^11 are
// seconds (up to the year 5138), and each further unit begins at a thousand times that; all of them from March 1973 on.
func unixTime(text string) (time.Time, bool) {
	if strings.ContainsAny(text, "eE") {
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(f) > math.MaxInt64 {
			return time.Time{}, false
		}
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	digits, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	unit := int64(time.Second)
	for limit := int64(1e11); n >= limit && unit > 1; limit *= 1000 {
		unit /= 1000
	}
	parts, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64) // digits always parse
	perSecond := int64(time.Second) / unit
	seconds, nanos := n/perSecond, n%perSecond*unit+parts*unit/int64(time.Second)
	if negative {
		seconds, nanos = -seconds, -nanos
	}
	return time.Unix(seconds, nanos).UTC(), true
}
