package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
)

// TestFile is a *.test.yaml: what a guest is to make of messages.
type TestFile struct {
	Guest    string          `json:"guest"`    // its file, from the directory of the test file; or a name in the guests directory
	Entry    json.RawMessage `json:"entry"`    // fields of the guest's entry in a twin: limits, permissions, run
	Signal   json.RawMessage `json:"signal"`   // fields of the signal's: selector, format, deadbandType, …
	Settings json.RawMessage `json:"settings"` // of the signal
	Tests    []Test          `json:"tests"`

	root *yaml.Node // what was read, for an update
}

// Test is a sequence of messages to a guest that was just started.
type Test struct {
	Name     string            `json:"name"`
	Signal   json.RawMessage   `json:"signal"`   // over the file's
	Settings json.RawMessage   `json:"settings"` // over the file's
	State    map[string]string `json:"state"`    // that the guest finds
	Refuses  string            `json:"refuses"`  // it does not take its settings, and says so
	Messages []TestMessage     `json:"messages"`
	Keeps    map[string]string `json:"keeps"` // the state afterwards, all of it
}

// TestMessage is a message, or a tick, and what is expected of it.
type TestMessage struct {
	methods.Message
	Tick   bool      `json:"tick"`
	Source string    `json:"source"`
	Time   time.Time `json:"time"` // of its arrival; a second after the one before, the first at 2026-01-01T00:00:00Z
	Expect *Expect   `json:"expect"`
}

// Expect is what is expected. What is left out may be anything.
type Expect struct {
	Verdict string             `json:"verdict,omitempty"`
	Error   string             `json:"error,omitempty"`   // a part of it
	Held    []string           `json:"held,omitempty"`    // where the host's stages held values back
	Outputs *[]methods.Message `json:"outputs,omitempty"` // all of them; of the properties those that are named
	Logs    *[]string          `json:"logs,omitempty"`
}

// ParseTest reads a test file. What it does not know is an error with its line.
func ParseTest(document []byte) (*TestFile, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(document, &root); err != nil {
		return nil, err
	}
	var tree any
	if err := root.Decode(&tree); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(tree)
	if err != nil {
		return nil, fmt.Errorf("read test file: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(encoded))
	d.DisallowUnknownFields()
	f := &TestFile{root: &root}
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	switch {
	case f.Guest == "":
		return nil, errors.New("guest is missing")
	case len(f.Tests) == 0:
		return nil, errors.New("there are no tests in it")
	}
	return f, nil
}

// entry is what a test starts with.
func (f *TestFile) entry(t *Test) (Entry, error) {
	e := Entry{Guest: f.Entry, State: make(map[string][]byte)}
	for key, value := range t.State {
		e.State[key] = []byte(value)
	}
	var err error
	if e.Signal, err = over(f.Signal, t.Signal); err != nil {
		return e, err
	}
	e.Settings, err = over(f.Settings, t.Settings)
	return e, err
}

// begin is when the first message of a test comes, so that the same test gives the same samples at any time.
var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// message is the message as it is tried.
func (m *TestMessage) message(before time.Time) (trial.Message, error) {
	body, err := m.Bytes()
	if err != nil {
		return trial.Message{}, err
	}
	at := m.Time
	if at.IsZero() {
		at = before.Add(time.Second)
	}
	return trial.Message{Message: module.Message{Body: body, Properties: m.List()}, Tick: m.Tick, Source: m.Source, Time: at}, nil
}

// Update returns the file with what was got in the place of what was expected. Comments elsewhere stay.
func (f *TestFile) Update(reports []Report) ([]byte, error) {
	tests := child(f.root.Content[0], "tests")
	for n, report := range reports {
		messages := child(resolved(tests.Content[n]), "messages")
		if messages == nil {
			continue
		}
		for i, got := range report.Got {
			var value yaml.Node
			encoded, err := json.Marshal(got)
			if err == nil {
				err = yaml.Unmarshal(encoded, &value) // JSON is YAML
			}
			if err != nil {
				return nil, fmt.Errorf("write expectation: %w", err)
			}
			plain(value.Content[0])
			set(resolved(messages.Content[i]), "expect", value.Content[0])
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(f.root); err != nil {
		return nil, fmt.Errorf("write test file: %w", err)
	}
	return b.Bytes(), e.Close()
}

// plain has a value written as YAML is, rather than as the JSON that it came from.
func plain(node *yaml.Node) {
	node.Style = 0
	for _, inner := range node.Content {
		plain(inner)
	}
}

// child returns the value of a key of a mapping, nil where there is none.
func child(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return resolved(mapping.Content[i+1])
		}
	}
	return nil
}

// resolved is what an alias stands for.
func resolved(node *yaml.Node) *yaml.Node {
	if node.Alias != nil {
		return node.Alias
	}
	return node
}

func set(mapping *yaml.Node, key string, value *yaml.Node) {
	if old := child(mapping, key); old != nil {
		*old = *value
		return
	}
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
}
