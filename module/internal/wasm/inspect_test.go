package wasm_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func TestARefusalNamesAllThatIsWrongAtOnce(t *testing.T) {
	_, err := wasm.Inspect(wat(t, `(module
		(import "edge" "log" (func (param i32 i32)))
		(import "edge" "sing" (func))
		(import "env" "table" (table 1 funcref))
		(func (export "edge_alloc") (param i32 i32) (result i32) (i32.const 0))
		(func (export "edge_timer") (result i64) (i64.const 0))
		(func (export "_initialize") (param i32)))`))
	for _, finding := range []string{
		`it does not export a memory called "memory"`,
		"it exports edge_alloc as (i32, i32) → i32, which must be (i32) → i32",
		"it does not export edge_message (i32, i32) → i32",
		"it exports edge_timer as () → i64, which must be () → i32",
		"it exports _initialize as (i32), which must be ()",
		"it imports edge.log as (i32, i32), which is (i32, i32, i32)",
		"it imports edge.sing, which this host does not offer",
		"it imports env.table, which this host does not offer",
	} {
		assert.ErrorContains(t, err, finding)
	}
}

func TestABinaryThatLacksAnExportIsRefused(t *testing.T) {
	for name, missing := range map[string]string{
		"missing_alloc": "edge_alloc (i32) → i32", "missing_message": "edge_message (i32, i32) → i32", "missing_memory": `a memory called "memory"`,
	} {
		_, err := wasm.Inspect(file(t, name))
		assert.EqualError(t, err, "not an edge/1 guest: it does not export "+missing)
	}
	_, err := wasm.Inspect(file(t, "wrong_type"))
	assert.EqualError(t, err, "not an edge/1 guest: it exports edge_message as (i32) → i64, which must be (i32, i32) → i32")
}

func TestAnImportThatIsNotOfferedIsRefused(t *testing.T) {
	_, err := wasm.Inspect(file(t, "unknown_import"))
	assert.EqualError(t, err, "not an edge/1 guest: it imports env.launch, which this host does not offer")
	_, err = wasm.Inspect(file(t, "wrong_import_type"))
	assert.EqualError(t, err, "not an edge/1 guest: it imports edge.log as (i32, i32), which is (i32, i32, i32)")

	for imported, name := range map[string]string{
		`"wasi_snapshot_preview1" "fd_dance" (func)`:              "it imports wasi_snapshot_preview1.fd_dance, which this host does not offer",
		`"wasi_snapshot_preview1" "proc_exit" (func (param i64))`: "it imports wasi_snapshot_preview1.proc_exit as (i64), which is (i32)",
	} {
		_, err = newHost(t).Compile(t.Context(), "guest", guestOf(t, "(import "+imported+")", "", "(i32.const 1)"), limits())
		e := guestError(t, err)
		assert.Equal(t, module.KindInvalid, e.Kind)
		assert.Contains(t, e.Message, name)
	}
}

// wasiPreview1 are the functions of WASI preview 1, after its witx definitions.
const wasiPreview1 = `
	(import "wasi_snapshot_preview1" "args_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "args_sizes_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "clock_res_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "clock_time_get" (func (param i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "environ_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "environ_sizes_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_advise" (func (param i32 i64 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_allocate" (func (param i32 i64 i64) (result i32)))
	(import "wasi_snapshot_preview1" "fd_close" (func (param i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_datasync" (func (param i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_fdstat_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_fdstat_set_flags" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_fdstat_set_rights" (func (param i32 i64 i64) (result i32)))
	(import "wasi_snapshot_preview1" "fd_filestat_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_filestat_set_size" (func (param i32 i64) (result i32)))
	(import "wasi_snapshot_preview1" "fd_filestat_set_times" (func (param i32 i64 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_pread" (func (param i32 i32 i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_prestat_dir_name" (func (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_prestat_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_pwrite" (func (param i32 i32 i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_read" (func (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_readdir" (func (param i32 i32 i32 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_renumber" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_seek" (func (param i32 i64 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_sync" (func (param i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_tell" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_create_directory" (func (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_filestat_get" (func (param i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_filestat_set_times" (func (param i32 i32 i32 i32 i64 i64 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_link" (func (param i32 i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_open" (func (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_readlink" (func (param i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_remove_directory" (func (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_rename" (func (param i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_symlink" (func (param i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "path_unlink_file" (func (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "poll_oneoff" (func (param i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
	(import "wasi_snapshot_preview1" "proc_raise" (func (param i32) (result i32)))
	(import "wasi_snapshot_preview1" "random_get" (func (param i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "sched_yield" (func (result i32)))
	(import "wasi_snapshot_preview1" "sock_accept" (func (param i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "sock_recv" (func (param i32 i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "sock_send" (func (param i32 i32 i32 i32 i32) (result i32)))
	(import "wasi_snapshot_preview1" "sock_shutdown" (func (param i32 i32) (result i32)))`

func TestAllOfWASIPreview1IsOffered(t *testing.T) {
	compile(t, guestOf(t, wasiPreview1, "", "(i32.const 1)"))
}

func TestGuestsOfOtherHostsAreRecognised(t *testing.T) {
	for text, whose := range map[string]string{
		`(import "wasi_experimental_http" "req" (func))`:                 "a wasi-experimental-http guest with an entry of its own: rename that to _start or post_iot_message",
		`(import "hostobservability" "record" (func))`:                   "a guest with the WIT host functions of 2022",
		`(import "redpanda_transform" "read_batch_header" (func))`:       "a Redpanda data transform",
		`(import "env" "copy_records" (func (param i32 i32)))`:           "a Fluvio SmartModule",
		`(import "extism:host/env" "input_length" (func))`:               "an Extism plug-in",
		`(import "env" "extism_input_length" (func))`:                    "an Extism plug-in",
		`(import "wasi_config" "get-config" (func))`:                     "a Spin application",
		`(func (export "handle-http-request"))`:                          "a Spin application",
		`(import "env" "proxy_log" (func))`:                              "a proxy-wasm filter",
		`(func (export "proxy_on_vm_start"))`:                            "a proxy-wasm filter",
		`(import "wapc" "__guest_request" (func))`:                       "a waPC guest",
		`(import "env" "abort" (func (param i32 i32 i32 i32)))`:          "built by AssemblyScript with its abort hook: build with --use abort=",
		`(import "wasi_unstable" "fd_write" (func))`:                     "built for a draft of WASI from before 2020: build with newer tools",
		`(import "wasi_snapshot_preview1" "sock_open" (func))`:           "built for the sockets of WasmEdge",
		`(import "wasi:cli/environment@0.2.0" "get-environment" (func))`: "the core module of a component",
		`(import "gojs" "runtime.wasmExit" (func))`:                      "built by Go for a browser: build with GOOS=wasip1",
		`(import "wbg" "__wbg_log" (func))`:                              "built by wasm-bindgen for a browser: build for wasm32-wasip1",
		`(import "env" "emscripten_memcpy_big" (func))`:                  "built by Emscripten for a browser: build with the WASI SDK",
	} {
		_, err := wasm.Inspect(wat(t, "(module "+text+")"))
		assert.ErrorContains(t, err, "; it seems to be "+whose)
	}
	_, err := wasm.Inspect([]byte("\x00asm\x0d\x00\x01\x00"))
	assert.EqualError(t, err, "it is a WebAssembly component; components are not supported yet, build a core module")
}

func TestWhatIsNoBinaryIsRefused(t *testing.T) {
	host := newHost(t)
	whole := wat(t, `(module (memory (export "memory") 1) (func (export "edge_alloc") (param i32) (result i32) (i32.const 8))
		(func (export "edge_message") (param i32 i32) (result i32) (i32.const 1)))`)
	for name, bytes := range map[string][]byte{"nothing": nil, "text": []byte("(module)"), "an executable": []byte("\x7fELF\x02\x01\x01\x00"), "half a header": whole[:6]} {
		_, err := host.Compile(t.Context(), "guest", bytes, limits())
		assert.EqualError(t, err, `compile guest "guest": invalid: not a WebAssembly binary`, name)
	}
	for n := 8; n < len(whole); n++ {
		_, err := host.Compile(t.Context(), "guest", whole[:n], limits())
		require.Equal(t, module.KindInvalid, guestError(t, err).Kind, "%d of %d bytes", n, len(whole))
	}
}

func TestARefusalIsShort(t *testing.T) {
	var many strings.Builder
	for n := range 10_000 {
		fmt.Fprintf(&many, `(import "%s" "f%d" (func (param%s)))`, strings.Repeat("x\\1b", 200), n, strings.Repeat(" i32", 500))
	}
	_, err := wasm.Inspect(wat(t, "(module "+many.String()+")"))
	require.Error(t, err)
	assert.Less(t, len(err.Error()), 64<<10)
	assert.ErrorContains(t, err, "; and more")
	assert.NotContains(t, err.Error(), "\x1b")
}

func TestProposalsThatNoGuestNeedsAreOff(t *testing.T) {
	host := newHost(t)
	for name, field := range map[string]string{
		"threads":      `(memory 1 1 shared)`,
		"memory64":     `(memory i64 1)`,
		"many memory":  `(memory 1)`,
		"tail calls":   `(func $f (return_call $f))`,
		"exceptions":   `(tag)`,
		"gc":           `(type (struct (field i32)))`,
		"relaxed simd": `(func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0)))`,
	} {
		_, err := host.Compile(t.Context(), "guest", guestOf(t, "", field, "(i32.const 1)"), limits())
		require.Error(t, err, name)
		assert.Equal(t, module.KindInvalid, guestError(t, err).Kind, name)
	}
}
