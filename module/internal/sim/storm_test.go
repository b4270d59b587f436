package sim

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// Two clients of one identity take the connection away from each other. Their times are a twentieth of the real ones: what
// goes on here for three seconds goes on for a minute on a device.
func TestTwoClientsOfOneIdentityBackOffAndBothSaySo(t *testing.T) {
	const scale = 20
	var (
		mu        sync.Mutex // guards what follows
		connects  int
		contested [2]int
	)
	h := start(t, Config{Manifest: deployment(t), Observer: Observer{Connected: func(string) {
		mu.Lock()
		defer mu.Unlock()
		connects++
	}}})
	environment := h.Environment("filter")
	identity, err := edgehub.IdentityFromEnvironment(func(name string) string { return environment[name] })
	require.NoError(t, err)

	minute, cancel := context.WithTimeout(t.Context(), time.Minute/scale)
	defer cancel()
	var clients sync.WaitGroup
	for i := range contested {
		client, err := edgehub.New(edgehub.Config{
			Identity: identity, BackoffMin: time.Second / scale, BackoffMax: time.Minute / scale, StableAfter: time.Minute / scale,
			OnEvent: func(e edgehub.Event) {
				if _, ok := e.(edgehub.IdentityContested); ok {
					mu.Lock()
					defer mu.Unlock()
					contested[i]++
				}
			},
		})
		require.NoError(t, err)
		clients.Go(func() { assert.NoError(t, client.Run(minute)) })
	}
	clients.Wait()

	t.Logf("%d connects in a minute of two clients; reported as contested %d and %d times", connects, contested[0], contested[1])
	// A client's waits are 1 to 2 s, 1 to 4 s, 1 to 8 s …: at the least a second each, and on average twice as long as the one before.
	assert.LessOrEqual(t, connects, 30)
	assert.Positive(t, contested[0])
	assert.Positive(t, contested[1])
}
