package wasm_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// Each way a call ends badly is a typed error that says what happened, where and what to do, and costs the instance.
func TestACallEndsBadly(t *testing.T) {
	const importExit = `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`
	for name, c := range map[string]struct {
		binary  []byte
		kind    module.GuestErrorKind
		message string
		hint    string
	}{
		"trap":                       {file(t, "trap_on_message"), module.KindTrap, "unreachable at function 1", ""},
		"trap after emit":            {file(t, "emit_then_trap"), module.KindTrap, "unreachable", ""},
		"trap in a nested function":  {guestOf(t, "", "(func $boom (unreachable))", "(call $boom) (i32.const 1)"), module.KindTrap, "unreachable at boom < edge_message", ""},
		"division by zero":           {guestOf(t, "", "", "(i32.div_u (local.get $len) (i32.const 0))"), module.KindTrap, "division by zero at edge_message", ""},
		"load outside memory":        {guestOf(t, "", "", "(i32.load (i32.const -4))"), module.KindTrap, "memory access out of bounds at edge_message", ""},
		"endless recursion":          {file(t, "stack_overflow"), module.KindTrap, "stack overflow at deeper < deeper", "raise limits.stackKiB if the recursion is meant"},
		"endless loop":               {file(t, "loop_forever"), module.KindDeadline, "used up its 50ms of processor time at function 1", "raise limits.deadlineMs if it needs longer"},
		"exit":                       {guestOf(t, importExit, "", "(call $exit (i32.const 3)) (i32.const 1)"), module.KindExit, "exit code 3 at edge_message", "a guest returns from its functions; it must not call exit"},
		"pointer outside memory":     {file(t, "bad_pointer"), module.KindABI, "emit was given a pointer or length outside the guest's memory at", ""},
		"pointer and length wrap":    {file(t, "bad_pointer_wraps"), module.KindABI, "emit was given a pointer or length outside the guest's memory at", ""},
		"room outside memory":        {file(t, "alloc_outside"), module.KindABI, "edge_alloc returned room outside the guest's memory", ""},
		"no room":                    {file(t, "alloc_zero"), module.KindMemory, "edge_alloc returned 0 with 0.3 of 4.0 MiB of memory in use", "raise limits.memoryMiB"},
		"memory full":                {guestOf(t, "", "", "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)"), module.KindMemory, "unreachable at edge_message with 4.0 of 4.0 MiB of memory in use", "raise limits.memoryMiB"},
		"memory nearly full":         {file(t, "grow_memory"), module.KindTrap, "unreachable at function 1 with 3.3 of 4.0 MiB of memory in use", "raise limits.memoryMiB if it ran out of memory"},
		"a verdict that is not one":  {file(t, "bad_verdict"), module.KindABI, "the verdict 7 is not one: 0 drop, 1 pass, 2 done, negative failed", ""},
		"a verdict that is far away": {guestOf(t, "", "", "(i32.const 0x7fffffff)"), module.KindABI, "the verdict 2147483647 is not one", ""},
	} {
		t.Run(name, func(t *testing.T) {
			i := run(t, c.binary)
			verdict, err := i.Message(message("body"))
			e := guestError(t, err)
			assert.Equal(t, c.kind, e.Kind)
			assert.Contains(t, e.Message, c.message)
			assert.Equal(t, c.hint, e.Hint)
			assert.Equal(t, module.GuestName("guest"), e.Guest)
			assert.Equal(t, module.SignalName("signal"), e.Signal)
			assert.Equal(t, c.kind == module.KindDeadline, errors.Is(err, context.DeadlineExceeded))
			assert.NotContains(t, e.Message, "\n")
			assert.Zero(t, verdict)
			assert.True(t, i.Dead())
			assert.Empty(t, i.Effects().Emitted)
		})
	}
}

func TestADeadInstanceRefusesCallsAndAFreshOneStartsAnew(t *testing.T) {
	guest := compile(t, file(t, "trap_on_poison"))
	i := start(t, guest, wasm.Options{})
	_, err := i.Message(message("!"))
	require.Error(t, err)
	_, err = i.Message(message("good"))
	assert.EqualError(t, err, `call edge_message of guest "guest" for signal "signal": host: the instance has ended`)
	require.Error(t, i.Configure([]byte("{}")))
	_, err = i.Tick(nil)
	require.Error(t, err)

	verdict, err := start(t, guest, wasm.Options{}).Message(message("good"))
	require.NoError(t, err)
	assert.Equal(t, module.Pass, verdict)
}

func TestTheLastWordsOfAGuestGoWithItsError(t *testing.T) {
	i := run(t, guestOf(t, importLog, "", `
		(call $log (i32.const 2) (local.get $ptr) (local.get $len))
		(call $log (i32.const 2) (local.get $ptr) (local.get $len)) (unreachable)`))
	_, err := i.Message(message("dying"))
	assert.Equal(t, "dying | dying", guestError(t, err).Output)

	i = run(t, guestOf(t, importLog, "", `(call $log (i32.const 2) (local.get $ptr) (local.get $len)) (unreachable)`))
	_, err = i.Message(message("start " + strings.Repeat("é", 200)))
	words := guestError(t, err).Output
	assert.True(t, strings.HasPrefix(words, "…é"), words)
	assert.LessOrEqual(t, len(words), 256+len("…"))
}

func TestAFailedMessageTellsItsReasonAndTheInstanceLives(t *testing.T) {
	for name, want := range map[string]string{"fail_with_reason": "no thank you", "fail_without_reason": "the guest gave no reason"} {
		i := run(t, file(t, name))
		for range 2 {
			verdict, err := i.Message(message("body"))
			e := guestError(t, err)
			assert.Equal(t, module.KindFailed, e.Kind)
			assert.Equal(t, want, e.Message)
			assert.Negative(t, verdict)
			assert.False(t, i.Dead())
		}
	}
}
