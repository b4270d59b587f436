package wasm_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

const (
	importRead = `(import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))`
	importExit = `(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))`
	importArgs = `(import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes (param i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))`
)

// programOf returns the binary of a WASI command with the given imports and body of _start. Its functions say and complain
// write to standard output and error.
func programOf(t testing.TB, imports, start string) []byte {
	return wat(t, `(module `+importWrite+imports+` (memory (export "memory") 5)
		(func $put (param $fd i32) (param $ptr i32) (param $len i32)
			(i32.store (i32.const 0) (local.get $ptr)) (i32.store (i32.const 4) (local.get $len))
			(if (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (unreachable))))
		(func $say (param $ptr i32) (param $len i32) (call $put (i32.const 1) (local.get $ptr) (local.get $len)))
		(func $complain (param $ptr i32) (param $len i32) (call $put (i32.const 2) (local.get $ptr) (local.get $len)))
		(data (i32.const 16) "first\nlast words\n")
		(func (export "_start") `+start+`))`)
}

// echoStart copies standard input to standard output, and ends with it.
const echoStart = `
	(block $end (loop $next
		(i32.store (i32.const 32) (i32.const 1024)) (i32.store (i32.const 36) (i32.const 1000))
		(if (call $read (i32.const 0) (i32.const 32) (i32.const 1) (i32.const 40)) (then (unreachable)))
		(br_if $end (i32.eqz (i32.load (i32.const 40))))
		(call $say (i32.const 1024) (i32.load (i32.const 40)))
		(br $next)))`

// above returns the program of testdata/above.c.
func above(t testing.TB) []byte {
	binary, err := os.ReadFile("testdata/above.wasm")
	require.NoError(t, err)
	return binary
}

func TestAProgramTurnsItsInputIntoOneMessage(t *testing.T) {
	i := run(t, programOf(t, importRead, echoStart))
	for _, body := range []string{"short", strings.Repeat("long ", 5000), "no state is left"} {
		verdict, err := i.Message(message(body))
		require.NoError(t, err)
		assert.Equal(t, module.Done, verdict)
		assert.Equal(t, []string{body}, bodies(i))
		assert.Equal(t, module.OutputName(""), i.Effects().Emitted[0].Output, "the signal's own")
		assert.Empty(t, i.Effects().Emitted[0].Properties)
		assert.Empty(t, logs(i), "standard output is no log")
	}
}

func TestAProgramThatWritesNothingDropsItsMessage(t *testing.T) {
	i := run(t, programOf(t, importRead, echoStart))
	verdict, err := i.Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, module.Drop, verdict)
	assert.Empty(t, i.Effects().Emitted)
}

func TestATickIsARunWithoutInput(t *testing.T) {
	guest := compile(t, programOf(t, importRead, echoStart+`(call $say (i32.const 16) (i32.const 5))`))
	assert.True(t, guest.HasTimer())
	assert.Equal(t, wasm.ABICommand, guest.ABI())
	i := start(t, guest, wasm.Options{})
	verdict, err := i.Tick(nil)
	require.NoError(t, err)
	assert.Equal(t, module.Done, verdict)
	assert.Equal(t, []string{"first"}, bodies(i))
}

func TestTheExitCode0IsAGoodEnd(t *testing.T) {
	i := run(t, programOf(t, importExit, `(call $say (i32.const 16) (i32.const 5)) (call $exit (i32.const 0))`))
	verdict, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, module.Done, verdict)
	assert.Equal(t, []string{"first"}, bodies(i))
}

func TestAnotherExitCodeIsAFailureOfTheMessageAlone(t *testing.T) {
	i := run(t, programOf(t, importExit+importSet, `
		(drop (call $set (i32.const 16) (i32.const 1) (i32.const 16) (i32.const 1)))
		(call $say (i32.const 16) (i32.const 5)) (call $complain (i32.const 16) (i32.const 17)) (call $exit (i32.const 3))`))
	for range 2 {
		verdict, err := i.Message(message("body"))
		assert.Negative(t, verdict)
		e := guestError(t, err)
		assert.Equal(t, module.KindFailed, e.Kind)
		assert.EqualError(t, err, `run guest "guest" for signal "signal": failed: exit code 3; last words: "first | last words"`)
		assert.Empty(t, i.Effects().Emitted)
		assert.Empty(t, i.Effects().State)
		assert.Equal(t, []string{"first", "last words"}, logs(i))
		assert.False(t, i.Dead())
	}
}

// A run is fresh whatever became of the last, but a program that always ends badly must back off as other guests do.
func TestAProgramThatEndsBadlyIsDead(t *testing.T) {
	for kind, body := range map[module.GuestErrorKind]string{
		module.KindTrap:     `(unreachable)`,
		module.KindDeadline: `(loop (br 0))`,
		module.KindMemory:   `(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (unreachable)`,
	} {
		i := run(t, programOf(t, "", body))
		_, err := i.Message(message("body"))
		e := guestError(t, err)
		assert.Equal(t, kind, e.Kind)
		assert.Equal(t, "run", e.Op)
		assert.True(t, i.Dead())
		_, err = i.Message(message("body"))
		assert.ErrorContains(t, err, "the instance has ended")
	}
}

func TestTheDeadlineIsThatOfAWholeRun(t *testing.T) {
	i := run(t, programOf(t, importPoll, `
		(i32.store (i32.const 48) (i32.const 1)) (i64.store (i32.const 56) (i64.const 30000000))
		(loop (drop (call $poll (i32.const 32) (i32.const 128) (i32.const 1) (i32.const 256))) (br 0))`))
	_, err := i.Message(message("body"))
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestOutputBeyondItsLimitIsAFailure(t *testing.T) {
	const emit40000 = `(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 1024) (i32.const 40000) (i32.const 0) (i32.const 0)))`
	for name, body := range map[string]string{
		"writing until there is no room": `
			(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 30000))
			(loop (br_if 0 (i32.ne (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (i32.const 51))))`,
		"writing, then emitting": `(call $say (i32.const 1024) (i32.const 40000))` + emit40000,
	} {
		i := run(t, programOf(t, importEmit, body))
		_, err := i.Message(message("body"))
		e := guestError(t, err)
		assert.Equal(t, module.KindFailed, e.Kind, name)
		assert.Contains(t, e.Message, "limits.emitKiBPerCall", name)
		assert.Empty(t, i.Effects().Emitted)
		assert.False(t, i.Dead())
	}
}

func TestWhatAProgramEmitsIsSentBeforeItsOutput(t *testing.T) {
	i := run(t, programOf(t, importEmit, `(call $say (i32.const 22) (i32.const 4))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 0)))`))
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, []string{"first", "last"}, bodies(i))

	i = run(t, programOf(t, importEmit, `(drop (call $emit (i32.const 0) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 0) (i32.const 0)))`))
	verdict, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, module.Done, verdict, "something was sent")
}

func TestTheStateOfAProgramSurvivesItsRuns(t *testing.T) {
	i := start(t, compile(t, programOf(t, importSet+`(import "edge" "state_get" (func $get (param i32 i32 i32 i32) (result i32)))`, `
		(drop (call $get (i32.const 16) (i32.const 1) (i32.const 64) (i32.const 1)))
		(i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 64)) (i32.const 1)))
		(drop (call $set (i32.const 16) (i32.const 1) (i32.const 64) (i32.const 1)))
		(call $say (i32.const 64) (i32.const 1))`)), wasm.Options{State: map[string][]byte{"f": {'a'}}})
	for _, want := range []string{"b", "c", "d"} {
		_, err := i.Message(message("body"))
		require.NoError(t, err)
		assert.Equal(t, []string{want}, bodies(i))
		assert.Equal(t, []module.StateChange{{Key: "f", Value: []byte(want)}}, i.Effects().State)
	}
}

// environmentGuest writes its environment to standard output, as WASI hands it out.
func environmentGuest(t testing.TB) []byte {
	return programOf(t, importEnv, `
		(if (call $sizes (i32.const 64) (i32.const 68)) (then (unreachable)))
		(if (call $environ (i32.const 1024) (i32.const 8192)) (then (unreachable)))
		(if (i32.load (i32.const 64)) (then (if (i32.ne (i32.load (i32.const 1024)) (i32.const 8192)) (then (unreachable)))))
		(call $say (i32.const 8192) (i32.load (i32.const 68)))`)
}

func TestTheEnvironmentTellsSignalSettingsAndProperties(t *testing.T) {
	i := start(t, compile(t, environmentGuest(t)), wasm.Options{Env: map[string]string{"ZONE": "a"}})
	_, err := i.Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, []string{"ZONE=a\x00EDGE_SIGNAL=signal\x00EDGE_SETTINGS={}\x00"}, bodies(i))

	require.NoError(t, i.Configure([]byte(`{"signal":"signal","partition":"","settings":{"high": 7}}`)))
	assert.Empty(t, i.Effects().Emitted)
	_, err = i.Message(module.Message{Properties: module.Properties{{Name: "$.mid", Value: "1"}, {Name: "a b", Value: "x=y"}, {Name: "empty", Value: ""}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"ZONE=a\x00EDGE_SIGNAL=signal\x00EDGE_SETTINGS={\"high\": 7}\x00PROPERTY_$.mid=1\x00PROPERTY_a b=x=y\x00PROPERTY_empty=\x00"}, bodies(i))
}

func TestAPropertyThatIsNoVariableIsLeftOut(t *testing.T) {
	i := run(t, environmentGuest(t))
	_, err := i.Message(module.Message{Properties: module.Properties{
		{Name: "nul\x00", Value: "1"}, {Name: "value", Value: "\x00"}, {Name: "a=b", Value: "1"}, {Name: "good", Value: "1"}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"EDGE_SIGNAL=signal\x00EDGE_SETTINGS={}\x00PROPERTY_good=1\x00"}, bodies(i))
}

func TestTheOnlyArgumentIsTheGuestsName(t *testing.T) {
	i := run(t, programOf(t, importArgs, `
		(if (call $args_sizes (i32.const 64) (i32.const 68)) (then (unreachable)))
		(if (i32.ne (i32.load (i32.const 64)) (i32.const 1)) (then (unreachable)))
		(if (call $args (i32.const 72) (i32.const 80)) (then (unreachable)))
		(call $say (i32.load (i32.const 72)) (i32.load (i32.const 68)))`))
	_, err := i.Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, []string{"guest\x00"}, bodies(i))
}

func TestSettingsThatAreNoJSONAreRefused(t *testing.T) {
	i := run(t, environmentGuest(t))
	assert.Equal(t, module.KindRefused, guestError(t, i.Configure([]byte(`{"settings":`))).Kind)
	_, err := i.Message(message(""))
	require.NoError(t, err)
	assert.Equal(t, []string{"EDGE_SIGNAL=signal\x00EDGE_SETTINGS={}\x00"}, bodies(i), "the old ones are at work")
}

func TestTheMemoryOfAProgramIsThatOfItsLastRun(t *testing.T) {
	i := run(t, programOf(t, "", `(drop (memory.grow (i32.const 3)))`))
	assert.Zero(t, i.Memory(), "nothing has run")
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, int64(8*64<<10), i.Memory())
	i.Close()
	assert.Zero(t, i.Memory())
}

func TestAnInstanceOfAProgramOutlivesItsGuest(t *testing.T) {
	guest := compile(t, programOf(t, importRead, echoStart))
	i := start(t, guest, wasm.Options{})
	guest.Close()
	_, err := i.Message(message("body"))
	require.NoError(t, err)
	assert.Equal(t, []string{"body"}, bodies(i))
	_, err = guest.Start(wasm.Options{Limits: limits()})
	assert.ErrorContains(t, err, "the guest has been closed")
}

func TestFilesThatARunLeavesOpenAreClosed(t *testing.T) {
	i := start(t, compile(t, programOf(t, `
		(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))`, `
		(if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 1) (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 64))
			(then (unreachable)))
		(if (i32.ne (i32.load (i32.const 64)) (i32.const 4)) (then (unreachable)))`)), wasm.Options{Limits: fileLimits(), Files: t.TempDir()})
	for range 100 {
		_, err := i.Message(message("body"))
		require.NoError(t, err)
	}
}

func TestACProgramFiltersByItsSettings(t *testing.T) {
	i := run(t, above(t))
	require.NoError(t, i.Configure([]byte(`{"settings":{"high":20}}`)))
	for body, want := range map[string][]string{`{"value":21.5}` + "\n": {`{"value":21.5}` + "\n"}, `{"value":19}`: nil} {
		_, err := i.Message(message(body))
		require.NoError(t, err)
		assert.Equal(t, want, bodies(i))
	}
	_, err := i.Message(message(`{"temperature":1}`))
	assert.EqualError(t, err, `run guest "guest" for signal "signal": failed: exit code 1; last words: "no value in {\"temperature\":1}"`)
}

func TestARunAllocatesNothing(t *testing.T) {
	i, m := run(t, above(t)), message(`{"value":21.5}`)
	m.Properties = sample().Properties
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		_, _ = i.Message(m)
		i.Effects()
	}))
}

func TestRunsLeaveNothingBehind(t *testing.T) {
	i := run(t, above(t))
	resident := func() int64 {
		text, err := os.ReadFile("/proc/self/statm")
		require.NoError(t, err)
		pages, err := strconv.ParseInt(strings.Fields(string(text))[1], 10, 64)
		require.NoError(t, err)
		return pages * int64(os.Getpagesize())
	}
	var before int64
	for n := range 2000 {
		if n == 500 {
			before = resident()
		}
		_, err := i.Message(message(`{"value":21.5}`))
		require.NoError(t, err)
	}
	assert.Less(t, resident()-before, int64(8<<20))
}

func TestABinaryThatIsOfBothInterfacesIsNoProgram(t *testing.T) {
	guest := compile(t, guestOf(t, "", `(func (export "_start") (unreachable))`, "(i32.const 1)"))
	assert.Equal(t, wasm.ABIEdge1, guest.ABI())
}

func BenchmarkCommand(b *testing.B) {
	for name, binary := range map[string][]byte{"c": above(b), "empty": programOf(b, "", "")} {
		b.Run(name, func(b *testing.B) {
			i, m := run(b, binary), sample()
			m.Body = []byte(`{"signal":"press1","value":21.5,"unit":"Cel","sourceTimestamp":"2026-01-02T03:04:05.678Z"}` + "\n")
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Message(m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// settle bounds what tests wait for.
const settle = 10 * time.Second
