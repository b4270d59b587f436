package wasm_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func TestADeadlineIsOfOneCall(t *testing.T) {
	// Each call works for some milliseconds, all together for much longer than the deadline.
	i := run(t, guestOf(t, "", "", `(local $n i32)
		(loop (br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 2000000)))) (i32.const 1)`))
	for began := time.Now(); time.Since(began) < 3*limits().Deadline; {
		_, err := i.Message(message("body"))
		require.NoError(t, err)
	}
}

func TestAPauseBetweenCallsCostsNoDeadline(t *testing.T) {
	host := newHost(t)
	idle := start(t, compileOn(t, host, "pass"), wasm.Options{})
	_, err := idle.Message(message("body"))
	require.NoError(t, err)
	loop := start(t, compileOn(t, host, "loop_forever"), wasm.Options{})
	_, err = loop.Message(message("body")) // meanwhile the epoch strikes, on the engine of both
	require.ErrorIs(t, err, context.DeadlineExceeded)
	_, err = idle.Message(message("body"))
	require.NoError(t, err)
}

func compileOn(t *testing.T, host *wasm.Host, name string) *wasm.Guest {
	guest, err := host.Compile(t.Context(), module.GuestName(name), file(t, name), limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	return guest
}

func TestALoopHurtsNoNeighbour(t *testing.T) {
	host := newHost(t)
	loop, pass := compileOn(t, host, "loop_forever"), compileOn(t, host, "pass")
	var loops sync.WaitGroup
	for range 8 { // more than there are slots: they wait for one, and their clock starts when they have it
		i := start(t, loop, wasm.Options{})
		loops.Go(func() {
			_, err := i.Message(message("body"))
			assert.ErrorIs(t, err, context.DeadlineExceeded)
		})
	}
	neighbour := start(t, pass, wasm.Options{})
	for range 100 {
		_, err := neighbour.Message(message("body"))
		require.NoError(t, err)
	}
	loops.Wait()
	_, err := neighbour.Message(message("body"))
	require.NoError(t, err)
}
