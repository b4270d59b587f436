package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Compose returns the deployment that a device gets of a base and of layers over it, the one of the lowest priority first. A
// layer's key "properties.desired.guests.pressure" puts its value in the place of that one entry, and "properties.desired"
// in the place of the section ("Understand IoT Edge automatic deployments", layered deployment). Its errors name the document
// that they are about, the base as "base" and the layers as "layer 1" and so on.
func Compose(base []byte, layers ...[]byte) ([]byte, error) {
	whole, err := contentsOf(base)
	if err != nil {
		return nil, fmt.Errorf("read base: %w", err)
	}
	for _, module := range slices.Sorted(maps.Keys(whole)) {
		for _, key := range slices.Sorted(maps.Keys(whole[module])) {
			if strings.HasPrefix(key, desiredKey+".") {
				return nil, fmt.Errorf("read base: %s has %q: it is a layer", module, key)
			}
		}
	}
	for i, layer := range layers {
		over, err := contentsOf(layer)
		if err == nil {
			err = lay(whole, over)
		}
		if err != nil {
			return nil, fmt.Errorf("read layer %d: %w", i+1, err)
		}
	}
	return json.MarshalIndent(map[string]any{"modulesContent": whole}, "", "  ")
}

// contents are the sections of a deployment, by module and by key.
type contents map[string]map[string]any

func contentsOf(document []byte) (contents, error) {
	root, err := modulesContent(document)
	if problem, ok := errors.AsType[*Error](err); ok {
		problem.locate(document)
	}
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(root.raw))
	d.UseNumber() // numbers keep their digits
	var sections contents
	if err := d.Decode(&sections); err != nil {
		return nil, root.errorf("an entry is not an object")
	}
	return sections, nil
}

// lay puts a layer over what is below it. Shorter keys come first, so that a section does not replace an entry of the same
// layer.
func lay(below, layer contents) error {
	for _, module := range slices.Sorted(maps.Keys(layer)) {
		for _, key := range slices.Sorted(maps.Keys(layer[module])) {
			if key != desiredKey && !strings.HasPrefix(key, desiredKey+".") {
				return fmt.Errorf("%s has %q: a layer has %q and what is below it", module, key, desiredKey)
			}
			if below[module] == nil {
				below[module] = make(map[string]any)
			}
			steps := strings.Split(strings.TrimPrefix(key, desiredKey), ".")
			if err := put(below[module], append([]string{desiredKey}, steps[1:]...), layer[module][key]); err != nil {
				return fmt.Errorf("%s has %q: %w", module, key, err)
			}
		}
	}
	return nil
}

// put sets what steps lead to, and makes the objects on the way there.
func put(object map[string]any, steps []string, value any) error {
	last := len(steps) - 1
	for i, step := range steps {
		if step == "" {
			return errors.New("a name in it is empty")
		}
		if i == last {
			object[step] = value
			return nil
		}
		if object[step] == nil {
			object[step] = make(map[string]any)
		}
		next, ok := object[step].(map[string]any)
		if !ok {
			return fmt.Errorf("%q below it is not an object", step)
		}
		object = next
	}
	return nil
}
