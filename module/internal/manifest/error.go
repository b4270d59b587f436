package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Error says what is wrong with a manifest, and where.
type Error struct {
	Path   string // modulesContent.$edgeHub["properties.desired"].routes.toCloud; empty for the document as a whole
	Line   int    // from 1; where Path, or as much of it as there is, stands in the file
	Column int    // from 1, in bytes
	Reason string

	steps  []string // Path, unrendered
	offset int64    // of the place, where it is known already
}

// Error returns line, column, path and reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Reason)
	}
	return fmt.Sprintf("line %d, column %d: %s: %s", e.Line, e.Column, e.Path, e.Reason)
}

// locate finds the line and column of the error's path in data. Only a manifest with an error pays for it.
func (e *Error) locate(data []byte) {
	offset := e.offset
	if len(e.steps) > 0 {
		offset = offsetOf(data, e.steps)
	}
	before := data[:min(max(offset, 0), int64(len(data)))]
	e.Line = bytes.Count(before, []byte("\n")) + 1
	e.Column = len(before) - (bytes.LastIndexByte(before, '\n') + 1) + 1
}

// offsetOf returns where the member that steps lead to has its key, or the deepest one on the way to it.
func offsetOf(data []byte, steps []string) int64 {
	d := json.NewDecoder(bytes.NewReader(data))
	found := int64(0)
	for _, step := range steps {
		offset, ok := enter(d, step)
		if !ok {
			break
		}
		found = offset
	}
	return found
}

// enter moves d, which stands before an object, to before the value of its member called key, and returns where
// the key's name stands.
func enter(d *json.Decoder, key string) (int64, bool) {
	if token, err := d.Token(); err != nil || token != json.Delim('{') {
		return 0, false
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return 0, false
		}
		if name == key {
			return d.InputOffset() - int64(len(key)+len(`""`)), true
		}
		if err := d.Decode(new(json.RawMessage)); err != nil {
			return 0, false
		}
	}
	return 0, false
}

// renderPath writes steps as a JSON path: names that are no identifiers in brackets.
func renderPath(steps []string) string {
	var path strings.Builder
	for i, step := range steps {
		switch {
		case step == "" || strings.ContainsAny(step, ".[]\"' \t\r\n"):
			fmt.Fprintf(&path, "[%q]", step)
		case i == 0:
			path.WriteString(step)
		default:
			path.WriteString("." + step)
		}
	}
	return path.String()
}
