package app

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// What `iotedgehubdev start -i sensor` starts: its own module "input" that sends what is posted to it and prints what comes
// back, and two routes between it and the module that is being developed, whose name is "target" (edgemanager.py).
const singleModule = `{"modulesContent":{
 "$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","modules":{
   "input":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"mcr.microsoft.com/azureiotedge-testing-utility:1.0.0"}},
   "target":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"target"}}}}},
 "$edgeHub":{"properties.desired":{"schemaVersion":"1.0","routes":{
   "output":"FROM /messages/modules/target/outputs/* INTO BrokeredEndpoint(\"/modules/input/inputs/print\")",
   "r1":"FROM /messages/modules/input/outputs/sensor INTO BrokeredEndpoint(\"/modules/target/inputs/sensor\")"}}},
 "target":{"properties.desired":{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm"}},
   "signals":{"a":{"source":"input:sensor","guest":"pass","output":"out"}}}}}}`

// In both modes a module gets a connection string and the file of the authority. What `start -d deployment.json` hands a module of the deployment in its container: what the manifest's env
// and the image say, a connection string of the module, and the file of the authority on a volume (composeproject.py). There
// is no workload API and none of edgeAgent's variables. In the other mode the developer puts what `modulecred` prints there.
func TestTheModuleRunsOnWhatIotedgehubdevHandsIt(t *testing.T) {
	for _, row := range []struct{ mode, module, deployment string }{
		{"single module", "target", singleModule},
		{"solution", "wasmOnEdge", strings.ReplaceAll(singleModule, "target", "wasmOnEdge")},
	} {
		t.Run(row.mode, func(t *testing.T) {
			m, err := manifest.Parse([]byte(row.deployment))
			require.NoError(t, err)
			hub := &device{t: t, guests: t.TempDir(), storage: t.TempDir(), log: &logBuffer{t: t}}
			hub.build("pass", "pass.wasm")
			dir, err := os.MkdirTemp("", "woe-")
			require.NoError(t, err)
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			hub.config = sim.Config{Manifest: m, Dir: dir, Log: zerolog.Nop()}
			hub.startHub()
			runHanded(t, hub, row.module)

			printed := printer(t, hub.hub)
			require.NoError(t, hub.hub.Publish(t.Context(), "input", "sensor", edgehub.Message{Body: []byte("hello world")}))
			select {
			case body := <-printed:
				assert.Equal(t, "hello world", body)
			case <-time.After(patience):
				t.Fatalf("nothing came back: %s", hub.log)
			}
			assert.Contains(t, hub.log.String(), "EdgeHubConnectionString", "where the identity is from")
		})
	}
}

// runHanded runs a module with the variables of iotedgehubdev and no others, until the test ends.
func runHanded(t *testing.T, d *device, module string) {
	t.Helper()
	text, authority := d.hub.ConnectionString(module)
	mounted := filepath.Join(t.TempDir(), "edge-device-ca.cert.pem") // a volume: the hub's directory is not the module's
	certificate, err := os.ReadFile(authority)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(mounted, certificate, 0o600))
	variables := map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": mounted,
		"WASM_ON_EDGE_STORAGE": d.storage, "WASM_ON_EDGE_GUESTS": d.guests, "WASM_ON_EDGE_METRICS": "off"}
	config, err := ConfigFromEnvironment(func(name string) string { return variables[name] }, "0.0.0-test")
	require.NoError(t, err)
	config.LogFormat, config.LogTo = observe.LogJSON, d.log
	a, err := New(config)
	require.NoError(t, err)
	runUntilTheEnd(t, a.Run)
}

// printer connects as iotedgehubdev's module "input", and hands on what comes to its input "print".
func printer(t *testing.T, hub *sim.Hub) <-chan string {
	t.Helper()
	text, authority := hub.ConnectionString("input")
	variables := map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": authority}
	id, err := edgehub.IdentityFromEnvironment(func(name string) string { return variables[name] })
	require.NoError(t, err)
	bodies := make(chan string, 1)
	c, err := edgehub.New(edgehub.Config{Identity: id, OnInput: func(in *edgehub.Input) error {
		select {
		case bodies <- string(in.Body):
		default:
		}
		in.Ack()
		return nil
	}})
	require.NoError(t, err)
	runUntilTheEnd(t, c.Run)
	return bodies
}

func runUntilTheEnd(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { // awaited by the cleanup
		defer close(ended)
		assert.NoError(t, run(ctx))
	}()
	t.Cleanup(func() { cancel(); <-ended })
}
