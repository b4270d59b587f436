// Package configfile reads the settings of a guest of 2022 and makes the configuration file of them that the guest looks for
// in its directory.
//
//	{
//	  "configFile": "./telemetry/config.toml",
//	  "config":     { "telemetry_interval_in_milliseconds": "10" },
//	  "outputs":    { "telemetry": "telemetry" }
//	}
//
// configFile is "./config.toml" where it is left out; one that ends in .json is JSON, any other TOML. config is what it
// holds. outputs are those of the module, by the topics that go there too.
//
// # Concurrency
//
// Everything here is a pure function but [Settings.Write], which is for one goroutine at a time.
package configfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Default is the configuration file where the settings name none.
const Default = "./config.toml"

const maxDepth = 8 // directories from the guest's to the file

// Settings are those of a guest.
type Settings struct {
	File    string            // as the guest is told: relative to its directory
	Content []byte            // of the file
	Outputs map[string]string // of the module, by topic
}

// document is how the settings are spelled.
type document struct {
	ConfigFile *string           `json:"configFile"`
	Config     json.RawMessage   `json:"config"`
	Outputs    map[string]string `json:"outputs"`
}

// Parse reads settings, a JSON object. An error says which of them is wrong, in words for the operator.
func Parse(settings json.RawMessage) (Settings, error) {
	var d document
	decoder := json.NewDecoder(bytes.NewReader(settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		return Settings{}, fmt.Errorf("its settings are configFile, config and outputs: %s", strings.TrimPrefix(err.Error(), "json: "))
	}
	s := Settings{File: Default, Outputs: d.Outputs}
	if d.ConfigFile != nil {
		s.File = *d.ConfigFile
	}
	if name := filepath.Clean(s.File); !filepath.IsLocal(name) || name == "." || strings.Count(name, "/") > maxDepth || strings.ContainsRune(name, 0) {
		return Settings{}, fmt.Errorf("configFile %q is no file in the guest's directory", s.File)
	}
	for topic, output := range d.Outputs {
		if !outputName.MatchString(output) || output == "deadletter" {
			return Settings{}, fmt.Errorf("outputs: %q of topic %q is no name of an output", output, topic)
		}
	}
	var err error
	s.Content, err = encode(s.File, d.Config)
	return s, err
}

var outputName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// encode returns what the file holds.
func encode(file string, config json.RawMessage) ([]byte, error) {
	if len(config) == 0 {
		config = json.RawMessage("{}")
	}
	var tree map[string]any
	decoder := json.NewDecoder(bytes.NewReader(config))
	decoder.UseNumber()
	if err := decoder.Decode(&tree); err != nil || tree == nil {
		return nil, errors.New("config is no object")
	}
	if strings.HasSuffix(file, ".json") {
		return config, nil
	}
	return appendTOML(nil, tree)
}

// Write writes the file into the guest's directory, which a guest of the same name may have written to before: nothing that
// lies there leads out of it.
func (s Settings) Write(directory string) error {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return fmt.Errorf("open directory of configuration file: %w", err)
	}
	defer func() { _ = root.Close() }() // it is only looked into
	name := filepath.Clean(s.File)
	if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("make directory of configuration file %q: %w", s.File, err)
	}
	if err := root.WriteFile(name, s.Content, 0o600); err != nil {
		return fmt.Errorf("write configuration file %q: %w", s.File, err)
	}
	return nil
}
