package wasm_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

const (
	importWrite  = `(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))`
	importRandom = `(import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))`
	importPoll   = `(import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))`
	importEnv    = `(import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "environ_get" (func $environ (param i32 i32) (result i32)))`
)

// writeGuest writes its message to the stream and returns what fd_write said, plus one.
func writeGuest(t testing.TB, stream string) []byte {
	return guestOf(t, importWrite, "", `
		(i32.store (i32.const 0) (local.get $ptr)) (i32.store (i32.const 4) (local.get $len))
		(i32.add (i32.const 1) (call $write (i32.const `+stream+`) (i32.const 0) (i32.const 1) (i32.const 8)))`)
}

func TestStandardOutputIsLoggedByLines(t *testing.T) {
	for stream, level := range map[string]int{"1": 2, "2": 3} {
		i := run(t, writeGuest(t, stream))
		_, err := i.Message(message("one\n\ntwo\nthr" + "ee"))
		require.NoError(t, err)
		assert.Equal(t, []string{"one", "two", "three"}, logs(i), "an unfinished line ends with the call")
		for line := range i.Logs() {
			assert.Equal(t, level, line.Level)
		}
		_, err = i.Message(message(strings.Repeat("x", 1500)))
		require.NoError(t, err)
		assert.Equal(t, []string{strings.Repeat("x", 1024), strings.Repeat("x", 476)}, logs(i))
	}
}

func TestOneWriteTakesSoMuch(t *testing.T) {
	// 1024 vectors of the whole memory each: what is taken is short, and the host is back at once.
	i := run(t, guestOf(t, importWrite, "", `(local $n i32)
		(loop (i32.store (i32.add (i32.const 8192) (i32.mul (local.get $n) (i32.const 8))) (i32.const 0))
			(i32.store (i32.add (i32.const 8196) (i32.mul (local.get $n) (i32.const 8))) (i32.const 327680))
			(br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1024))))
		(if (call $write (i32.const 1) (i32.const 8192) (i32.const 1024) (i32.const 0)) (then (unreachable)))
		(i32.eq (i32.load (i32.const 0)) (i32.const 65536))`))
	verdict, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
}

func TestTheEnvironmentIsWhatWasGranted(t *testing.T) {
	i := start(t, compile(t, guestOf(t, importEmit+importEnv, "", `
		(drop (call $sizes (i32.const 0) (i32.const 4))) (drop (call $environ (i32.const 16) (i32.const 64)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 0) (i32.const 0)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.load (i32.const 20)) (i32.const 4) (i32.const 0) (i32.const 0)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 64) (i32.load (i32.const 4)) (i32.const 0) (i32.const 0)))
		(i32.const 2)`)), wasm.Options{Env: map[string]string{"B": "2", "A": "first"}})
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	sizes := binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 2), 12)
	assert.Equal(t, []string{string(sizes), "B=2\x00", "A=first\x00B=2\x00"}, bodies(i))

	_, err = run(t, guestOf(t, importEnv, "", `
		(if (call $sizes (i32.const 0) (i32.const 4)) (then (unreachable))) (if (i32.load (i32.const 0)) (then (unreachable)))
		(call $environ (i32.const 16) (i32.const 64))`)).Message(message("none"))
	require.NoError(t, err)
}

func TestRandomBytesAreRandom(t *testing.T) {
	i := run(t, guestOf(t, importEmit+importRandom, "", `
		(if (call $random (i32.const 0) (i32.const 32)) (then (unreachable)))
		(if (i32.ne (call $random (i32.const 327679) (i32.const 2)) (i32.const 21)) (then (unreachable)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32) (i32.const 0) (i32.const 0))) (i32.const 2)`))
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	first := bytes.Clone(i.Effects().Emitted[0].Body)
	_, err = i.Message(message("body"))
	require.NoError(t, err)
	assert.NotEqual(t, first, i.Effects().Emitted[0].Body)
}

// sleepGuest sleeps as many milliseconds as its message has bytes.
func sleepGuest(t testing.TB) []byte {
	return guestOf(t, importPoll, "", `
		(i64.store (i32.const 0) (i64.const 77)) (i32.store8 (i32.const 8) (i32.const 0)) (i32.store (i32.const 16) (i32.const 1))
		(i64.store (i32.const 24) (i64.mul (i64.extend_i32_u (local.get $len)) (i64.const 1000000)))
		(if (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)) (then (unreachable)))
		(if (i64.ne (i64.load (i32.const 64)) (i64.const 77)) (then (unreachable)))
		(i32.load (i32.const 128))`)
}

func TestASleepEndsInTime(t *testing.T) {
	before := time.Now()
	verdict, err := run(t, sleepGuest(t)).Message(module.Message{Body: make([]byte, 10)})
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict, "one event")
	assert.GreaterOrEqual(t, time.Since(before), 10*time.Millisecond)
}

func TestASleepDoesNotOutlastTheDeadline(t *testing.T) {
	i := run(t, sleepGuest(t))
	before := time.Now()
	_, err := i.Message(module.Message{Body: make([]byte, 3000)})
	assert.Equal(t, module.KindDeadline, guestError(t, err).Kind)
	assert.Less(t, time.Since(before), 500*time.Millisecond)
	assert.True(t, i.Dead())
}

func TestShortSleepsAddUp(t *testing.T) {
	i := run(t, guestOf(t, importPoll, "", `
		(i32.store (i32.const 16) (i32.const 1)) (i64.store (i32.const 24) (i64.const 1000000))
		(loop (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))) (br 0)) (unreachable)`))
	before := time.Now()
	_, err := i.Message(message("body"))
	assert.Equal(t, module.KindDeadline, guestError(t, err).Kind)
	assert.Less(t, time.Since(before), 500*time.Millisecond)
}
