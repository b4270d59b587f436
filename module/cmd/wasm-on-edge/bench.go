package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/bench"
)

type benchCommand struct {
	Figures  string        `name:"run" placeholder:"REGEXP" help:"Measure only the figures with such a name."`
	Time     time.Duration `default:"1s" help:"How long each figure is measured, about."`
	Guest    string        `placeholder:"FILE.wasm" help:"Measure this guest too."`
	Message  string        `placeholder:"FILE" help:"With --guest: the body of the messages that it gets, instead of a sample."`
	Settings string        `placeholder:"JSON" help:"With --guest: the settings that it is configured with, instead of none."`
}

// Help is what --help adds.
func (benchCommand) Help() string {
	return `Measures what a message, a signal, a start and a compilation cost on this machine, with guests of its own and, where
one is named, with yours; and how many messages go from a simulated edgeHub through the module and back. The output is
what benchstat reads.

  wasm-on-edge bench
  wasm-on-edge bench --run Message --time 5s
  wasm-on-edge bench --run threshold --guest build/guests/threshold.wasm --settings '{"high":25}'
  wasm-on-edge bench > before.txt; …; wasm-on-edge bench > after.txt; benchstat before.txt after.txt`
}

// Validate refuses flags that make no sense, alone or together.
func (c benchCommand) Validate() error {
	switch {
	case c.Time <= 0:
		return fmt.Errorf("--time %v is not positive", c.Time)
	case c.Guest == "" && c.Message != "":
		return errors.New("--message goes with --guest")
	case c.Guest == "" && c.Settings != "":
		return errors.New("--settings goes with --guest")
	}
	if _, err := regexp.Compile(c.Figures); err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	var object map[string]json.RawMessage
	if c.Settings != "" && json.Unmarshal([]byte(c.Settings), &object) != nil {
		return fmt.Errorf("--settings %s is not a JSON object", c.Settings)
	}
	return nil
}

func (c benchCommand) Run(env *environment) error {
	guest, err := c.guest()
	if err != nil {
		return err
	}
	b, err := bench.New(bench.Config{Out: env.stdout, Run: regexp.MustCompile(c.Figures), Time: c.Time, Guest: guest, Version: version()})
	if err != nil {
		return hint(err, "without --run all are measured and named")
	}
	err = b.Run(env.ctx)
	if e, ok := errors.AsType[*module.GuestError](err); ok && guest != nil && string(e.Guest) == guest.Name {
		return hint(err, "--settings and --message give the guest what it takes")
	}
	return err
}

// guest reads the user's guest, or returns nil where there is none.
func (c benchCommand) guest() (*bench.Guest, error) {
	if c.Guest == "" {
		return nil, nil
	}
	name := strings.TrimSuffix(filepath.Base(c.Guest), ".wasm")
	g := &bench.Guest{Name: benchName.ReplaceAllString(name, "_")}
	var err error
	if g.Binary, err = os.ReadFile(c.Guest); err != nil {
		return nil, fmt.Errorf("read guest: %w", err)
	}
	if c.Message != "" {
		if g.Message, err = os.ReadFile(c.Message); err != nil {
			return nil, fmt.Errorf("read message: %w", err)
		}
	}
	if c.Settings != "" {
		g.Settings = []byte(c.Settings)
	}
	return g, nil
}

// benchName is what a name of a figure cannot have in benchmark format, or gives a meaning.
var benchName = regexp.MustCompile(`[^A-Za-z0-9_.]+`)
