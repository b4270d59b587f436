package wasm_test

import (
	"errors"
	"io/fs"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// The guest that Go's own compiler builds, with its runtime and its WASI imports.
func TestTheThresholdGuestWorks(t *testing.T) {
	binary, err := os.ReadFile("../../../build/guests/threshold.wasm")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("build/guests/threshold.wasm is missing: run make guests")
	}
	require.NoError(t, err)
	l := limits()
	l.Memory, l.Start, l.Deadline, l.EmitBytesPerCall = 16<<20, 2*time.Second, time.Second, 1<<20
	guest, err := newHost(t).Compile(t.Context(), "threshold", binary, l)
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	i := start(t, guest, wasm.Options{Limits: l})
	require.NoError(t, i.Configure([]byte(`{"signal":"signal","partition":"","settings":{"high":80,"hysteresis":2}}`)))

	below, err := i.Message(message(`{"value":21.5}`))
	require.NoError(t, err)
	above, err := i.Message(message(`{"value":95}`))
	require.NoError(t, err)
	assert.NotEqual(t, below, above)

	refused := guestError(t, i.Configure([]byte(`{"settings":{"high":"hot"}}`)))
	assert.Equal(t, module.KindRefused, refused.Kind)
	assert.NotEmpty(t, refused.Message)
	again, err := i.Message(message(`{"value":95}`))
	require.NoError(t, err)
	assert.Equal(t, above, again, "the old settings are at work")
}
