package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

type simulateCommand struct {
	File     string        `arg:"" default:"deployment.template.json" help:"Deployment template or manifest."`
	Module   string        `default:"wasmOnEdge" help:"What the deployment calls this module."`
	Guests   string        `env:"WASM_ON_EDGE_GUESTS" default:"build/guests" type:"path" help:"Directory of file: guests."`
	Storage  string        `type:"path" help:"Directory that survives a restart; without it nothing does."`
	Sensor   string        `type:"path" placeholder:"FILE.csv" help:"Replay a recording (header timestamp,value) in the place of the simulated sensor."`
	Speed    float64       `default:"1" help:"Speed of the recording: 1 as recorded, 60 sixty times as fast, 0 as fast as it goes."`
	Set      []string      `placeholder:"PATH=JSON" sep:"none" help:"Change the desired twin at the start: --set signals.machineTemperature.settings.high=30."`
	Duration time.Duration `help:"End after this long; with --sensor it ends when the recording has been worked off."`
	JSON     bool          `name:"json" help:"Print one JSON object a line: each message that reaches $$upstream, each change of reported, a summary."`
	InFlight int           `default:"1" help:"Inputs that may wait for their acknowledgement at a time; edgeHub allows 1."`
	Ack      time.Duration `name:"ack-timeout" default:"30s" help:"How long the hub waits for an acknowledgement before it delivers an input again."`
	Listen   string        `default:"127.0.0.1:0" help:"Address of the simulated edgeHub."`
	NoModule bool          `help:"Run hub, sensor and workload API alone, for a module in another process."`
	Env      bool          `help:"With --no-module: print what a module needs to connect."`
	Verbose  bool          `short:"v" help:"Show the log at level info."`
}

// Help is what --help adds.
func (simulateCommand) Help() string {
	return `Reads the deployment, starts its routes and the simulated temperature sensor, hands this module its identity
and its twin as an IoT Edge device would, and shows what happens. Ctrl-C stops it.

  wasm-on-edge simulate                                   the deployment beside it
  wasm-on-edge simulate --set signals.machineTemperature.settings.high=22
  wasm-on-edge simulate --sensor recording.csv --speed 0 --json
  wasm-on-edge simulate --no-module --env                 for a module in any language

While it runs the desired twin can be changed: a line PATH=JSON on standard input does what --set does.`
}

func (c simulateCommand) Run(env *environment) error {
	m, err := c.manifest()
	if err != nil {
		return err
	}
	s, err := newSimulation(c, m, env)
	if err != nil {
		return err
	}
	defer s.close()
	ctx := env.ctx
	if c.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Duration)
		defer cancel()
	}
	return s.run(ctx)
}

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
	for i := range m.Modules {
		if m.Modules[i].Name != c.Module {
			continue
		}
		for _, assignment := range c.Set {
			if m.Modules[i].Desired, err = set(m.Modules[i].Desired, assignment); err != nil {
				return m, err
			}
		}
		return m, nil
	}
	return m, hint(fmt.Errorf("read deployment %s: it has no module %q", filepath.Base(c.File), c.Module), "--module NAME says what it calls this module")
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

// assignmentPatch turns PATH=JSON into a merge patch: a.b=1 becomes {"a":{"b":1}}.
func assignmentPatch(assignment string) ([]byte, error) {
	path, value, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		return nil, hint(fmt.Errorf("set %q: it is not PATH=JSON", assignment), "for example signals.machineTemperature.settings.high=30")
	}
	value = strings.TrimSpace(value)
	if !json.Valid([]byte(value)) {
		return nil, hint(fmt.Errorf("set %s: %s is not JSON", path, value), "a text needs quotes: '"+path+`="`+strings.Trim(value, `"`)+`"'`)
	}
	keys := strings.Split(strings.TrimSpace(path), ".")
	var patch bytes.Buffer
	for _, key := range keys {
		quoted, _ := json.Marshal(key) // a string always marshals
		fmt.Fprintf(&patch, "{%s:", quoted)
	}
	patch.WriteString(value)
	patch.WriteString(strings.Repeat("}", len(keys)))
	return patch.Bytes(), nil
}
