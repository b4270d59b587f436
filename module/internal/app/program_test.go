package app

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// addProgram puts the program of the sandbox's tests into the guests directory: it passes lines whose value is above its
// setting high.
func (d *device) addProgram() {
	d.t.Helper()
	binary, err := os.ReadFile("../wasm/testdata/above.wasm")
	require.NoError(d.t, err)
	require.NoError(d.t, os.WriteFile(filepath.Join(d.guests, "above.wasm"), binary, 0o600))
}

func TestAProgramIsAGuest(t *testing.T) {
	for run, field := range map[string]string{"by default": "", "as the twin says": `,"run":"perMessage"`} {
		t.Run(run, func(t *testing.T) {
			d := newDevice(t, `{"schemaVersion":"1.0","guests":{"above":{"source":"file:above.wasm","settings":{"high":20}`+field+`}},
				"signals":{"s":{"source":"input:a","guest":"above","output":"alerts"}}}`)
			d.addProgram()
			d.run()

			for _, body := range []string{`{"value":19}`, `{"value":21}`, `no value`, `{"value":22}`} {
				d.send("a", body)
			}

			d.waitBodies("alerts", `{"value":21}`, `{"value":22}`)
			d.waitBodies("deadletter", "no value")
			u := d.messages("deadletter")[0]
			assert.Equal(t, "failed", property(t, u, "deadletter-reason"))
			assert.Equal(t, "1", property(t, u, "deadletter-attempts"))
			assert.Contains(t, property(t, u, "deadletter-description"), `exit code 1; last words: "no value in no value"`)

			d.patch(`{"guests":{"above":{"settings":{"high":30}}}}`)
			d.waitReported("lastDesiredVersion", "2")
			d.send("a", `{"value":25}`)
			d.send("a", `{"value":31}`)
			d.waitBodies("alerts", `{"value":21}`, `{"value":22}`, `{"value":31}`)
		})
	}
}

func TestAGuestOfEdge1IsNotRunAsAProgram(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","guests":{"pass":{"source":"file:pass.wasm","run":"perMessage"}},
		"signals":{"s":{"source":"input:a","guest":"pass"}}}`, "pass")
	d.run()
	d.waitReported("signals.s.statusDescription", `run "perMessage" is for WASI commands, and it is a guest of edge/1`)
}
