package twin

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Limits on each of the desired and the reported section: of IoT Hub ("Understand and use device twins", twin
// size) and, for what is reported, of edgeHub (ReportedPropertiesValidator.cs).
const (
	MaxSection = 32768 // bytes of a section as counted by [Size], and of a reported patch as JSON
	MaxText    = 4096  // bytes of one string value
)

// Size returns the size in bytes of a desired or reported section as IoT Hub counts it against [MaxSection]: the
// UTF-8 bytes of keys and of string values, 8 for a number, 4 for a boolean, for objects and arrays what is in
// them, without $version and $metadata (IoT Hub, "Understand and use device twins", twin size). Null counts
// nothing: IoT Hub stores none. IoT Hub leaves control characters out of the count; here they count, on the safe
// side.
func Size(doc []byte) (int, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(doc, &object); err != nil {
		return 0, fmt.Errorf("read document: %w", err)
	}
	size := 0
	for key, value := range object {
		if strings.HasPrefix(key, "$") {
			continue
		}
		tree, err := decodeTree(value)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", path("").key(key), err)
		}
		size += len(key) + sizeTree(tree)
	}
	return size, nil
}

func sizeTree(tree any) int {
	size := 0
	switch v := tree.(type) {
	case string:
		return len(v)
	case json.Number:
		return 8
	case bool:
		return 4
	case map[string]any:
		for key, value := range v {
			size += len(key) + sizeTree(value)
		}
	case []any:
		for _, value := range v {
			size += sizeTree(value)
		}
	}
	return size
}
