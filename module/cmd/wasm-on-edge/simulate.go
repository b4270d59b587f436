package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

type simulateCommand struct {
	File     string        `arg:"" default:"deployment.template.json" help:"Deployment template or manifest."`
	Module   string        `default:"wasmOnEdge" help:"What the deployment calls this module."`
	Guests   string        `env:"WASM_ON_EDGE_GUESTS" default:"build/guests" placeholder:"DIR" help:"Directory of file: guests."`
	Storage  string        `placeholder:"DIR" help:"Directory that survives a restart; without it nothing does."`
	Sensor   string        `placeholder:"FILE.csv" help:"Replay a recording (header timestamp,value) in the place of the simulated sensor."`
	Speed    float64       `default:"1" help:"Speed of the recording: 1 as recorded, 60 sixty times as fast, 0 as fast as it goes."`
	Set      []string      `placeholder:"PATH=JSON" sep:"none" help:"Change the desired twin at the start: --set signals.machineTemperature.settings.high=30. May be repeated."`
	Duration time.Duration `placeholder:"1m" help:"End after this long; with --sensor it ends when the recording has been worked off."`
	JSON     bool          `name:"json" help:"Print one JSON object a line: each message that reaches $$upstream, each change of reported, a summary. The log goes to standard error."`
	InFlight int           `default:"1" help:"Inputs that may wait for their acknowledgement at a time; edgeHub allows 1."`
	Ack      time.Duration `name:"ack-timeout" default:"30s" help:"How long the hub waits for an acknowledgement before it delivers an input again."`
	Listen   string        `default:"127.0.0.1:0" help:"Address of the simulated edgeHub."`
	State    string        `placeholder:"DIR" help:"Keep what the hub is known by, sessions, twins and messages in this directory: killed and started again, it goes on."`
	Ledger   string        `placeholder:"FILE" help:"Account for every message, one JSON object a line, appended to the file."`
	Control  string        `placeholder:"HOST:PORT" help:"Take lines from other processes too: POST / with a line as the body, GET /stats. Of this machine only."`
	Portal   string        `default:"127.0.0.1:0" placeholder:"HOST:PORT" help:"Address of the page that shows what happens; of this machine only."`
	NoPortal bool          `help:"Serve no page."`
	Metrics  string        `placeholder:"HOST:PORT" help:"Tell the module's /metrics, /healthz and /readyz there; 127.0.0.1:9600, say."`
	Number   bool          `help:"Have the sensor number its bodies: \"n\" counts from 1."`
	NoModule bool          `help:"Run hub, sensor and workload API alone, for a module in another process."`
	Env      bool          `help:"With --no-module: print what a module needs to connect; all else goes to standard error."`
	Verbose  bool          `short:"v" help:"Show the log at level info."`
}

// Help is what --help adds.
func (simulateCommand) Help() string {
	return `Reads the deployment, starts its routes and the simulated temperature sensor, hands this module its identity
and its twin as an IoT Edge device would, and shows what happens. Ctrl-C stops it.

  wasm-on-edge simulate                                   # the deployment beside it
  wasm-on-edge simulate --set signals.machineTemperature.settings.high=22
  wasm-on-edge simulate --sensor recording.csv --speed 0 --json
  wasm-on-edge simulate --no-module --env                 # for a module in any language

While it runs the desired twin can be changed: a line PATH=JSON on standard input does what --set does.
Lines make faults, too; MODULE is this module where none is named, and fault list prints this list:

` + sim.FaultHelp() + `
  wasm-on-edge simulate --no-module --state /tmp/hub --ledger /tmp/ledger --number --control 127.0.0.1:9601
  curl -d 'fault restart 2s' http://127.0.0.1:9601/       # from another process`
}

// Validate refuses flags that make no sense, alone or together.
func (c simulateCommand) Validate() error {
	switch {
	case c.Env && !c.NoModule:
		return errors.New("--env goes with --no-module")
	case c.Duration < 0:
		return fmt.Errorf("--duration %v is negative", c.Duration)
	case c.Ack <= 0:
		return fmt.Errorf("--ack-timeout %v is not positive", c.Ack)
	case c.InFlight < 1:
		return fmt.Errorf("--in-flight %d is less than 1", c.InFlight)
	case c.Speed < 0:
		return fmt.Errorf("--speed %v is negative", c.Speed)
	case c.Speed != 1 && c.Sensor == "":
		return errors.New("--speed goes with --sensor")
	}
	return nil
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
