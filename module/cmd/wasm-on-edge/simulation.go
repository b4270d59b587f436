package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/portal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// simulation is one run of simulate.
type simulation struct {
	command simulateCommand
	env     *environment
	dir     string // removed at the end
	log     zerolog.Logger
	level   string // of the log
	output  output
	hub     *sim.Hub
	control *control                      // nil without --control
	module  *app.App                      // nil with --no-module
	portal  atomic.Pointer[portal.Portal] // nil with --no-portal, and until it is open: the hub tells it what happens
	sensors []participant
	replay  participant // the one of sensors that comes to an end; nil without --sensor
	sources []string    // the modules that sensors stand in for
	started time.Time

	moduleLog *valve        // closed when the module is left behind
	letters   atomic.Int64  // dead letters of the module
	reported  chan struct{} // capacity 1: the module has reported something
}

// participant is a simulated module.
type participant interface{ Run(context.Context) error }

// newSimulation makes hub, sensors and module. On an error nothing is left behind.
func newSimulation(c simulateCommand, m manifest.Manifest, env *environment) (*simulation, error) {
	ours, _ := m.Module(c.Module) // c.manifest found it
	desired := twin.Parse(ours.Desired, atHand(c.Module, c.Guests))
	if err := c.needGuests(desired); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "woe-") // short: sockets lie in it
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	s := &simulation{command: c, env: env, dir: dir, level: "warn", output: newOutput(c, env), started: time.Now(), reported: make(chan struct{}, 1)}
	s.moduleLog = &valve{Writer: s.output}
	if c.Verbose {
		s.level = "info"
	}
	s.log = observe.NewLogger(s.output, env.logFormat(), observe.NewLevel(s.level))
	if err := s.open(m, ours.Env); err != nil {
		s.close()
		return nil, err
	}
	s.introduce(m, desired)
	return s, nil
}

// needGuests makes sure of the guests directory where a guest comes from it: it is what a fresh clone has not built yet.
func (c simulateCommand) needGuests(desired module.Desired) error {
	if c.NoModule {
		return nil
	}
	for _, guest := range desired.Guests {
		if !strings.HasPrefix(guest.Source, "file:") {
			continue
		}
		if info, err := os.Stat(c.Guests); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return hint(fmt.Errorf("find guests: there is no directory %q", c.Guests), "make guests builds them into build/guests; --guests names another directory")
		}
		return nil
	}
	return nil
}

func (s *simulation) open(m manifest.Manifest, variables map[string]string) (err error) {
	s.hub, err = sim.New(s.hubConfig(m))
	if _, network := errors.AsType[*net.OpError](err); network {
		return hint(err, "--listen takes HOST:PORT, and 0 as the port for any that is free")
	}
	if err != nil {
		return err
	}
	if s.command.Control != "" {
		if s.control, err = newControl(s, s.command.Control); err != nil {
			return err
		}
	}
	if err := s.addSensors(m); err != nil {
		return err
	}
	if !s.command.NoModule {
		if s.module, err = app.New(s.moduleConfig(variables)); err != nil {
			return err
		}
	}
	if s.command.NoPortal {
		return nil
	}
	return s.openPortal(m)
}

func (s *simulation) hubConfig(m manifest.Manifest) sim.Config {
	dir := s.command.State
	if dir == "" {
		dir = filepath.Join(s.dir, "hub")
	}
	return sim.Config{
		Manifest: m, Dir: dir, Keep: s.command.State != "", Ledger: s.command.Ledger, Listen: s.command.Listen,
		InFlight: s.command.InFlight, AckTimeout: s.command.Ack, Number: s.command.Number, Log: s.log, Observer: s.watch(s.observer()),
	}
}

// introduce says what is simulated, and tells what check would, before anything is lost to it.
func (s *simulation) introduce(m manifest.Manifest, desired module.Desired) {
	sensors := "no sensor"
	if len(s.sources) > 0 {
		sensors = strings.Join(s.sources, ", ")
	}
	s.output.printf("simulating %s with %s; edgeHub at %s\n", filepath.Base(s.command.File), sensors,
		s.hub.Environment(s.command.Module)["IOTEDGE_GATEWAYHOSTNAME"])
	if p := s.portal.Load(); p != nil {
		s.output.printf("portal at %s\n", p.URL())
	}
	if s.control != nil {
		s.output.printf("control at http://%s/\n", s.control.listener.Addr())
	}
	if s.module != nil && s.module.MetricsAddress() != "" {
		s.output.printf("metrics at http://%s/metrics\n", s.module.MetricsAddress())
	}
	if desired.DocumentRefused() {
		return // the module says why
	}
	for _, f := range check.Routes(m, s.command.Module, desired) {
		s.log.Warn().Msg(f.String())
	}
}

func (s *simulation) observer() sim.Observer {
	return sim.Observer{
		Upstream: func(u sim.Upstream) {
			if u.Module == s.command.Module && u.Output == string(module.OutputDeadLetter) {
				s.letters.Add(1)
			}
			s.output.message(u)
		},
		Fault: s.output.fault,
		Reported: func(name string, version int64, document json.RawMessage) {
			if name != s.command.Module {
				return
			}
			s.output.reported(version, document)
			select {
			case s.reported <- struct{}{}:
			default: // it is known already
			}
		},
	}
}

// addSensors stands in for each of Microsoft's sensors in the deployment; a recording takes the place of the first.
func (s *simulation) addSensors(m manifest.Manifest) error {
	for _, mod := range m.Modules {
		if !sim.IsSensor(mod) || mod.Status == string(module.StatusStopped) {
			continue
		}
		if err := s.addSensor(mod.Name); err != nil {
			return err
		}
		s.sources = append(s.sources, mod.Name)
	}
	if s.command.Sensor != "" && s.replay == nil {
		return hint(fmt.Errorf("replay %s: the deployment has no sensor to stand in for", s.command.Sensor),
			"a sensor is a module whose image is Microsoft's simulated temperature sensor")
	}
	return nil
}

func (s *simulation) addSensor(name string) error {
	if s.command.Sensor != "" && s.replay == nil {
		return s.addReplay(name)
	}
	sensor, err := sim.NewSensor(s.hub, name, uint64(time.Now().UnixNano()))
	if err != nil {
		return err
	}
	s.sensors = append(s.sensors, sensor)
	return nil
}

func (s *simulation) addReplay(name string) error {
	file, err := os.Open(s.command.Sensor)
	if err != nil {
		return fmt.Errorf("read recording: %w", err)
	}
	defer func() { _ = file.Close() }()
	replay, err := sim.NewReplay(s.hub, name, file, s.command.Speed)
	if err != nil {
		return hint(fmt.Errorf("%s: %w", filepath.Base(s.command.Sensor), err), "a recording is a CSV file with the header timestamp,value")
	}
	s.replay = replay
	s.sensors = append(s.sensors, replay)
	return nil
}

// moduleConfig gives the module what edgeAgent would: its identity, and the manifest's variables but for directories
// that exist in the container only.
func (s *simulation) moduleConfig(variables map[string]string) app.Config {
	identity := s.hub.Environment(s.command.Module)
	storage := s.command.Storage
	if storage == "" {
		storage = filepath.Join(s.dir, "storage")
	}
	return app.Config{
		Getenv: func(name string) string {
			if value, ok := identity[name]; ok {
				return value
			}
			return variables[name]
		},
		Storage: storage, Guests: s.command.Guests, LogFormat: s.env.logFormat(), LogLevel: s.level, FixedLogLevel: !s.command.Verbose,
		LogTo: s.moduleLog, Version: version(), Methods: methods.All, Metrics: s.command.Metrics,
	}
}

// close removes what is temporary. A hub that has not run gives its sockets back.
func (s *simulation) close() {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if s.hub != nil {
		_ = s.hub.Run(ended) // it says only that it ran before, where it did
	}
	if s.control != nil {
		s.control.close()
	}
	if p := s.portal.Load(); p != nil {
		_ = p.Run(ended)
	}
	_ = os.RemoveAll(s.dir)
}
