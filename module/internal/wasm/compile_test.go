package wasm_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// goGuest returns the largest guest that there is.
func goGuest(t testing.TB) []byte {
	binary, err := os.ReadFile("../../../build/guests/threshold.wasm")
	if errors.Is(err, os.ErrNotExist) {
		t.Skip("make guests builds the guest that this needs")
	}
	require.NoError(t, err)
	return binary
}

// huge returns a guest with a function of so many operations, one after the other.
func huge(t testing.TB, operations int) []byte {
	return guestOf(t, "", "", strings.Repeat("(local.set 0 (i32.add (local.get 0) (i32.load (local.get 1))))", operations)+"(i32.const 0)")
}

func TestCompilingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := newHost(t).Compile(ctx, "guest", goGuest(t), limits())
	e := guestError(t, err)
	assert.Equal(t, module.KindHost, e.Kind)
	assert.Equal(t, module.GuestName("guest"), e.Guest)
	assert.Less(t, time.Since(began), time.Second)
}

func TestAGuestThatTakesAllMemoryToCompileIsRefused(t *testing.T) {
	_, err := newHost(t).Compile(t.Context(), "guest", huge(t, 300_000), limits())
	assert.Equal(t, module.KindMemory, guestError(t, err).Kind)
	assert.NotEmpty(t, guestError(t, err).Hint)
}

func TestABinaryIsBounded(t *testing.T) {
	_, err := newHost(t).Compile(t.Context(), "guest", make([]byte, 16<<20+1), limits())
	assert.Equal(t, module.KindInvalid, guestError(t, err).Kind)
	assert.Contains(t, err.Error(), "16 MiB")
}

// brokenGuest returns a guest whose code is of the wrong type, which its declarations do not show.
func brokenGuest(t testing.TB) []byte {
	returnsI32, returnsI64 := []byte{4, 0, 0x41, 0, 0x0b}, []byte{4, 0, 0x42, 0, 0x0b}
	return bytes.Replace(guestOf(t, "", "", "(i32.const 0)"), returnsI32, returnsI64, 1)
}

func TestWhatTheEngineRefusesIsInvalid(t *testing.T) {
	_, err := newHost(t).Compile(t.Context(), "guest", brokenGuest(t), limits())
	assert.Equal(t, module.KindInvalid, guestError(t, err).Kind)
	assert.Contains(t, err.Error(), "type mismatch")
}

func TestACompilerThatTakesNoNoticeStartsNoOther(t *testing.T) {
	t.Setenv("WASM_ON_EDGE_COMPILING", "1")
	_, err := newHost(t).Compile(t.Context(), "guest", file(t, "pass"), limits())
	assert.ErrorContains(t, err, "a compiler starts no compiler")
}

func TestGuestsAreCompiledSideBySide(t *testing.T) {
	host := newHost(t)
	compiled := make(chan error)
	for range 8 {
		go func() { // awaited below
			guest, err := host.Compile(t.Context(), "guest", file(t, "pass"), limits())
			if err == nil {
				guest.Close()
			}
			compiled <- err
		}()
	}
	for range 8 {
		assert.NoError(t, <-compiled)
	}
}

func newHostAt(t testing.TB, cache string) *wasm.Host {
	host, err := wasm.New(wasm.Config{Compiler: compiler, Cache: cache})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	return host
}
