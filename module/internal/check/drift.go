package check

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Difference is a property that a device's twin has otherwise than a deployment gives it.
type Difference struct {
	Path       string          // signals.press1.settings.high
	Deployment json.RawMessage // nil where only the device has it
	Device     json.RawMessage // nil where only the deployment has it
}

// String tells it in one line.
func (d Difference) String() string {
	switch {
	case d.Deployment == nil:
		return fmt.Sprintf("%s: only on the device: %s", d.Path, d.Device)
	case d.Device == nil:
		return fmt.Sprintf("%s: not on the device: %s", d.Path, d.Deployment)
	}
	return fmt.Sprintf("%s: %s on the device, %s in the deployment", d.Path, d.Device, d.Deployment)
}

// Drift compares a device's twin, whole as IoT Hub shows it or its desired section alone, with what a deployment gives to the
// module called name. The differences are in the order of their paths.
func Drift(deployment []byte, name string, device []byte) ([]Difference, error) {
	m, err := manifest.Parse(deployment)
	if err != nil {
		return nil, fmt.Errorf("read deployment: %w", err)
	}
	ours, ok := m.Module(name)
	if !ok {
		return nil, fmt.Errorf("read deployment: it has no module %q, only %s", name, moduleNames(m))
	}
	have, err := desiredSection(device)
	if err != nil {
		return nil, fmt.Errorf("read twin: %w", err)
	}
	want := []byte(ours.Desired)
	if want == nil {
		want = []byte("{}")
	}
	patch, _, err := twin.Diff(want, have)
	if err != nil {
		return nil, fmt.Errorf("compare twin: %w", err)
	}
	return differences("", patch, want, have), nil
}

// desiredSection returns the desired section of a twin without what IoT Hub adds to it.
func desiredSection(document []byte) ([]byte, error) {
	var whole struct {
		Properties struct {
			Desired json.RawMessage `json:"desired"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(document, &whole); err != nil {
		return nil, err
	}
	if whole.Properties.Desired != nil {
		document = whole.Properties.Desired
	}
	section, ok := members(document)
	if !ok {
		return nil, errors.New("the desired section is not an object")
	}
	maps.DeleteFunc(section, func(key string, _ json.RawMessage) bool { return strings.HasPrefix(key, "$") })
	return json.Marshal(section)
}

// differences walks a merge patch that makes device of deployment.
func differences(at string, patch, deployment, device json.RawMessage) []Difference {
	changes, _ := members(patch)
	before, _ := members(deployment)
	after, _ := members(device)
	var found []Difference
	for _, key := range slices.Sorted(maps.Keys(changes)) {
		path := strings.TrimPrefix(at+"."+key, ".")
		_, isObject := members(after[key])
		if _, wasObject := members(before[key]); wasObject && isObject {
			found = append(found, differences(path, changes[key], before[key], after[key])...)
			continue
		}
		found = append(found, Difference{Path: path, Deployment: compacted(before[key]), Device: compacted(after[key])})
	}
	return found
}

func members(value json.RawMessage) (map[string]json.RawMessage, bool) {
	var object map[string]json.RawMessage
	err := json.Unmarshal(value, &object)
	return object, err == nil && object != nil
}

// compacted writes a value, which is JSON already, in one line.
func compacted(value json.RawMessage) json.RawMessage {
	if value == nil {
		return nil
	}
	var line bytes.Buffer
	if err := json.Compact(&line, value); err != nil {
		return value
	}
	return line.Bytes()
}
