package sim

import (
	"context"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bubble runs a test against a hub whose time stands still while everyone waits, so that it may keep edgeHub's own
// times. Clients come by pipe and without TLS.
func bubble(t *testing.T, cfg Config, test func(t *testing.T, h *Hub, dial func() *client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		dir, err := os.MkdirTemp("", "sim")
		require.NoError(t, err)
		defer os.RemoveAll(dir)
		cfg.Dir = dir
		h, err := New(cfg)
		require.NoError(t, err)
		defer h.closeListeners()

		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		defer wg.Wait()
		defer cancel()
		for _, p := range h.peers {
			wg.Go(func() { p.keepTime(ctx) })
		}
		wg.Go(func() { h.sweepTokens(ctx) })
		test(t, h, func() *client {
			server, conn := net.Pipe()
			wg.Go(func() { h.serve(ctx, server) })
			return newClient(t, conn, bubblePatience)
		})
	})
}

// after asserts that what comes next comes after d.
func after(t *testing.T, d time.Duration, what func()) {
	t.Helper()
	start := time.Now()
	what()
	assert.Equal(t, d, time.Since(start))
}
