package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// running returns a device at work, whose twin has the version 1.
func running(t *testing.T) *device {
	t.Helper()
	d := newDevice(t, passTwin, "pass")
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	return d
}

// reconnect takes the connection away, and waits until there is one again and the log says so often what is to be seen then.
func (d *device) reconnect(says string, times int) {
	d.t.Helper()
	_, err := d.hub.Disconnect("wasmOnEdge")
	require.NoError(d.t, err)
	d.wait(func() bool { return len(grep(d.log.String(), says)) >= times }, "%q in the log", says)
}

func TestChangesMadeWhileTheConnectionIsAwayAreFoundAtOnceWhenItIsBack(t *testing.T) {
	t.Parallel()
	d := running(t)
	d.hub.CloseListener(time.Second)
	_, err := d.hub.Disconnect("wasmOnEdge")
	require.NoError(t, err)
	d.patch(`{"signals":{"s":{"output":"second"}}}`)
	d.patch(`{"signals":{"s":{"output":"third"}}}`)
	d.patch(`{"signals":{"t":{"source":"input:b","guest":"pass","output":"t"}}}`)
	require.Equal(t, "1", d.reported("lastDesiredVersion"), "edgeHub keeps no patch for a module that is away")
	d.waitReported("lastDesiredVersion", "4")
	d.send("a", "x")
	d.waitBodies("third", "x")
	d.send("b", "y")
	d.waitBodies("t", "y")
}

func TestAPatchWhoseVersionJumpsHasTheTwinAskedFor(t *testing.T) {
	t.Parallel()
	d := running(t)
	d.hub.Offline(0)
	d.patch(`{"signals":{"s":{"output":"second"}}}`)
	d.patch(`{"signals":{"s":{"output":"third"}}}`)
	require.Equal(t, "1", d.reported("lastDesiredVersion"))
	d.hub.Online()
	d.waitReported("lastDesiredVersion", "3")
	d.send("a", "x")
	d.waitBodies("third", "x")
}

func TestAnEmptyTwinOfAnOfflineEdgeHubChangesNothingUntilThereIsOneAgain(t *testing.T) {
	t.Parallel()
	for _, fault := range []sim.TwinFault{sim.TwinEmpty, sim.TwinUnversioned} {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			d := running(t)
			require.NoError(t, d.hub.ServeTwin("wasmOnEdge", fault))
			d.reconnect("does not know the desired twin yet", 1)
			d.send("a", "x")
			d.waitBodies("telemetry", "x")
			assert.Equal(t, "1", d.reported("lastDesiredVersion"))

			require.NoError(t, d.hub.ServeTwin("wasmOnEdge", sim.TwinTrue))
			d.patch(`{"signals":{"s":{"output":"other"}}}`)
			d.waitReported("lastDesiredVersion", "2")
			d.send("a", "y")
			d.waitBodies("other", "y")
		})
	}
}

// That it is believed when it stays for a minute is shown in package reconcile, where a minute costs nothing.
func TestALowerVersionAfterAReconnectIsNotBelievedAtOnce(t *testing.T) {
	t.Parallel()
	d := running(t)
	d.patch(`{"signals":{"s":{"output":"new"}}}`)
	d.waitReported("lastDesiredVersion", "2")
	require.NoError(t, d.hub.ServeTwin("wasmOnEdge", sim.TwinStale))
	d.reconnect("desired version went down", 1)
	d.send("a", "x")
	d.waitBodies("new", "x")

	require.NoError(t, d.hub.ServeTwin("wasmOnEdge", sim.TwinTrue))
	d.reconnect("connected to edgeHub", 3)
	d.patch(`{"signals":{"s":{"output":"newer"}}}`)
	d.waitReported("lastDesiredVersion", "3")
	d.send("a", "y")
	d.waitBodies("newer", "y")
}
