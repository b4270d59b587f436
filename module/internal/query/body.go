package query

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// step is a part of a path into the body: a name, and indices into arrays within each other.
type step struct {
	name    string
	indices []int
}

// stepForm is a part of a path after JsonPath.g4. Its rule takes one index and ignores what follows, which lets more
// of them through to the reader of JSON.
var stepForm = regexp.MustCompile(`^([^][.]+)((?:\[[0-9]+\])*)$`)

// body is a value of the body: $body.machine.values[0]. One that consists of digits is an index to edgeHub's lexer,
// and so no name.
func body(t token) (node, error) {
	var path []step
	for part := range strings.SplitSeq(t.text[len("$body."):], ".") {
		form := stepForm.FindStringSubmatch(part)
		if form == nil || strings.Trim(form[1], "0123456789") == "" {
			return node{}, errorAt(t, "%s: %q is neither a name nor a name with indices, like values[0]", t, part)
		}
		if strings.Contains(form[1], "*") {
			return node{}, errorAt(t, "%s: wildcards are not supported", t)
		}
		indices, err := parseIndices(form[2])
		if err != nil {
			return node{}, errorAt(t, "%s: %v", t, err)
		}
		path = append(path, step{form[1], indices})
	}
	return node{isAny, func(m *Message) value { return m.body(path) }}, nil
}

func parseIndices(text string) ([]int, error) {
	var indices []int
	for digits := range strings.SplitSeq(strings.Trim(strings.ReplaceAll(text, "][", " "), "[]"), " ") {
		if digits == "" {
			continue
		}
		index, err := strconv.ParseInt(digits, 10, 32)
		if err != nil {
			return nil, errors.New("index out of range")
		}
		indices = append(indices, int(index))
	}
	return indices, nil
}

// body returns the value at a path: null where there is none, undefined where there is no reading the body.
func (m *Message) body(path []step) value {
	if !m.parsed {
		m.parsed = true
		m.object, m.err = m.parse()
	}
	if m.err != nil {
		return value{}
	}
	var at any = m.object
	for _, s := range path {
		found := false
		if at, found = s.from(at); !found {
			return value{kind: isNull, missing: true}
		}
	}
	return leaf(at)
}

// from takes the step from a JSON value.
func (s step) from(at any) (any, bool) {
	object, _ := at.(map[string]any)
	at, found := object[s.name]
	for _, i := range s.indices {
		array, _ := at.([]any)
		if i >= len(array) {
			return nil, false
		}
		at = array[i]
	}
	return at, found
}

// leaf makes a value of one in the body. Objects and arrays are undefined; so is a text that Newtonsoft.Json takes for
// a time.
func leaf(at any) value {
	switch v := at.(type) {
	case bool:
		return truth(v)
	case json.Number:
		n, _ := v.Float64() // infinite where it is too large
		return numeric(n)
	case string:
		if looksLikeTime(v) {
			return value{}
		}
		return text(v)
	case nil:
		return value{kind: isNull}
	default:
		return value{}
	}
}

var timeForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?$|^/Date\(-?[0-9]+([+-][0-9]{4})?\)/$`)

// looksLikeTime tells the texts of which Newtonsoft.Json makes a date.
func looksLikeTime(s string) bool {
	if !timeForm.MatchString(s) {
		return false
	}
	if s[0] == '/' {
		return true
	}
	_, err := time.Parse("2006-01-02T15:04:05", s[:len("2006-01-02T15:04:05")])
	return err == nil && len(s) <= 40
}

// parse reads the body, if content type and encoding say what it is.
func (m *Message) parse() (map[string]any, error) {
	encoding, ok := m.systemProperties["contentencoding"]
	if !ok {
		return nil, errors.New("look into body: the message has no content encoding")
	}
	if kind, ok := m.systemProperties["contenttype"]; !ok || !strings.EqualFold(kind, "application/json") {
		return nil, fmt.Errorf("look into body: its content type is %q, not application/json", kind)
	}
	raw, err := decode(m.raw, encoding)
	if err != nil {
		return nil, fmt.Errorf("look into body: %w", err)
	}
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil || object == nil {
		return nil, errors.New("look into body: it is not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("look into body: something follows the JSON object")
	}
	return object, nil
}

// decode makes text of bytes in an encoding that edgeHub knows. The wider ones are little-endian.
func decode(raw []byte, encoding string) (string, error) {
	switch strings.ToLower(encoding) {
	case "utf-8":
		return string(raw), nil
	case "utf-16":
		wide := make([]uint16, len(raw)/2)
		for i := range wide {
			wide[i] = binary.LittleEndian.Uint16(raw[2*i:])
		}
		return string(utf16.Decode(wide)), nil
	case "utf-32":
		runes := make([]rune, len(raw)/4)
		for i := range runes {
			runes[i] = rune(binary.LittleEndian.Uint32(raw[4*i:]))
		}
		return string(runes), nil
	}
	return "", fmt.Errorf("content encoding %q is none of utf-8, utf-16 and utf-32", encoding)
}
