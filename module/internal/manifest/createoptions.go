package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const createOptionsKey = "createOptions"

// parseCreateOptions gives Docker's container create options as one JSON text. A template may hold them as an object;
// generated manifests hold a string, cut into createOptions, createOptions01, createOptions02 … because twin strings
// were once limited to 512 characters.
func parseCreateOptions(settings node) (string, error) {
	keys, err := settings.object()
	if err != nil {
		return "", err
	}
	if whole := keys[createOptionsKey]; whole.kind() == '{' {
		return compact(whole)
	}
	var text strings.Builder
	chunks := 0
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !strings.HasPrefix(key, createOptionsKey) {
			continue
		}
		if want := chunkKey(chunks); key != want { // edgeAgent does not see a chunk that comes after a gap
			return "", keys[key].errorf("comes without %q before it", want)
		}
		chunk, err := keys[key].text()
		if err != nil {
			return "", err
		}
		text.WriteString(chunk)
		chunks++
	}
	return text.String(), checkOptions(keys[createOptionsKey], text.String())
}

// chunkKey names the i-th chunk.
func chunkKey(i int) string {
	if i == 0 {
		return createOptionsKey
	}
	return fmt.Sprintf("%s%02d", createOptionsKey, i)
}

// checkOptions refuses text that Docker could not read. What holds placeholders need not be JSON before they are
// replaced.
func checkOptions(at node, text string) error {
	if text == "" || strings.Contains(text, "${") {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		return at.errorf("the text is not a JSON object: %v", err)
	}
	return nil
}

func compact(n node) (string, error) {
	var text bytes.Buffer
	if err := json.Compact(&text, n.raw); err != nil {
		return "", n.errorf("not JSON: %v", err)
	}
	return text.String(), nil
}
