package manifest

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Names that a deployment gives to the runtime's own modules, and the key of a module's desired properties.
const (
	edgeAgent  = "$edgeAgent"
	edgeHub    = "$edgeHub"
	desiredKey = "properties.desired"
)

func parse(data []byte) (Manifest, error) {
	contents, err := modulesContent(data)
	if err != nil {
		return Manifest{}, err
	}
	modules, err := parseModules(contents)
	if err != nil {
		return Manifest{}, err
	}
	m := Manifest{Modules: modules}
	if err := m.parseHub(contents); err != nil {
		return Manifest{}, err
	}
	return m, nil
}

// modulesContent finds the object that everything of interest is in, and checks the names of its entries.
func modulesContent(data []byte) (node, error) {
	root := node{raw: data}
	if err := json.Unmarshal(data, new(json.RawMessage)); err != nil {
		return node{}, syntaxError(err)
	}
	if content, ok, err := root.optional("content"); err != nil {
		return node{}, err
	} else if ok {
		root = content
	}
	return root.required("modulesContent")
}

// parseModules reads edgeAgent's list of modules and joins each with its own entry beside $edgeAgent.
func parseModules(contents node) ([]Module, error) {
	agent, err := desired(contents, edgeAgent)
	if err != nil {
		return nil, err
	}
	list, err := agent.required("modules")
	if err != nil {
		return nil, err
	}
	entries, err := list.object()
	if err != nil {
		return nil, err
	}
	modules := make([]Module, 0, len(entries))
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		module, err := parseModule(name, entries[name])
		if err != nil {
			return nil, err
		}
		if module.Desired, err = moduleDesired(contents, name); err != nil {
			return nil, err
		}
		modules = append(modules, module)
	}
	return modules, checkTwins(contents, entries)
}

// checkTwins refuses an entry of modulesContent that no module answers to: most likely a misspelt name, whose
// desired properties would reach nobody.
func checkTwins(contents node, modules map[string]node) error {
	twins, err := contents.object()
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(twins)) {
		if _, ok := modules[name]; !ok && name != edgeAgent && name != edgeHub {
			return twins[name].errorf("no module of this name in %s", edgeAgent)
		}
	}
	return nil
}

// moduleDesired returns a module's desired properties, nil where the deployment has none for it.
func moduleDesired(contents node, name string) (json.RawMessage, error) {
	if _, ok, err := contents.optional(name); !ok || err != nil {
		return nil, err
	}
	twin, err := desired(contents, name)
	return twin.raw, err
}

// desired returns the desired properties of an entry of modulesContent.
func desired(contents node, name string) (node, error) {
	entry, err := contents.required(name)
	if err != nil {
		return node{}, err
	}
	keys, err := entry.object()
	if err != nil {
		return node{}, err
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if strings.HasPrefix(key, desiredKey+".") {
			return node{}, keys[key].errorf("this is a layer; it needs the base that it lies over, which gives %q whole", desiredKey)
		}
	}
	twin, err := entry.required(desiredKey)
	if err != nil {
		return node{}, err
	}
	_, err = twin.object()
	return twin, err
}

// parseModule reads an entry of edgeAgent's modules.
func parseModule(name string, entry node) (Module, error) {
	if !validModuleName(name) {
		return Module{}, entry.errorf("not a name for a module: one to 128 letters, digits and -.%%_*?!(),:=@'")
	}
	if _, err := entry.oneOf("type", "docker"); err != nil {
		return Module{}, err
	}
	status, err := entry.oneOf("status", "running", "stopped")
	if err != nil {
		return Module{}, err
	}
	settings, err := entry.required("settings")
	if err != nil {
		return Module{}, err
	}
	image, err := settings.requiredText("image")
	if err != nil {
		return Module{}, err
	}
	options, err := parseCreateOptions(settings)
	if err != nil {
		return Module{}, err
	}
	env, err := parseEnv(entry)
	return Module{Name: name, Image: image, Env: env, CreateOptions: options, Status: status}, err
}

// validModuleName says whether IoT Hub takes name for a module. A leading "$" is the runtime's own.
func validModuleName(name string) bool {
	if name == "" || len(name) > 128 {
		return false
	}
	for _, r := range name {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-.%_*?!(),:=@'", r) {
			return false
		}
	}
	return true
}

// parseEnv reads {"NAME": {"value": "text"}}. Numbers and booleans are taken as the text they are written in, as
// edgeAgent does.
func parseEnv(module node) (map[string]string, error) {
	env := map[string]string{}
	list, ok, err := module.optional("env")
	if !ok || err != nil {
		return env, err
	}
	entries, err := list.object()
	if err != nil {
		return env, err
	}
	for name, entry := range entries {
		value, err := entry.required("value")
		if err != nil {
			return env, err
		}
		if env[name], err = value.scalar(); err != nil {
			return env, err
		}
	}
	return env, nil
}

// syntaxError turns an error of encoding/json into one with its place.
func syntaxError(err error) error {
	problem := &Error{Reason: "not JSON: " + err.Error()}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		problem.offset = syntax.Offset - 1 // it counts the byte that did not fit
	}
	return problem
}
