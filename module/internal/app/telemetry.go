package app

import (
	"context"
	"crypto/rand"
	"runtime"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/metrics"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// listen opens the address of metrics and health. Where it cannot, because another process has it perhaps, the module works
// all the same.
func (a *App) listen(identity edgehub.Identity) {
	if a.config.Metrics == "" {
		return
	}
	labels := metrics.Labels{IoTHub: identity.IoTHub, Device: identity.DeviceID, Module: identity.ModuleID, Instance: rand.Text()}
	build := metrics.Build{Version: a.config.Version, Wasmtime: wasm.Version, Architecture: runtime.GOARCH}
	server, err := observe.NewServer(observe.ServerConfig{
		Address: a.config.Metrics,
		Metrics: metrics.New(metrics.Config{Labels: labels, Build: build, Hub: a.meter, Read: a.measure}),
		Live:    func() []observe.Check { return a.watching.Checks() },
		Ready:   a.readiness,
	})
	if err != nil {
		a.log.Warn().Err(err).Msg("metrics and health are told nobody: WASM_ON_EDGE_METRICS names another address, or off")
		return
	}
	a.server = server
}

// answer answers those who watch the module until ctx ends.
func (a *App) answer(ctx context.Context) {
	if a.server == nil {
		return
	}
	a.log.Info().Str("address", a.server.Address()).Msg("metrics and health are told at /metrics, /healthz and /readyz")
	if err := a.server.Run(ctx); err != nil {
		a.log.Error().Err(err).Msg("metrics and health are told no more")
	}
}

// MetricsAddress returns where metrics and health are told, "" where they are not.
func (a *App) MetricsAddress() string {
	if a.server == nil {
		return ""
	}
	return a.server.Address()
}

// readiness tells whether messages get through. A guest that fails does not matter to it: reported and metrics name that.
func (a *App) readiness() []observe.Check {
	checks := a.watching.Checks()
	add := func(name string, ok bool, reason string) {
		if ok {
			reason = ""
		}
		checks = append(checks, observe.Check{Name: name, OK: ok, Reason: reason})
	}
	add("edgeHub", a.connected(), "no connection; results wait in the outbox")
	add("twin", a.reconciler.Reported().LastDesiredStatus.Code != 0, "no desired properties yet")
	add("storage", !a.health.bad.Load(), a.health.String())
	add("outbox", !a.pipeline.Blocked(), "full: signals wait for edgeHub to take results")
	return checks
}

// measure reads what all parts have counted.
func (a *App) measure() metrics.Snapshot {
	usage, code, reported := a.journal.Usage(), a.host.Stats(), a.reconciler.Reported()
	s := metrics.Snapshot{
		Pipeline: a.pipeline.Counts(), Stored: a.pipeline.Stored(),
		Signals: a.supervisor.Snapshot(), Removed: a.supervisor.Removed(), Times: a.supervisor.Times(), Measured: a.supervisor.Measured(),
		Twin:         metrics.Twin{Version: reported.LastDesiredVersion, Status: reported.LastDesiredStatus.Code, RolledBack: reported.Summary.RolledBack},
		Storage:      metrics.Storage{Journal: usage.Disk, JournalLive: usage.Live, Lost: usage.Lost, Writable: !a.health.bad.Load()},
		Code:         metrics.Code(code),
		Downloads:    metrics.Downloads(a.artifacts.Stats()),
		ClockSuspect: a.clockSuspect.Load(),
	}
	if a.room != nil {
		s.Storage.Used, s.Storage.Limit = a.room.taken(), a.room.limit
	}
	return s
}
