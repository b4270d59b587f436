package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// stopTime is how long the module has to stop. It stops at once, but for a guest in the middle of a long call.
const stopTime = 1500 * time.Millisecond

// reportTime is how long a module has, after the last input of a recording, to report what it started with.
const reportTime = 2 * time.Second

// run runs everything until ctx ends or the recording has been worked off, and stops it in order: sensors, module, hub.
func (s *simulation) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	defer stopHub()
	var hub sync.WaitGroup
	var hubErr error
	hub.Go(func() {
		defer stop() // without it there is nothing to simulate
		hubErr = s.hub.Run(hubCtx)
	})
	moduleErr := s.runParts(ctx, stop)
	stopHub()
	hub.Wait()
	s.output.end(s.summary())
	if hubErr != nil {
		return hubErr
	}
	return moduleErr
}

// runParts runs sensors, module and what shows them until ctx ends; a recording that has been worked off calls stop.
func (s *simulation) runParts(ctx context.Context, stop context.CancelFunc) error {
	if s.command.Env {
		s.printEnvironment()
	}
	var parts sync.WaitGroup
	for _, sensor := range s.sensors {
		parts.Go(func() { s.runSensor(ctx, sensor, stop) })
	}
	parts.Go(func() { s.followInput(ctx) })
	if s.control != nil {
		parts.Go(func() { s.control.run(ctx) })
	}
	if s.portal.Load() != nil {
		parts.Go(func() { s.runPortal(ctx) })
	}
	parts.Go(func() { s.output.follow(ctx, s.snapshot) })
	err := s.runModule(ctx)
	stop()
	parts.Wait()
	return err
}

// runModule runs the module until ctx ends. One that does not stop in time is left behind, to end with the process.
func (s *simulation) runModule(ctx context.Context) error {
	if s.module == nil {
		<-ctx.Done()
		return nil
	}
	ended := make(chan error, 1)
	go func() { ended <- s.module.Run(ctx) }() // awaited below
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(stopTime):
		s.log.Warn().Msg("the module is still at work; it ends with the process")
		s.moduleLog.closed.Store(true)
		return nil
	}
}

// valve passes on what is written to it until it is closed.
type valve struct {
	io.Writer
	closed atomic.Bool
}

func (v *valve) Write(data []byte) (int, error) {
	if v.closed.Load() {
		return len(data), nil
	}
	return v.Writer.Write(data)
}

// runSensor runs a sensor. When a recording has been played it waits until all of it has been worked off, and stops.
func (s *simulation) runSensor(ctx context.Context, sensor participant, stop context.CancelFunc) {
	if err := sensor.Run(ctx); err != nil {
		s.log.Error().Err(err).Msg("sensor ended")
	}
	if sensor != s.replay || s.command.Duration != 0 || s.waitIdle(ctx) != nil {
		return
	}
	if s.module != nil { // which gathers what it reports; a short recording is faster
		select {
		case <-s.reported:
		case <-time.After(reportTime):
		case <-ctx.Done():
		}
	}
	s.output.show(s.snapshot())
	stop()
}

// waitIdle waits until all that was sent has been worked off: by the hub, and by signals whose messages waited in a spool
// while their guests were compiled. What waits for a signal that does not come to run waits on.
func (s *simulation) waitIdle(ctx context.Context) error {
	for {
		if err := s.hub.WaitIdle(ctx); err != nil || !s.working() {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// working reports whether a signal works on its spool, or will as soon as it runs.
func (s *simulation) working() bool {
	if s.module == nil {
		return false
	}
	for _, signal := range s.module.Signals() {
		if signal.Waiting > 0 && (signal.Status == module.Running || signal.Status == module.Unknown) {
			return true
		}
	}
	return false
}

// printEnvironment prints both ways for a module in another process to connect, as a file of variables.
func (s *simulation) printEnvironment() {
	variables := s.hub.Environment(s.command.Module)
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		fmt.Fprintf(s.env.stdout, "%s=%s\n", name, variables[name])
	}
	connection, ca := s.hub.ConnectionString(s.command.Module)
	fmt.Fprintf(s.env.stdout, "# or, as iotedgehubdev gives it:\n# EdgeHubConnectionString=%s\n# EdgeModuleCACertificateFile=%s\n", connection, ca)
}
