package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	ourName    = "wasmOnEdge"
	senderName = "sender"
)

// deployment is a manifest with the module, one that sends to it, and all that it sends going upstream.
const deployment = `{"modulesContent":{
"$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","runtime":{"type":"docker","settings":{}},"systemModules":{},"modules":{
  "sender":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"sender"}},
  "wasmOnEdge":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"wasm-on-edge"}}}}},
"$edgeHub":{"properties.desired":{"schemaVersion":"1.2","routes":{
  "in":"FROM /messages/modules/sender/* INTO BrokeredEndpoint(\"/modules/wasmOnEdge/inputs/in\")",
  "out":"FROM /messages/modules/wasmOnEdge/* INTO $upstream"},"storeAndForwardConfiguration":{"timeToLiveSecs":7200}}},
"wasmOnEdge":{"properties.desired":%s}}}`

// device is a simulated Edge Hub with the module on it.
type device struct {
	hub    *sim.Hub
	module *app.App
	stop   func() // both, and waits for them
}

// newDevice starts hub and module in a directory of their own, and returns when so many signals of the guest run.
func newDevice(ctx context.Context, dir string, inFlight int, g *Guest, signals int) (*device, error) {
	m, err := manifest.Parse(fmt.Appendf(nil, deployment, desired(g, signals)))
	if err != nil {
		return nil, err
	}
	hub, err := sim.New(sim.Config{Manifest: m, Dir: filepath.Join(dir, "hub"), InFlight: inFlight, Log: zerolog.Nop()})
	if err != nil {
		return nil, err
	}
	d := &device{hub: hub}
	hubCtx, stopHub := context.WithCancel(context.WithoutCancel(ctx))
	var hubEnded, moduleEnded sync.WaitGroup
	hubEnded.Go(func() { _ = hub.Run(hubCtx) })
	moduleCtx, stopModule := context.WithCancel(context.WithoutCancel(ctx))
	d.stop = func() { // the module first: it says goodbye
		stopModule()
		moduleEnded.Wait()
		stopHub()
		hubEnded.Wait()
	}
	if d.module, err = newModule(hub, dir, g); err != nil {
		d.stop()
		return nil, err
	}
	moduleEnded.Go(func() { _ = d.module.Run(moduleCtx) })
	if err := d.await(ctx, signals); err != nil {
		d.stop()
		return nil, err
	}
	return d, nil
}

func newModule(hub *sim.Hub, dir string, g *Guest) (*app.App, error) {
	guests := filepath.Join(dir, "guests")
	if err := os.MkdirAll(guests, 0o700); err != nil {
		return nil, fmt.Errorf("make directory: %w", err)
	}
	if err := os.WriteFile(filepath.Join(guests, "guest.wasm"), g.Binary, 0o600); err != nil {
		return nil, fmt.Errorf("write guest: %w", err)
	}
	environment := hub.Environment(ourName)
	return app.New(app.Config{
		Getenv: func(name string) string { return environment[name] }, Storage: filepath.Join(dir, "storage"), Guests: guests,
		Memory: unlimited, LogFormat: observe.LogJSON, LogLevel: "error", FixedLogLevel: true, LogTo: io.Discard,
	})
}

// desired returns a twin with so many signals of the guest. They select a value for a guest that is given samples, and
// take whole messages for others.
func desired(g *Guest, signals int) []byte {
	defaults := map[string]any{"source": "input:in"}
	if g.Message == nil {
		defaults["selector"], defaults["unit"] = "/value", "Cel"
	}
	all := make(map[string]any, signals)
	for n := range signals {
		all[fmt.Sprint("signal", n)] = map[string]any{"guest": "guest"}
	}
	document, _ := json.Marshal(map[string]any{ // of what always marshals
		"schemaVersion":  "1.0",
		"guests":         map[string]any{"guest": map[string]any{"source": "file:guest.wasm", "settings": json.RawMessage(g.settings())}},
		"signalDefaults": defaults,
		"signals":        all,
	})
	return document
}

// await waits until so many signals run, or tells why one cannot.
func (d *device) await(ctx context.Context, signals int) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		running := 0
		for name, state := range d.module.Signals() {
			switch state.Status {
			case module.Running:
				running++
			case module.Failed, module.Quarantined, module.Backoff:
				return fmt.Errorf("start signal %q: %s", name, state.Description)
			}
		}
		if running >= signals {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// send sends n messages through the module and waits until they have been dealt with.
func (d *device) send(ctx context.Context, body []byte, n int) error {
	for range n {
		if err := d.hub.Publish(ctx, senderName, "out", edgehub.Message{Body: body}); err != nil {
			return err
		}
	}
	return d.hub.WaitIdle(ctx)
}
