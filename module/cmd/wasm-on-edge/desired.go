package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// manifest reads the deployment and applies --set to the module's twin.
func (c simulateCommand) manifest() (manifest.Manifest, error) {
	document, err := os.ReadFile(c.File)
	if errors.Is(err, fs.ErrNotExist) {
		return manifest.Manifest{}, hint(fmt.Errorf("read deployment: there is no file %s", c.File), "name the deployment: wasm-on-edge simulate FILE")
	}
	if err != nil {
		return manifest.Manifest{}, fmt.Errorf("read deployment: %w", err)
	}
	m, err := manifest.Parse(document)
	if err != nil {
		return m, fmt.Errorf("read deployment %s: %w", filepath.Base(c.File), err)
	}
	i := slices.IndexFunc(m.Modules, func(mod manifest.Module) bool { return mod.Name == c.Module })
	if i < 0 {
		return m, hint(fmt.Errorf("read deployment %s: it has no module %q, only %s", filepath.Base(c.File), c.Module, moduleNames(m)),
			"--module NAME says what it calls this module")
	}
	for _, assignment := range c.Set {
		if m.Modules[i].Desired, err = set(m.Modules[i].Desired, assignment); err != nil {
			return m, err
		}
	}
	return m, nil
}

func moduleNames(m manifest.Manifest) string {
	names := make([]string, len(m.Modules))
	for i, mod := range m.Modules {
		names[i] = mod.Name
	}
	return strings.Join(names, ", ")
}

// set applies an assignment PATH=JSON to a desired section.
func set(desired []byte, assignment string) ([]byte, error) {
	patch, err := assignmentPatch(assignment)
	if err != nil {
		return nil, err
	}
	if len(desired) == 0 {
		desired = []byte("{}")
	}
	return twin.Merge(desired, patch)
}

// assignmentPatch turns PATH=JSON into a merge patch: a.b=1 becomes {"a":{"b":1}}. null removes.
func assignmentPatch(assignment string) ([]byte, error) {
	const example = "for example signals.machineTemperature.settings.high=30"
	path, value, ok := strings.Cut(strings.TrimSpace(assignment), "=")
	if !ok {
		return nil, hint(fmt.Errorf("set %q: it is not PATH=JSON", assignment), example)
	}
	path, value = strings.TrimSpace(path), strings.TrimSpace(value)
	keys := strings.Split(path, ".")
	if slices.Contains(keys, "") {
		return nil, hint(fmt.Errorf("set %q: a name in the path is empty", assignment), example)
	}
	if !json.Valid([]byte(value)) {
		return nil, hint(fmt.Errorf("set %s: %q is not JSON", path, value), jsonHint(path, value))
	}
	var patch bytes.Buffer
	for _, key := range keys {
		quoted, _ := json.Marshal(key) // a string always marshals
		fmt.Fprintf(&patch, "{%s:", quoted)
	}
	patch.WriteString(value)
	patch.WriteString(strings.Repeat("}", len(keys)))
	return patch.Bytes(), nil
}

// jsonHint shows how a text is written, which is what most that is not JSON is meant to be.
func jsonHint(path, value string) string {
	if strings.ContainsAny(value, `{}[]"'`) {
		return "put it in single quotes, or the shell takes its quotes away"
	}
	return fmt.Sprintf(`a text needs quotes that the shell leaves: '%s="%s"'`, path, value)
}
