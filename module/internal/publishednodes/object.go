package publishednodes

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// object is a JSON object whose keys are taken in any case, those with null left out.
type object struct {
	values map[string]json.RawMessage // by key in lower case
	names  map[string]string          // the keys as they stand
}

func readObject(text []byte) (object, bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(text, &members) != nil || members == nil {
		return object{}, false
	}
	o := object{values: map[string]json.RawMessage{}, names: map[string]string{}}
	for key, value := range members {
		if string(value) != "null" {
			lower := strings.ToLower(strings.TrimSpace(key)) // the published schema itself has keys that end in a space
			o.values[lower], o.names[lower] = value, key
		}
	}
	return o, true
}

// keys returns the keys in lower case, in order.
func (o object) keys() []string {
	keys := make([]string, 0, len(o.values))
	for key := range o.values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// text returns the first of the keys that holds a text that is not empty.
func (o object) text(keys ...string) string {
	for _, key := range keys {
		var text string
		if json.Unmarshal(o.values[key], &text) == nil && text != "" {
			return text
		}
	}
	return ""
}

// number returns a number, also where it stands in quotes.
func (o object) number(key string) (float64, bool) {
	value := strings.Trim(string(o.values[key]), `"`)
	f, err := strconv.ParseFloat(value, 64)
	return f, err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// yes reports whether a key holds true, also where it stands in quotes.
func (o object) yes(key string) bool {
	return strings.EqualFold(strings.Trim(string(o.values[key]), `"`), "true")
}

// duration returns what KEYtimespan holds or, where that is not there, KEY in a unit.
func (o object) duration(key string, unit time.Duration) (time.Duration, bool) {
	if d, ok := timespan(o.text(key + "timespan")); ok {
		return d, true
	}
	n, ok := o.number(key)
	if !ok {
		return 0, false
	}
	return time.Duration(max(min(n*float64(unit), float64(longest)), -1)), true
}

// longest is the longest time that a twin takes, 31 days.
const longest = 31 * 24 * time.Hour

// timespanPattern is the form of a TimeSpan of .NET: days, hours, minutes, seconds and fractions of seven digits.
var timespanPattern = regexp.MustCompile(`^(?:(\d{1,7})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,7}))?)?$`)

// timespan reads a TimeSpan, "1.02:03:04.500".
func timespan(text string) (time.Duration, bool) {
	parts := timespanPattern.FindStringSubmatch(strings.TrimSpace(text))
	if parts == nil {
		return 0, false
	}
	var total time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		n, _ := strconv.Atoi(parts[i+1]) // digits, or none for 0
		total += min(time.Duration(n), longest/unit) * unit
	}
	fraction, _ := strconv.Atoi((parts[5] + "0000000")[:7])
	return min(total+time.Duration(fraction)*100, longest), true
}
