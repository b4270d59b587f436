package wasm_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func TestAGuestThatDoesNotStart(t *testing.T) {
	small := limits()
	small.Start, small.Deadline = 60*time.Millisecond, 10*time.Millisecond
	for name, c := range map[string]struct {
		binary  []byte
		kind    module.GuestErrorKind
		message string
		hint    string
	}{
		"trap in the start function":     {file(t, "trap_on_start"), module.KindTrap, "unreachable at start", ""},
		"trap in _initialize":            {guestOf(t, "", `(func $init (export "_initialize") (unreachable))`, "(i32.const 1)"), module.KindTrap, "unreachable at init", ""},
		"endless loop in the start":      {file(t, "loop_on_start"), module.KindDeadline, "used up its 60ms to start at start", "raise limits.startMs if it needs longer"},
		"endless loop in _initialize":    {guestOf(t, "", `(func $init (export "_initialize") (loop (br 0)))`, "(i32.const 1)"), module.KindDeadline, "used up its 60ms to start at init", "raise limits.startMs if it needs longer"},
		"more memory than its limit":     {file(t, "big_memory"), module.KindMemory, "it starts with 128.0 MiB of memory, its limit is 4.0 MiB", "raise limits.memoryMiB"},
		"data outside its memory":        {guestOf(t, "", `(data (i32.const 327680) "x")`, "(i32.const 1)"), module.KindTrap, "memory access out of bounds", ""},
		"exit in the start function":     {guestOf(t, `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`, "(func $go (call $exit (i32.const 0))) (start $go)", "(i32.const 1)"), module.KindExit, "exit code 0 at go", "a guest returns from its functions; it must not call exit"},
		"bad pointer before it was read": {guestOf(t, importLog, "(func $go (call $log (i32.const 1) (i32.const 327679) (i32.const 2))) (start $go)", "(i32.const 1)"), module.KindABI, "log was given a pointer", ""},
	} {
		t.Run(name, func(t *testing.T) {
			instance, err := compile(t, c.binary).Start(wasm.Options{Signal: "signal", Limits: small})
			assert.Nil(t, instance)
			e := guestError(t, err)
			assert.Equal(t, "instantiate", e.Op)
			assert.Equal(t, c.kind, e.Kind)
			assert.Contains(t, e.Message, c.message)
			assert.Equal(t, c.hint, e.Hint)
		})
	}
}

func TestAStartFunctionMayCallTheHost(t *testing.T) {
	i := run(t, guestOf(t, importLog, `(data (i32.const 0) "hello")
		(func $go (call $log (i32.const 2) (i32.const 0) (i32.const 5))) (start $go)`, "(i32.const 1)"))
	assert.Equal(t, []string{"hello"}, logs(i))
}

func TestInitializeRunsOnceBeforeTheFirstMessage(t *testing.T) {
	i := run(t, guestOf(t, "", `(global $n (mut i32) (i32.const -1))
		(func (export "_initialize") (global.set $n (i32.add (global.get $n) (i32.const 2))))`, "(global.get $n)"))
	for range 2 {
		verdict, err := i.Message(message("body"))
		require.NoError(t, err)
		assert.Equal(t, module.Pass, verdict)
	}
}

func TestAClosedGuestStartsNothingAndItsInstancesLive(t *testing.T) {
	guest := compile(t, file(t, "pass"))
	i := start(t, guest, wasm.Options{})
	guest.Close()
	guest.Close()
	_, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits()})
	assert.EqualError(t, err, `instantiate guest "guest" for signal "signal": host: the guest has been closed`)
	_, err = i.Message(message("body"))
	require.NoError(t, err)
}

func TestAClosedInstanceIsQuiet(t *testing.T) {
	i := run(t, file(t, "echo_emit"))
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.EqualValues(t, 5<<16, i.Memory())
	i.Close()
	i.Close()
	_, err = i.Message(message("body"))
	assert.EqualError(t, err, `call edge_message of guest "guest" for signal "signal": host: the instance has ended`)
	assert.True(t, i.Dead())
	assert.Empty(t, i.Effects().Emitted)
	assert.Empty(t, logs(i))
	assert.Zero(t, i.LogsDropped())
	assert.Zero(t, i.Memory())
}

func TestTheStackOfAGuestIsWithinTheThreads(t *testing.T) {
	host := newHost(t)
	for _, stack := range []int{0, -1, 1<<20 + 1} {
		l := limits()
		l.Stack = stack
		_, err := host.Compile(t.Context(), "guest", file(t, "pass"), l)
		assert.Equal(t, module.KindHost, guestError(t, err).Kind)
	}
	deep := limits()
	deep.Stack = 1 << 20
	guest, err := host.Compile(t.Context(), "guest", file(t, "stack_overflow"), deep)
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	_, err = start(t, guest, wasm.Options{Limits: deep}).Message(message("body"))
	assert.Contains(t, guestError(t, err).Message, "stack overflow")
}

func TestASmallGuestKeepsItsMemoryWhenItGrowsBeyondItsReservation(t *testing.T) {
	i := run(t, wat(t, `(module (memory (export "memory") 1)
		(func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
		(func (export "edge_message") (param $ptr i32) (param i32) (result i32)
			(i32.store8 (i32.const 65535) (i32.load8_u (local.get $ptr)))
			(if (i32.eq (memory.grow (i32.const 20)) (i32.const -1)) (then unreachable))
			(i32.store8 (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 1)) (i32.const 1))
			(i32.eq (i32.load8_u (i32.const 65535)) (i32.load8_u (local.get $ptr)))))`))
	for range 3 {
		verdict, err := i.Message(message("x"))
		require.NoError(t, err)
		assert.Equal(t, module.Pass, verdict)
	}
	assert.EqualValues(t, 61*64<<10, i.Memory())
}
