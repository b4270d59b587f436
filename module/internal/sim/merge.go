package sim

import (
	"maps"
	"reflect"
)

// mergePatch returns target with patch merged into it as twins do it (RFC 7396): null deletes, objects merge,
// everything else replaces. It changes neither of the two.
func mergePatch(target, patch map[string]any) map[string]any {
	merged := maps.Clone(target)
	if merged == nil {
		merged = make(map[string]any, len(patch))
	}
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(merged, key)
		case map[string]any:
			below, _ := merged[key].(map[string]any)
			merged[key] = mergePatch(below, value)
		default:
			merged[key] = value
		}
	}
	return merged
}

// diff returns the merge patch that makes to of from.
func diff(from, to map[string]any) map[string]any {
	patch := map[string]any{}
	for key := range from {
		if _, kept := to[key]; !kept {
			patch[key] = nil
		}
	}
	for key, value := range to {
		before, had := from[key]
		if had && reflect.DeepEqual(before, value) {
			continue
		}
		below, isObject := value.(map[string]any)
		beforeBelow, wasObject := before.(map[string]any)
		if isObject && wasObject {
			value = diff(beforeBelow, below)
		}
		patch[key] = value
	}
	return patch
}
