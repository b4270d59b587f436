package wasm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// hostFunctions are those that take pointers, with their parameters: i is an i32, I an i64, F an f64.
var hostFunctions = []struct{ from, name, params, result string }{
	{"edge", "emit", "iiiiii", "i"}, {"edge", "property", "iiii", "i"}, {"edge", "fail", "ii", ""}, {"edge", "log", "iii", ""},
	{"edge", "state_get", "iiii", "i"}, {"edge", "state_set", "iiii", "i"}, {"edge", "state_delete", "ii", "i"}, {"edge", "metric", "iiiF", ""},
	{"wasi_snapshot_preview1", "args_get", "ii", "i"}, {"wasi_snapshot_preview1", "args_sizes_get", "ii", "i"},
	{"wasi_snapshot_preview1", "environ_get", "ii", "i"}, {"wasi_snapshot_preview1", "environ_sizes_get", "ii", "i"},
	{"wasi_snapshot_preview1", "clock_res_get", "ii", "i"}, {"wasi_snapshot_preview1", "clock_time_get", "iIi", "i"},
	{"wasi_snapshot_preview1", "random_get", "ii", "i"}, {"wasi_snapshot_preview1", "fd_write", "iiii", "i"},
	{"wasi_snapshot_preview1", "fd_read", "iiii", "i"}, {"wasi_snapshot_preview1", "fd_seek", "iIii", "i"},
	{"wasi_snapshot_preview1", "fd_fdstat_get", "ii", "i"}, {"wasi_snapshot_preview1", "fd_fdstat_set_flags", "ii", "i"}, {"wasi_snapshot_preview1", "poll_oneoff", "iiii", "i"},
	{"wasi_snapshot_preview1", "path_open", "iiiiiIIii", "i"}, {"wasi_snapshot_preview1", "fd_prestat_get", "ii", "i"},
}

var watTypes = map[byte]string{'i': "i32", 'I': "i64", 'F': "f64"}

// pointerCalls returns the imports of the host functions, and code that takes the bytes at $ptr as the arguments of the one
// that the first byte chooses.
func pointerCalls() (string, string) {
	var imports, calls strings.Builder
	for n, f := range hostFunctions {
		fmt.Fprintf(&imports, `(import %q %q (func $f%d (param`, f.from, f.name, n)
		fmt.Fprintf(&calls, `(if (i32.eq (i32.rem_u (i32.load8_u (local.get $ptr)) (i32.const %d)) (i32.const %d)) (then (call $f%d`, len(hostFunctions), n, n)
		for at, p := range []byte(f.params) {
			fmt.Fprintf(&imports, " %s", watTypes[p])
			fmt.Fprintf(&calls, ` (%s.load offset=%d (local.get $ptr))`, watTypes[p], 1+4*at)
		}
		imports.WriteString(")")
		if f.result != "" {
			imports.WriteString(" (result i32)")
			calls.WriteString(") (drop")
		}
		imports.WriteString("))")
		calls.WriteString(")))")
	}
	return imports.String(), calls.String()
}

func pointerGuest(t testing.TB) []byte {
	imports, calls := pointerCalls()
	return guestOf(t, imports, "", calls+"(i32.const 1)")
}

// pointerProgram takes what it reads as pointerGuest takes its message.
func pointerProgram(t testing.TB) []byte {
	imports, calls := pointerCalls()
	return programOf(t, imports+importRead, `(local $ptr i32)
		(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 128))
		(drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
		(local.set $ptr (i32.const 1024))`+calls)
}

func FuzzPointers(f *testing.F) { fuzzPointers(f, pointerGuest(f)) }

func FuzzPointersOfAProgram(f *testing.F) { fuzzPointers(f, pointerProgram(f)) }

func fuzzPointers(f *testing.F, binary []byte) {
	for n := range hostFunctions {
		for _, arguments := range []string{"", "\x00\x00\x00\x00", "\xff\xff\xff\xff", "\x00\x00\x05\x00\x00\x00\x00\x00", "\xff\xff\x04\x00\x01\x00\x00\x00", "\x00\x04\x00\x00\x10\x00\x00\x00"} {
			f.Add(append([]byte{byte(n)}, strings.Repeat(arguments, 8)...))
		}
	}
	l := limits()
	l.Deadline = 4 * time.Millisecond
	options := wasm.Options{Limits: l, Env: map[string]string{"NAME": "value"}}
	guest := compile(f, binary)
	i := start(f, guest, options)
	f.Fuzz(func(t *testing.T, arguments []byte) {
		if len(arguments) == 0 || len(arguments) > 64 {
			t.Skip("more than any function takes")
		}
		began := time.Now()
		_, err := i.Message(module.Message{Body: append(slices.Clone(arguments), make([]byte, 64)...), Properties: module.Properties{{Name: "", Value: "p"}}})
		require.Less(t, time.Since(began), time.Second)
		for range i.Logs() {
		}
		i.Effects()
		if err != nil {
			kind := guestError(t, err).Kind
			require.True(t, kind == module.KindABI || kind == module.KindDeadline && hostFunctions[int(arguments[0])%len(hostFunctions)].name == "poll_oneoff", "%v", err)
			require.True(t, i.Dead())
			i.Close()
			i, err = guest.Start(options)
			require.NoError(t, err)
		}
	})
}
