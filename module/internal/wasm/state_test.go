package wasm_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// does runs a script and requires that the host answers so.
func does(t *testing.T, i *wasm.Instance, script, answers string) {
	t.Helper()
	_, err := i.Message(message(script))
	require.NoError(t, err)
	require.Equal(t, []string{answers}, bodies(i))
}

func TestACallSeesItsOwnWrites(t *testing.T) {
	i := run(t, scriptGuest(t))
	does(t, i, op('g', "k", "")+op('s', "k", "one")+op('g', "k", "")+op('s', "k", "longer")+op('g', "k", "")+op('d', "k", "")+op('g', "k", "")+op('d', "k", ""),
		answer(-1, "")+answer(0, "")+answer(3, "one")+answer(0, "")+answer(6, "longer")+answer(0, "")+answer(-1, "")+answer(0, ""))
	assert.Equal(t, []module.StateChange{{Key: "k", Value: []byte{}, Delete: true}}, i.Effects().State)
}

func TestStateStaysForTheNextCallAndIsReported(t *testing.T) {
	i := run(t, scriptGuest(t))
	does(t, i, op('s', "a", "1")+op('s', "", "no name")+op('s', "empty", ""), strings.Repeat(answer(0, ""), 3))
	assert.Equal(t, []module.StateChange{{Key: "a", Value: []byte("1")}, {Key: "", Value: []byte("no name")}, {Key: "empty", Value: []byte{}}}, i.Effects().State)
	does(t, i, op('g', "a", "")+op('g', "", "")+op('g', "empty", ""), answer(1, "1")+answer(7, "no name")+answer(0, ""))
	assert.Empty(t, i.Effects().State, "reading changes nothing")
}

func TestACallThatFailsIsRolledBack(t *testing.T) {
	i := run(t, scriptGuest(t))
	does(t, i, op('s', "kept", "old")+op('s', "also", "old"), strings.Repeat(answer(0, ""), 2))
	_, err := i.Message(message(op('s', "kept", "new") + op('d', "also", "") + op('s', "fresh", "x") + op('f', "", "")))
	require.Equal(t, module.KindFailed, guestError(t, err).Kind)
	assert.Empty(t, i.Effects().State)
	does(t, i, op('g', "kept", "")+op('g', "also", "")+op('g', "fresh", ""), answer(3, "old")+answer(3, "old")+answer(-1, ""))
}

func TestStateOutlivesItsInstance(t *testing.T) {
	guest := compile(t, scriptGuest(t))
	i := start(t, guest, wasm.Options{State: map[string][]byte{"k": []byte("v"), "empty": nil}})
	assert.Empty(t, i.Effects().State, "what was kept is no change")
	does(t, i, op('g', "k", "")+op('g', "empty", ""), answer(1, "v")+answer(0, ""))
}

func TestTheQuotaHolds(t *testing.T) {
	const cost = 64 // of an entry, besides its bytes
	i := run(t, scriptGuest(t))
	quota := int(limits().Storage)
	exactly := strings.Repeat("x", quota-cost-1)
	does(t, i, op('s', "k", exactly+"x")+op('s', "k", exactly)+op('s', "l", "")+op('s', "k", "less")+op('s', "l", ""),
		answer(-1, "")+answer(0, "")+answer(-1, "")+answer(0, "")+answer(0, ""))

	var script, answers strings.Builder
	for n := range 100 {
		script.WriteString(op('s', fmt.Sprintf("%03d", n), ""))
		code := int32(0)
		if n >= (quota-2*cost-len("k")-len("less")-len("l"))/(cost+3) {
			code = -1
		}
		answers.WriteString(answer(code, ""))
	}
	does(t, i, script.String(), answers.String())
}

func TestASmallerQuotaLosesNothing(t *testing.T) {
	kept := strings.Repeat("x", int(limits().Storage))
	i := start(t, compile(t, scriptGuest(t)), wasm.Options{State: map[string][]byte{"k": []byte(kept), "l": []byte("1")}})
	does(t, i, op('g', "k", "")+op('s', "l", "2")+op('g', "l", ""), answer(int32(len(kept)), kept)+answer(-1, "")+answer(1, "1"))
	does(t, i, op('d', "k", "")+op('s', "l", "2")+op('g', "l", ""), answer(0, "")+answer(0, "")+answer(1, "2"))
}

// Setting and deleting in turn, in one call or in many, must not grow the host: neither in the journal nor in keys of
// entries that are gone.
func TestDeletedStateCostsTheHostNothing(t *testing.T) {
	l := limits()
	l.Storage, l.Deadline = 1<<20, 5*time.Second
	i := start(t, compile(t, guestOf(t, importSet+`(import "edge" "state_delete" (func $delete (param i32 i32) (result i32)))`,
		"(global $n (mut i32) (i32.const 0))", `(local $k i32)
		(loop (global.set $n (i32.add (global.get $n) (i32.const 1))) (i32.store (i32.const 0) (global.get $n))
			(drop (call $set (i32.const 0) (i32.const 131072) (i32.const 0) (i32.const 0))) ;; a new key of 128 KiB
			(drop (call $delete (i32.const 0) (i32.const 131072)))
			(br_if 0 (i32.lt_u (local.tee $k (i32.add (local.get $k) (i32.const 1))) (i32.const 1000)))) (i32.const 1)`)), wasm.Options{Limits: l})
	before := resident(t)
	for range 5 {
		_, err := i.Message(message("body"))
		require.NoError(t, err)
	}
	assert.Less(t, resident(t)-before, 32<<20, "5,000 keys of 128 KiB under a quota of 1 MiB")
}

// resident returns the process's resident memory in bytes.
func resident(t *testing.T) int {
	runtime.GC()
	statm, err := os.ReadFile("/proc/self/statm")
	require.NoError(t, err)
	var size, pages int
	_, err = fmt.Sscan(string(statm), &size, &pages)
	require.NoError(t, err)
	return pages * os.Getpagesize()
}
