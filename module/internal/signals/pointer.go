package signals

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Pointer is a JSON Pointer (RFC 6901), taken apart.
type Pointer []string

// ParsePointer takes a pointer like "/machine/temperature" apart. The empty pointer means the whole document.
func ParsePointer(text string) (Pointer, error) {
	if text == "" {
		return nil, nil
	}
	if text[0] != '/' {
		return nil, fmt.Errorf("parse JSON Pointer %q: it must begin with a slash", text)
	}
	parts := strings.Split(text[1:], "/")
	unescape := strings.NewReplacer("~1", "/", "~0", "~")
	for i, part := range parts {
		parts[i] = unescape.Replace(part)
	}
	return parts, nil
}

// Find returns the value that the pointer leads to, as it stands in the document, and whether there is one. An error
// means that the document is not JSON.
func (p Pointer) Find(document []byte) (json.RawMessage, bool, error) {
	value := json.RawMessage(bytes.TrimSpace(document))
	for _, key := range p {
		next, ok, err := step(value, key)
		if err != nil || !ok {
			return nil, false, err
		}
		value = next
	}
	if len(p) == 0 && !json.Valid(value) {
		return nil, false, fmt.Errorf("read message: not JSON")
	}
	return value, true, nil
}

// step goes into the member or the element called key.
func step(value json.RawMessage, key string) (json.RawMessage, bool, error) {
	if len(value) > 0 && value[0] == '[' {
		var elements []json.RawMessage
		if err := json.Unmarshal(value, &elements); err != nil {
			return nil, false, fmt.Errorf("read message: %w", err)
		}
		index, err := strconv.Atoi(key)
		if err != nil || index < 0 || index >= len(elements) {
			return nil, false, nil
		}
		return elements[index], true, nil
	}
	if len(value) > 0 && value[0] != '{' && json.Valid(value) {
		return nil, false, nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(value, &members); err != nil {
		return nil, false, fmt.Errorf("read message: %w", err)
	}
	next, ok := members[key]
	return next, ok, nil
}
