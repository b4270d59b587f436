//go:build cgo

package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	hubDown = 300 * time.Millisecond // edgeHub takes longer; the SDK has tried again by then
)

// ends are the ways in which a hub ends before it is started again: killed, and in order.
var ends = []os.Signal{os.Kill, os.Interrupt}

// sourceOf starts to send count numbered messages as the module source, each until a hub has taken it, and returns the
// numbers of those that are.
func sourceOf(t *testing.T, h edge, count int) <-chan int {
	t.Helper()
	environment := h.Environment("source")
	identity, err := edgehub.IdentityFromEnvironment(func(name string) string { return environment[name] })
	require.NoError(t, err)
	client, err := edgehub.New(edgehub.Config{Identity: identity, BackoffMin: 10 * time.Millisecond, BackoffMax: 100 * time.Millisecond})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	clientEnded := make(chan error)
	go func() { clientEnded <- client.Run(ctx) }()
	taken := make(chan int, count)
	sourceEnded := make(chan struct{})
	go func() {
		defer close(sourceEnded)
		for n := 1; n <= count && sendUntilTaken(ctx, client, n); n++ {
			taken <- n
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-sourceEnded
		assert.NoError(t, <-clientEnded)
	})
	return taken
}

// sendUntilTaken reports false when ctx ended first.
func sendUntilTaken(ctx context.Context, client *edgehub.Client, n int) bool {
	m := edgehub.Message{Body: fmt.Appendf(nil, `{"n":%d}`, n)}
	for client.WaitConnected(ctx) == nil {
		if client.Send(ctx, "out", m) == nil {
			return true
		}
	}
	return false
}

// TestAModuleOnTheOfficialSDKOutlivesItsHub ends the hub and starts it again, in the middle of messages. The SDK's
// acknowledgement leaves before its application has seen the message: what a hub has got it for and nothing came of is
// lost by the SDK, and counted; anything else that is missing would be the hub's fault.
func TestAModuleOnTheOfficialSDKOutlivesItsHub(t *testing.T) {
	needNode(t)
	t.Parallel()
	const messages = 600
	for name, environment := range environments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := startProcess(t, throughFilter(t))
			keepNode(t, "filter.js", environment(h, "filter"))
			assert.JSONEq(t, `{"limit":25,"version":1}`, receive(t, h.reported))
			taken := sourceOf(t, h, messages)
			for n, end := range ends {
				for receive(t, taken) < (n+1)*messages/(len(ends)+1) {
				}
				h.restart(end, hubDown)
			}
			for receive(t, taken) < messages {
			}
			account(t, h, messages)

			for n, end := range ends {
				h.restart(end, hubDown)
				awaitConnected(t, h, "filter")
				followsItsTwin(t, h, h.reported, 30+n, int64(2+n))
				answersMethods(t, h)
			}
		})
	}
}

// account waits for what comes of the messages 1 to count, and accounts for each.
func account(t *testing.T, h *hubProcess, count int) {
	t.Helper()
	came, repeats := gather(h.upstream, count)
	acked := h.ledger("acked", "filter")
	lost := 0
	for n := 1; n <= count; n++ {
		if !came[n] && assert.True(t, acked[n], "message %d is missing, and the SDK has not acknowledged it", n) {
			lost++
		}
	}
	t.Logf("%d messages, %d restarts of the hub: the SDK has lost %d, and %d came more than once", count, len(ends), lost, repeats)
	assert.Less(t, lost, count/10)
}

// gather receives until count messages have come, or nothing more comes.
func gather(upstream <-chan sim.Upstream, count int) (came map[int]bool, repeats int) {
	came = map[int]bool{}
	for len(came) < count {
		select {
		case u := <-upstream:
			var body struct{ N int }
			_ = json.Unmarshal(u.Message.Body, &body) // 0 where it is none, and so missing
			if came[body.N] {
				repeats++
			}
			came[body.N] = true
		case <-time.After(20 * time.Second):
			return came, repeats
		}
	}
	return came, repeats
}

// awaitConnected waits until a module has connected to the hub that runs now.
func awaitConnected(t *testing.T, h *hubProcess, module string) {
	t.Helper()
	for receive(t, h.connected) != module {
	}
}

// TestEveryMessageOfAChainIsAccountedForWhenTheHubIsRestarted is the chain sensor → this module → sink.
func TestEveryMessageOfAChainIsAccountedForWhenTheHubIsRestarted(t *testing.T) {
	needNode(t)
	t.Parallel()
	const readings = 1200
	h := startProcess(t, chain(t))
	sink := keepNode(t, "sink.js", byWorkload(h, "sink"))
	runModule(t, h)
	sensor := runNode(t, "sensor.js", with(byWorkload(h, "sensor"), "COUNT", fmt.Sprint(readings)))
	restarts := map[int]func(){}
	for n, end := range ends {
		restarts[(n+1)*readings/(len(ends)+1)] = func() { h.restart(end, hubDown) }
	}
	collect(t, sink, readings, restarts)
	assert.Equal(t, event{Event: "sent"}, receive(t, sensor))
	assert.Empty(t, h.upstream, "dead letters")
}
