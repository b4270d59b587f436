package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// node is a JSON value together with the way to it, so that every complaint can name its place.
type node struct {
	path []string
	raw  json.RawMessage
}

// kind is the value's first byte, which tells JSON's types apart; 0 for a value that is not there.
func (n node) kind() byte {
	if text := bytes.TrimLeft(n.raw, " \t\r\n"); len(text) > 0 {
		return text[0]
	}
	return 0
}

// object returns the members of an object.
func (n node) object() (map[string]node, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(n.raw, &members); err != nil || members == nil {
		return nil, n.errorf("not an object")
	}
	nodes := make(map[string]node, len(members))
	for key, raw := range members {
		nodes[key] = node{path: append(slices.Clip(n.path), key), raw: raw}
	}
	return nodes, nil
}

// optional returns the member called key of an object, and whether there is one that is not null.
func (n node) optional(key string) (node, bool, error) {
	members, err := n.object()
	if err != nil {
		return node{}, false, err
	}
	member, ok := members[key]
	return member, ok && member.kind() != 'n', nil
}

// required returns the member called key of an object.
func (n node) required(key string) (node, error) {
	member, ok, err := n.optional(key)
	if err != nil {
		return node{}, err
	}
	if !ok {
		return node{}, n.errorf("%q is missing", key)
	}
	return member, nil
}

// text returns a string.
func (n node) text() (string, error) {
	var text string
	if n.kind() != '"' || json.Unmarshal(n.raw, &text) != nil {
		return "", n.errorf("not a string")
	}
	return text, nil
}

// requiredText returns the member called key, a string that is not empty.
func (n node) requiredText(key string) (string, error) {
	member, err := n.required(key)
	if err != nil {
		return "", err
	}
	text, err := member.text()
	if err == nil && text == "" {
		err = member.errorf("empty")
	}
	return text, err
}

// oneOf returns the member called key, one of the given words.
func (n node) oneOf(key string, words ...string) (string, error) {
	text, err := n.requiredText(key)
	if err != nil {
		return "", err
	}
	if !slices.Contains(words, text) {
		return "", n.errorf("%q is %q, want %s", key, text, strings.Join(words, " or "))
	}
	return text, nil
}

// scalar returns a string, or a number or boolean as it is written.
func (n node) scalar() (string, error) {
	switch n.kind() {
	case '"':
		return n.text()
	case '{', '[', 'n', 0:
		return "", n.errorf("not a string")
	default:
		return strings.TrimSpace(string(n.raw)), nil
	}
}

// integer returns a whole number from low to high.
func (n node) integer(low, high int64) (int64, error) {
	var number int64
	if err := json.Unmarshal(n.raw, &number); err != nil || n.kind() == 'n' {
		return 0, n.errorf("not a whole number")
	}
	if number < low || number > high {
		return 0, n.errorf("%d is not within %d and %d", number, low, high)
	}
	return number, nil
}

// errorf makes an error about this value.
func (n node) errorf(format string, args ...any) *Error {
	return &Error{Path: renderPath(n.path), Reason: fmt.Sprintf(format, args...), steps: n.path}
}
