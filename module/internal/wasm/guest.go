package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"runtime"
	"slices"
	"time"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// Guest is a compiled binary. It stays usable until Close; instances outlive it.
type Guest struct {
	host     *Host
	name     module.GuestName
	info     *binary.Info
	engine   *engine
	compiled *C.wasmtime_module_t
	prepared *C.wasmtime_instance_pre_t
}

// Compile checks that the binary is a guest which this host runs, and compiles it for the limits' stack. An error is
// a *module.GuestError of kind invalid (or host). Compiling takes milliseconds for a guest of kilobytes and seconds for
// one of megabytes; it cannot be interrupted.
func (h *Host) Compile(name module.GuestName, wasm []byte, limits module.Limits) (*Guest, error) {
	refuse := func(kind module.GuestErrorKind, reason string) (*Guest, error) {
		return nil, &module.GuestError{Guest: name, Op: "compile", Kind: kind, Message: reason}
	}
	info, err := Inspect(wasm)
	if err != nil {
		return refuse(module.KindInvalid, err.Error())
	}
	e, err := h.engineFor(limits.Stack)
	if err != nil {
		return refuse(module.KindHost, err.Error())
	}
	g := &Guest{host: h, name: name, info: info, engine: e}
	var detail C.woe_buffer
	if g.compiled = C.woe_compile(e.engine, bytesOf(wasm), C.size_t(len(wasm)), &detail); g.compiled == nil {
		return refuse(module.KindInvalid, takeText(&detail))
	}
	if g.prepared = C.woe_prepare(e.linker, g.compiled, &detail); g.prepared == nil {
		C.wasmtime_module_delete(g.compiled)
		return refuse(module.KindInvalid, takeText(&detail))
	}
	return g, nil
}

// HasTimer reports whether the guest can be bound to a timer.
func (g *Guest) HasTimer() bool {
	_, ok := g.info.Export(binary.Func, "edge_timer")
	return ok
}

// Close frees the compiled code once the last instance is closed too.
func (g *Guest) Close() {
	C.wasmtime_instance_pre_delete(g.prepared)
	C.wasmtime_module_delete(g.compiled)
}

// Options are what an instance is started with.
type Options struct {
	Signal module.SignalName
	Limits module.Limits
	Env    map[string]string // for WASI guests
	State  map[string][]byte // what the signal kept
}

// Start instantiates the guest and runs its _initialize, within limits.Start. An error is a *module.GuestError.
func (g *Guest) Start(o Options) (*Instance, error) {
	if err := checkLimits(g.info, o.Limits); err != nil {
		return nil, &module.GuestError{Guest: g.name, Signal: o.Signal, Op: "instantiate", Kind: module.KindMemory,
			Message: err.Error(), Hint: "raise limits.memoryMiB"}
	}
	i := &Instance{guest: g, signal: o.Signal, limits: o.Limits}
	i.c = newInstance(g.engine, o.Limits, environment(o.Env))
	for key, value := range o.State {
		C.woe_state_set(&i.c.state, bytesOf([]byte(key)), C.uint32_t(len(key)), bytesOf(value), C.uint32_t(len(value)))
	}
	C.woe_state_commit(&i.c.state)

	g.host.enter()
	end := C.woe_start(i.c, g.prepared, C.int64_t(o.Limits.Start))
	g.host.leave()
	if err := i.failure("instantiate", end); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

func newInstance(e *engine, limits module.Limits, env []byte) *C.woe_instance {
	c := C.woe_limits{
		memory_bytes:   C.int64_t(limits.Memory),
		table_elements: C.int64_t(max(limits.Memory/64, 1<<14)),
		state_bytes:    C.int64_t(limits.Storage),
		emits:          C.uint32_t(limits.EmitsPerCall),
		emit_bytes:     C.uint32_t(limits.EmitBytesPerCall),
	}
	return C.woe_instance_new(e.engine, &c, (*C.char)(unsafe.Pointer(bytesOf(env))), C.size_t(len(env)))
}

// environment encodes variables as WASI hands them out: "NAME=value\0" after each other, by name.
func environment(env map[string]string) []byte {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	var block []byte
	for _, name := range names {
		block = append(append(append(append(block, name...), '='), env[name]...), 0)
	}
	return block
}

// startDeadline is the time that a first configuration has, which for a Go guest includes setting its runtime up.
func startDeadline(limits module.Limits) time.Duration { return max(limits.Start, limits.Deadline) }

// bytesOf returns the address of b for C; it may be nil where b is empty.
func bytesOf(b []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b)))
}

// takeText returns what C wrote into a buffer of its own, and frees it.
func takeText(b *C.woe_buffer) string {
	defer runtime.KeepAlive(b)
	text := string(viewOf(b))
	C.free(unsafe.Pointer(b.data))
	b.data, b.len, b.cap = nil, 0, 0
	return text
}

// viewOf returns the bytes of a buffer in C's memory, valid until C writes to it again.
func viewOf(b *C.woe_buffer) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(b.len))
}
