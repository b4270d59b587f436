package sim

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// runClient runs an edgehub client against the hub until the test ends.
func runClient(t testing.TB, cfg edgehub.Config, env map[string]string) *edgehub.Client {
	t.Helper()
	identity, err := edgehub.IdentityFromEnvironment(func(name string) string { return env[name] })
	require.NoError(t, err)
	cfg.Identity = identity
	cfg.BackoffMin, cfg.BackoffMax = time.Millisecond, 10*time.Millisecond
	c, err := edgehub.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	wait, cancelWait := context.WithTimeout(t.Context(), patience)
	defer cancelWait()
	require.NoError(t, c.WaitConnected(wait))
	return c
}

// filterModule is a module that passes each input on to its output and acknowledges it when that is acknowledged.
func filterModule(t testing.TB, env map[string]string, cfg edgehub.Config) *edgehub.Client {
	inputs := make(chan *edgehub.Input, 1000) // more than the hub has in flight, with its repeats
	cfg.OnInput = func(in *edgehub.Input) error {
		inputs <- in
		return nil
	}
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		wg.Wait()
	})
	c := runClient(t, cfg, env)
	wg.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case in := <-inputs:
				passOn(ctx, c, in, inputs)
			}
		}
	})
	return c
}

// passOn sends an input on, and again until it is acknowledged: one that were left unacknowledged on a connection that
// lives would keep all later acknowledgements back.
func passOn(ctx context.Context, c *edgehub.Client, in *edgehub.Input, again chan<- *edgehub.Input) {
	err := c.Publish(ctx, "out", edgehub.Message{Body: in.Body, Properties: in.Properties}, func(err error) {
		if err != nil {
			again <- in
			return
		}
		in.Ack()
	})
	if err != nil {
		again <- in
		_ = c.WaitConnected(ctx) // or until the test ends
	}
}

func TestEdgeHubClientWorksWithTheSimulatedHub(t *testing.T) {
	for name, environment := range map[string]func(*Hub) map[string]string{
		"workload API": func(h *Hub) map[string]string { return h.Environment("filter") },
		"connection string": func(h *Hub) map[string]string {
			text, file := h.ConnectionString("filter")
			return map[string]string{"EdgeHubConnectionString": text, "EdgeModuleCACertificateFile": file}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var up cloud
			h := start(t, Config{Manifest: deployment(t, sourceToFilter, filterToUpstream), Observer: up.observer()})
			patches := make(chan string, 1)
			c := filterModule(t, environment(h), edgehub.Config{
				OnDesired: func(patch []byte) { patches <- string(patch) },
				OnMethod: func(_ context.Context, name string, payload []byte) (int, []byte) {
					return 200, fmt.Appendf(nil, `[%q,%s]`, name, payload)
				},
			})

			source := edgehub.Message{Body: []byte("body"), Properties: edgehub.Properties{{Name: "$.mid", Value: "m 1"}, {Name: "a+b/c", Value: "Mün=&x"}}}
			require.NoError(t, h.Publish(t.Context(), "source", "out", source))
			require.NoError(t, h.WaitIdle(t.Context()))
			require.Len(t, up.all(), 1)
			assert.Equal(t, "body", string(up.all()[0].Message.Body))
			value, _ := up.all()[0].Message.Properties.Get("a+b/c")
			assert.Equal(t, "Mün=&x", value)

			twin, err := c.Twin(t.Context())
			require.NoError(t, err)
			assert.EqualValues(t, 1, twin.Version)
			require.NoError(t, c.Report(t.Context(), []byte(`{"state":"ok"}`)))
			reported, _ := h.Reported("filter")
			assert.JSONEq(t, `{"state":"ok"}`, string(reported))

			_, err = h.PatchDesired("filter", []byte(`{"limit":30}`))
			require.NoError(t, err)
			assert.JSONEq(t, `{"$version":2,"limit":30}`, <-patches)

			status, body, err := h.Invoke(t.Context(), "filter", "status", []byte(`{"x":1}`))
			require.NoError(t, err)
			assert.Equal(t, 200, status)
			assert.JSONEq(t, `["status",{"x":1}]`, string(body))
		})
	}
}

func TestNothingIsLostBetweenClientAndHubWhenConnectionsBreak(t *testing.T) {
	const messages = 2000
	var up cloud
	h := start(t, Config{
		Manifest: deployment(t, sourceToFilter, filterToUpstream), Observer: up.observer(),
		InFlight: 16, AckTimeout: time.Second,
	})
	filterModule(t, h.Environment("filter"), edgehub.Config{})
	for n := range messages {
		feed(t, h, "out", n)
		if n%200 == 100 {
			_, err := h.Disconnect("filter")
			require.NoError(t, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 6*patience)
	defer cancel()
	require.NoError(t, h.WaitIdle(ctx), "%+v", h.Stats().Modules["filter"])
	seen := map[string]bool{}
	for _, m := range up.all() {
		seen[string(m.Message.Body)] = true
	}
	assert.Len(t, seen, messages)
	assert.Zero(t, h.Stats().Modules["filter"].Expired)
}

// BenchmarkFilter measures messages through hub and module and back, over TLS.
func BenchmarkFilter(b *testing.B) {
	for name, cfg := range map[string]Config{"1": {InFlight: 1}, "64": {InFlight: 64}, "64 kept": {InFlight: 64, Keep: true}} {
		b.Run(name, func(b *testing.B) {
			cfg.Manifest = deployment(b, sourceToFilter, filterToUpstream)
			h := start(b, cfg)
			filterModule(b, h.Environment("filter"), edgehub.Config{})
			body := reading{temperature: 21.5, pressure: 1.05, ambient: 21, humidity: 25, created: time.Now()}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				if err := h.Publish(b.Context(), "source", "out", body.message("batch", n)); err != nil {
					b.Fatal(err)
				}
			}
			if err := h.WaitIdle(b.Context()); err != nil {
				b.Fatal(err)
			}
		})
	}
}
