package twin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// A tree is a JSON value as encoding/json decodes it into an any, with numbers kept exact as json.Number.

// repeated stands in a tree for the value of a key that its object holds more than once. No reader takes it,
// so that it is reported where it stands.
type repeated struct{}

// readDocument decodes doc, which must be an object, and marks repeated keys. $metadata, which IoT Hub adds
// and which can be far larger than the rest, is passed over.
func readDocument(doc []byte) (map[string]any, *problem) {
	var value json.RawMessage
	if err := json.Unmarshal(doc, &value); err != nil {
		return nil, wrongly("is not JSON: %s", syntax(doc, err))
	}
	d := treeDecoder{json.NewDecoder(bytes.NewReader(doc))}
	d.UseNumber()
	tree, err := d.value(0)
	if err != nil {
		return nil, wrongly("cannot be read: %v", err)
	}
	return object(tree)
}

// syntax returns what is wrong with doc and where.
func syntax(doc []byte, err error) string {
	e, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return err.Error()
	}
	before := doc[:min(int(e.Offset), len(doc))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf("%v, line %d, column %d", err, line, max(column, 1))
}

// maxDepth is how deep a document may be nested. IoT Hub takes ten levels; the paths of what is wrong in one of
// thousands would fill the memory.
const maxDepth = 32

var errTooDeep = fmt.Errorf("objects and arrays are nested more than %d deep", maxDepth)

// treeDecoder decodes trees token by token, which shows keys that encoding/json would merge.
type treeDecoder struct{ *json.Decoder }

func (d treeDecoder) value(depth int) (any, error) {
	token, err := d.Token()
	if _, nested := token.(json.Delim); nested && depth == maxDepth {
		return nil, errTooDeep
	}
	switch token {
	case json.Delim('{'):
		return d.object(depth + 1)
	case json.Delim('['):
		return d.array(depth + 1)
	}
	return token, err
}

func (d treeDecoder) object(depth int) (any, error) {
	object := map[string]any{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string) // the decoder takes nothing else for a key
		value, err := d.member(key, depth)
		if err != nil {
			return nil, err
		}
		if _, ok := object[key]; ok {
			value = repeated{}
		}
		object[key] = value
	}
	_, err := d.Token()
	return object, err
}

func (d treeDecoder) member(key string, depth int) (any, error) {
	if key == "$metadata" && depth == 1 {
		var metadata json.RawMessage
		return nil, d.Decode(&metadata)
	}
	return d.value(depth)
}

func (d treeDecoder) array(depth int) (any, error) {
	array := []any{}
	for d.More() {
		value, err := d.value(depth)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := d.Token()
	return array, err
}

// decodeTree decodes one JSON value; of a repeated key the last counts.
func decodeTree(doc []byte) (any, error) {
	var whole json.RawMessage // refuses what follows the value, which a Decoder leaves unread
	if err := json.Unmarshal(doc, &whole); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var tree any
	err := d.Decode(&tree)
	return tree, err
}

// encodeTree encodes a tree compactly, keys in order, without escapes that only HTML needs.
func encodeTree(tree any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(tree); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
