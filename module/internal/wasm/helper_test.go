package wasm_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// Imports of inline guests.
const (
	importEmit = `(import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))`
	importLog  = `(import "edge" "log" (func $log (param i32 i32 i32)))`
	importSet  = `(import "edge" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))`
	importFail = `(import "edge" "fail" (func $fail (param i32 i32)))`
)

// compiler are the arguments with which this program compiles.
var compiler = []string{"compile"}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == compiler[0] {
		syscall.Exit(wasm.CompilerMain(os.Args[2:])) // os.Exit would have the race detector wait for a second
	}
	if len(os.Args) > 2 && os.Args[1] == "fill" {
		os.Exit(fillProcess(os.Args[2]))
	}
	if len(os.Args) > 2 && os.Args[1] == "confine" {
		confine(os.Args[2], os.Args[3:])
	}
	if len(os.Args) > 2 && os.Args[1] == "end" {
		endBadly(os.Args[2])
	}
	os.Exit(m.Run())
}

// endBadly ends this process as a compiler may: a shell takes its place, because Go has signals end it in its own way.
func endBadly(how string) {
	script := "echo first words >&2; echo last words >&2; case $0 in SIG*) kill -${0#SIG} $$;; hang) exec sleep 60;; esac; exit 7"
	_ = syscall.Exec("/bin/sh", []string{"sh", "-c", script, how}, nil)
}

func limits() module.Limits {
	return module.Limits{
		Memory: 4 << 20, Deadline: 50 * time.Millisecond, Start: 500 * time.Millisecond, Stack: 128 << 10,
		EmitsPerCall: 16, EmitBytesPerCall: 64 << 10, LogLinesPerMinute: 60, Storage: 4 << 10,
	}
}

func newHost(t testing.TB) *wasm.Host {
	host, err := wasm.New(wasm.Config{Compiler: compiler})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	return host
}

// file returns the binary of wasm-guests/testdata/name.wat.
func file(t testing.TB, name string) []byte {
	text, err := os.ReadFile(filepath.Join("../../../wasm-guests/testdata", name+".wat"))
	require.NoError(t, err)
	return wat(t, string(text))
}

func wat(t testing.TB, text string) []byte {
	binary, err := wasmtime.Wat2Wasm(text)
	require.NoError(t, err)
	return binary
}

// guestOf returns the binary of an edge/1 guest with the given imports, further fields, and body of edge_message, which
// knows its $ptr and $len.
func guestOf(t testing.TB, imports, fields, message string) []byte {
	return wat(t, `(module `+imports+` (memory (export "memory") 5) `+fields+`
		(func (export "edge_alloc") (param $size i32) (result i32)
			(select (i32.const 1024) (i32.const 0) (i32.le_u (local.get $size) (i32.const 326656))))
		(func $edge_message (export "edge_message") (param $ptr i32) (param $len i32) (result i32) `+message+`))`)
}

func compile(t testing.TB, binary []byte) *wasm.Guest {
	guest, err := newHost(t).Compile(t.Context(), "guest", binary, limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	return guest
}

func start(t testing.TB, guest *wasm.Guest, o wasm.Options) *wasm.Instance {
	if o.Limits == (module.Limits{}) {
		o.Limits = limits()
	}
	o.Signal = "signal"
	instance, err := guest.Start(o)
	require.NoError(t, err)
	t.Cleanup(instance.Close)
	return instance
}

// run starts an instance of binary with the limits of [limits].
func run(t testing.TB, binary []byte) *wasm.Instance {
	return start(t, compile(t, binary), wasm.Options{})
}

func message(body string) module.Message { return module.Message{Body: []byte(body)} }

// guestError returns err as what every error of a guest is.
func guestError(t testing.TB, err error) *module.GuestError {
	t.Helper()
	e, ok := errors.AsType[*module.GuestError](err)
	require.True(t, ok, "want a *module.GuestError, have %v", err)
	return e
}

// bodies returns what the last call emitted.
func bodies(i *wasm.Instance) (all []string) {
	for _, m := range i.Effects().Emitted {
		all = append(all, string(m.Body))
	}
	return all
}

func logs(i *wasm.Instance) (all []string) {
	for line := range i.Logs() {
		all = append(all, line.Text)
	}
	return all
}
