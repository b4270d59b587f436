package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// sensorImage is how Microsoft's simulated temperature sensor is known in a deployment.
const sensorImage = "azureiotedge-simulated-temperature-sensor"

// simulation is one run of simulate.
type simulation struct {
	command simulateCommand
	env     *environment
	dir     string // removed at the end
	log     zerolog.Logger
	output  output
	hub     *sim.Hub
	module  *app.App // nil with --no-module
	sensors []participant
	replay  participant // the one of sensors that comes to an end; nil without --sensor
	started time.Time
	sources []string // the modules that sensors stand in for
}

// participant is a simulated module.
type participant interface{ Run(context.Context) error }

// newSimulation makes hub, sensors and module. On an error nothing is left behind.
func newSimulation(c simulateCommand, m manifest.Manifest, env *environment) (*simulation, error) {
	dir, err := os.MkdirTemp("", "woe-") // short: sockets lie in it
	if err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	s := &simulation{command: c, env: env, dir: dir, output: newOutput(c, env)}
	level := "warn"
	if c.Verbose {
		level = "info"
	}
	s.log = observe.NewLogger(s.output, observe.LogTerminal, observe.NewLevel(level))
	if err := s.open(m, level); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *simulation) open(m manifest.Manifest, level string) (err error) {
	s.warn(m)
	s.hub, err = sim.New(sim.Config{
		Manifest: m, Dir: filepath.Join(s.dir, "hub"), Listen: s.command.Listen, InFlight: s.command.InFlight,
		AckTimeout: s.command.Ack, Log: s.log, Observer: s.observer(),
	})
	if err != nil {
		return err
	}
	if err := s.addSensors(m); err != nil {
		return err
	}
	if s.command.NoModule {
		return nil
	}
	ours, _ := m.Module(s.command.Module)
	s.module, err = app.New(s.moduleConfig(ours.Env, level))
	return err
}

// warn tells what check would, before anything is lost to it.
func (s *simulation) warn(m manifest.Manifest) {
	ours, _ := m.Module(s.command.Module)
	desired := twin.Parse(ours.Desired, twin.Environment{Getenv: func(name string) string { return name }})
	for _, f := range check.Routes(m, s.command.Module, desired) {
		s.log.Warn().Str("hint", f.Hint).Msg(f.Path + ": " + f.Reason)
	}
}

func (s *simulation) observer() sim.Observer {
	return sim.Observer{
		Upstream: func(u sim.Upstream) {
			if !slices.Contains(s.sources, u.Module) || s.command.NoModule {
				s.output.message(u)
			}
		},
		Reported: func(name string, version int64, document json.RawMessage) {
			if name == s.command.Module {
				s.output.reported(version, document)
			}
		},
	}
}

// addSensors stands in for each of Microsoft's sensors in the deployment; a recording takes the place of the first.
func (s *simulation) addSensors(m manifest.Manifest) error {
	for _, mod := range m.Modules {
		if !strings.Contains(mod.Image, sensorImage) || mod.Status == "stopped" {
			continue
		}
		s.sources = append(s.sources, mod.Name)
		if s.command.Sensor != "" && s.replay == nil {
			if err := s.addReplay(mod.Name); err != nil {
				return err
			}
			continue
		}
		sensor, err := sim.NewSensor(s.hub, mod.Name, uint64(time.Now().UnixNano()))
		if err != nil {
			return err
		}
		s.sensors = append(s.sensors, sensor)
	}
	if s.command.Sensor != "" && s.replay == nil {
		return hint(fmt.Errorf("replay %s: the deployment has no sensor to stand in for", s.command.Sensor),
			"a module whose image is Microsoft's "+sensorImage)
	}
	return nil
}

func (s *simulation) addReplay(name string) error {
	file, err := os.Open(s.command.Sensor)
	if err != nil {
		return fmt.Errorf("open recording: %w", err)
	}
	defer func() { _ = file.Close() }()
	replay, err := sim.NewReplay(s.hub, name, file, s.command.Speed)
	if err != nil {
		return err
	}
	s.replay = replay
	s.sensors = append(s.sensors, replay)
	return nil
}

// moduleConfig gives the module what edgeAgent would: its identity, and the manifest's variables but for directories
// that exist in the container only.
func (s *simulation) moduleConfig(env map[string]string, level string) app.Config {
	identity := s.hub.Environment(s.command.Module)
	return app.Config{
		Getenv: func(name string) string {
			if value, ok := identity[name]; ok {
				return value
			}
			return env[name]
		},
		Storage: s.storage(), Guests: s.command.Guests, LogFormat: observe.LogTerminal, LogLevel: level, FixedLogLevel: !s.command.Verbose,
		LogTo: s.output, Version: version(),
	}
}

func (s *simulation) storage() string {
	if s.command.Storage != "" {
		return s.command.Storage
	}
	return filepath.Join(s.dir, "storage")
}

// run runs everything until ctx ends or the recording has been worked off, and stops it in order: sensors, module, hub.
func (s *simulation) run(ctx context.Context) error {
	s.started = time.Now()
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	var hub sync.WaitGroup
	var hubErr error
	hub.Go(func() { hubErr = s.hub.Run(hubCtx) })

	moduleErr := s.runParts(ctx)
	s.output.end(s.summary())
	stopHub()
	hub.Wait()
	return errors.Join(moduleErr, hubErr)
}

func (s *simulation) runParts(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	defer parts.Wait()
	defer stop()
	for _, sensor := range s.sensors {
		parts.Go(func() { s.runSensor(ctx, sensor, stop) })
	}
	parts.Go(func() { s.followInput(ctx) })
	if s.module == nil {
		if s.command.Env {
			s.printEnvironment()
		}
		parts.Go(func() { s.output.follow(ctx, s.snapshot) })
		<-ctx.Done()
		return nil
	}
	parts.Go(func() { s.output.follow(ctx, s.snapshot) })
	return s.module.Run(ctx)
}

// runSensor runs a sensor. When a recording has been played it waits until all of it has been worked off, and stops.
func (s *simulation) runSensor(ctx context.Context, sensor participant, stop context.CancelFunc) {
	if err := sensor.Run(ctx); err != nil {
		s.log.Error().Err(err).Msg("sensor ended")
	}
	if sensor == s.replay && s.command.Duration == 0 && s.hub.WaitIdle(ctx) == nil {
		stop()
	}
}

// printEnvironment prints both ways for a module in another process to connect.
func (s *simulation) printEnvironment() {
	variables := s.hub.Environment(s.command.Module)
	names := make([]string, 0, len(variables))
	for name := range variables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s.output.printf("%s=%s\n", name, variables[name])
	}
	connection, ca := s.hub.ConnectionString(s.command.Module)
	s.output.printf("# or, as iotedgehubdev gives it:\n# EdgeHubConnectionString=%s\n# EdgeModuleCACertificateFile=%s\n", connection, ca)
}

// change applies PATH=JSON to the desired twin while it runs.
func (s *simulation) change(assignment string) {
	patch, err := assignmentPatch(assignment)
	if err == nil {
		_, err = s.hub.PatchDesired(s.command.Module, patch)
	}
	if err != nil {
		s.log.Error().Err(err).Msg("desired twin was not changed")
	}
}

func (s *simulation) close() {
	_ = os.RemoveAll(s.dir) // a temporary directory
}
