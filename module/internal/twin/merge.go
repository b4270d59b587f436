package twin

import (
	"fmt"
	"maps"
	"reflect"
)

// Merge returns doc with patch applied as a JSON merge patch (RFC 7396), which is how IoT Hub applies desired
// and reported patches: objects are merged key by key, null deletes, everything else replaces. Numbers keep
// their digits. The result is compact, its keys in order.
func Merge(doc, patch []byte) ([]byte, error) {
	target, err := decodeTree(doc)
	if err != nil {
		return nil, fmt.Errorf("read document: %w", err)
	}
	changes, err := decodeTree(patch)
	if err != nil {
		return nil, fmt.Errorf("read patch: %w", err)
	}
	merged, err := encodeTree(mergeTree(target, changes, false))
	if err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return merged, nil
}

// mergeTree returns target with patch over it and changes neither. With keepNull the result is a patch itself,
// which does what both do one after the other to a document without objects in places of other values.
func mergeTree(target, patch any, keepNull bool) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, _ := target.(map[string]any)
	merged := make(map[string]any, len(object)+len(changes))
	maps.Copy(merged, object)
	for key, change := range changes {
		if change == nil && !keepNull {
			delete(merged, key)
		} else {
			merged[key] = mergeTree(merged[key], change, keepNull)
		}
	}
	return merged
}

// Diff returns the smallest merge patch that makes to of from, and whether there is a difference at all:
// Merge(from, patch) is to. Numbers are equal where their digits are. A to that holds null as the value of a new
// or changed key is an error: a merge patch can only delete with it.
func Diff(from, to []byte) (patch []byte, changed bool, err error) {
	before, err := decodeTree(from)
	if err != nil {
		return nil, false, fmt.Errorf("read document: %w", err)
	}
	after, err := decodeTree(to)
	if err != nil {
		return nil, false, fmt.Errorf("read document to be: %w", err)
	}
	changes, changed, err := diffTree(before, after, "")
	if err != nil {
		return nil, false, err
	}
	patch, err = encodeTree(changes)
	if err != nil {
		return nil, false, fmt.Errorf("write patch: %w", err)
	}
	return patch, changed, nil
}

func diffTree(from, to any, at path) (patch any, changed bool, err error) {
	after, ok := to.(map[string]any)
	if !ok {
		return to, !reflect.DeepEqual(from, to), nil
	}
	before, ok := from.(map[string]any)
	changed = !ok
	changes := map[string]any{}
	for key, value := range after {
		change, differs, err := diffKey(before, key, value, at.key(key))
		if err != nil {
			return nil, false, err
		}
		if differs {
			changes[key] = change
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			changes[key] = nil
		}
	}
	return changes, changed || len(changes) > 0, nil
}

func diffKey(before map[string]any, key string, value any, at path) (change any, differs bool, err error) {
	old, ok := before[key]
	change, differs, err = diffTree(old, value, at)
	if differs = differs || !ok; differs && value == nil {
		return nil, false, fmt.Errorf("write %s: null cannot be set by a merge patch", at)
	}
	return change, differs, err
}
