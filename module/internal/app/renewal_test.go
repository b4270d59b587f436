package app

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// ackTimes are when inputs were acknowledged.
type ackTimes struct {
	mu    sync.Mutex
	times []time.Time
}

func (a *ackTimes) add() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.times = append(a.times, time.Now())
}

// pauses returns the times between acknowledgements, the longest first.
func (a *ackTimes) pauses() (pauses []time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.times[1:] {
		pauses = append(pauses, a.times[i].Sub(a.times[i+1]))
	}
	slices.Sort(pauses)
	for i := range pauses {
		pauses[i] = -pauses[i]
	}
	return pauses
}

// renewing has a module renew its token every two or three seconds, count that, and note its acknowledgements.
func (d *device) renewing(renewals *atomic.Int64, acks *ackTimes) func(*App) {
	return func(a *App) {
		identity, err := edgehub.IdentityFromEnvironment(a.config.Getenv)
		require.NoError(d.t, err)
		c := a.clientConfig(identity)
		c.TokenTTL = 3 * time.Second
		c.OnInput = func(in *edgehub.Input) error {
			taken := delivery(in)
			taken.Ack = func() { in.Ack(); acks.add() }
			return a.pipeline.Deliver(taken)
		}
		onEvent := c.OnEvent
		c.OnEvent = func(e edgehub.Event) {
			onEvent(e)
			if connected, ok := e.(edgehub.Connected); ok && connected.Renewal {
				renewals.Add(1)
			}
		}
		a.hub.client, err = edgehub.New(c)
		require.NoError(d.t, err)
	}
}

// TestRenewalsUnderLoadLoseNothingAndNoInputWaitsForItsRepeat keeps to edgeHub's own times, but for those of the tokens.
func TestRenewalsUnderLoadLoseNothingAndNoInputWaitsForItsRepeat(t *testing.T) {
	t.Parallel()
	const wanted, ahead = 3, 16
	var (
		renewals, came atomic.Int64
		acks           ackTimes
	)
	numbers := make(map[string]int) // only the hub's observer touches it until the end
	d := newDeviceWith(t, sim.Config{}, passTwin, "pass")
	d.counting = func(u sim.Upstream) {
		if u.Output == "telemetry" {
			numbers[string(u.Message.Body)]++
			came.Store(int64(len(numbers)))
		}
	}
	d.adapt = d.renewing(&renewals, &acks)
	stop := d.run()
	d.waitReported("signals.s.runtimeStatus", "running")

	sent := int64(0)
	for ; renewals.Load() < wanted; sent++ {
		d.wait(func() bool { return sent < came.Load()+ahead }, "message %d", sent-ahead)
		d.send("a", fmt.Sprint(sent), "$.mid", fmt.Sprint("m", sent))
	}
	require.NoError(t, d.hub.WaitIdle(t.Context()))
	stats := d.hub.Stats().Modules["wasmOnEdge"]
	stop()
	d.stopHub()

	assert.Len(t, numbers, int(sent), "every message came")
	assert.Zero(t, stats.Overdue, "no input waited out its 30 s")
	pauses := acks.pauses()
	assert.Less(t, pauses[0], 5*time.Second)
	t.Logf("%d messages, %d renewals, %d delivered again; the longest pauses between two acknowledgements: %v, median %v",
		sent, renewals.Load(), stats.Redelivered, pauses[:wanted+1], pauses[len(pauses)/2])
}
