package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/httpabi"
)

// Guest is a compiled binary. It stays usable until Close, which must come before the Host's; instances outlive it.
type Guest struct {
	host   *Host
	name   module.GuestName
	info   *binary.Info
	abi    *abi
	engine *engine
	file   string // in the cache of compiled code; "" where it is in none
	cached bool   // the code was there already

	mu       sync.RWMutex // held by starts against Close
	compiled *C.wasmtime_module_t
	prepared *C.wasmtime_instance_pre_t // nil after Close
}

// Compile checks that the binary is a guest which this host runs, and takes its machine code from the cache or has it
// compiled for the limits' stack, by a process of its own. An error is a *module.GuestError. Compiling takes milliseconds
// for a guest of kilobytes and seconds for one of megabytes; it has a minute, and ends with ctx.
func (h *Host) Compile(ctx context.Context, name module.GuestName, wasm []byte, limits module.Limits) (*Guest, error) {
	refuse := func(kind module.GuestErrorKind, reason string) (*Guest, error) {
		return nil, &module.GuestError{Guest: name, Op: "compile", Kind: kind, Message: reason}
	}
	if len(wasm) > maxBinary {
		return refuse(module.KindInvalid, fmt.Sprintf("it is %.1f MiB long, at most %d MiB are taken", mib(int64(len(wasm))), maxBinary>>20))
	}
	info, err := Inspect(wasm)
	if err != nil {
		return refuse(module.KindInvalid, err.Error())
	}
	e, err := h.engineFor(settingsFor(info, len(wasm), limits))
	if err != nil {
		return refuse(module.KindHost, err.Error())
	}
	g := &Guest{host: h, name: name, info: info, engine: e, abi: abiOf(info)}
	if err := g.obtain(ctx, wasm); err != nil {
		err.Guest = name
		return nil, err
	}
	var detail C.woe_buffer
	if g.prepared = C.woe_prepare(e.linker, g.compiled, &detail); g.prepared == nil {
		g.unload()
		return refuse(module.KindInvalid, takeText(&detail))
	}
	return g, nil
}

// ABI returns the interface that the guest has: ABIEdge1, ABICommand, ABIPost or ABIInit.
func (g *Guest) ABI() string { return g.abi.name }

// Endless reports whether the guest runs for ever: it can be nothing but a service, which needs a private directory.
func (g *Guest) Endless() bool { return g.abi.endless }

// HasTimer reports whether the guest can be bound to a timer. A program runs with nothing on its standard input then.
func (g *Guest) HasTimer() bool {
	if g.abi.program {
		return !g.abi.endless
	}
	_, ok := g.info.Export(binary.Func, "edge_timer")
	return ok
}

// Close frees the compiled code once the last instance is closed too. It waits for starts that are under way; later ones
// are refused.
func (g *Guest) Close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.prepared == nil {
		return
	}
	C.wasmtime_instance_pre_delete(g.prepared)
	g.prepared = nil
	g.unload()
}

// Options are what an instance is started with.
type Options struct {
	Signal module.SignalName
	Limits module.Limits
	Env    map[string]string // for WASI guests
	State  map[string][]byte // what the signal kept
	// Files is the signal's private directory, made where it is missing; "" gives the guest no files. What lies in it counts
	// against limits.Storage, apart from the state, and what a call writes stays written if the call fails.
	Files string
	// HTTP is what the guest reaches over HTTP; nil: nothing. It is asked on the goroutine that calls the instance, which has
	// given its slot back.
	HTTP httpabi.Client
	// Context is that of all calls: when it ends a request ends, and with it the call that waits for it, by an error. nil:
	// it does not end. A service has that of its Run instead.
	Context context.Context
}

// Start instantiates the guest and runs its _initialize, within limits.Start. An error is a *module.GuestError. State
// that exceeds limits.Storage is kept; the guest can set nothing before it has deleted enough. Of a program nothing runs
// before its first message.
func (g *Guest) Start(o Options) (*Instance, error) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	if g.abi.endless {
		return nil, &module.GuestError{Guest: g.name, Signal: o.Signal, Op: "instantiate", Kind: module.KindInvalid,
			Message: "it is a guest of " + g.abi.name + ", which runs for ever", Hint: "serve it"}
	}
	i, err := g.newInstance(o)
	if err != nil {
		return nil, err
	}
	if g.abi.program {
		return i, nil
	}
	i.enter()
	end := C.woe_start(i.c, g.engine.engine, g.prepared, C.int64_t(startDeadline(o.Limits)))
	i.leave()
	if err := i.failure("instantiate", end); err != nil {
		i.Close()
		return nil, err
	}
	return i, nil
}

// newInstance returns an instance in which nothing runs yet. It is called with g.mu held.
func (g *Guest) newInstance(o Options) (*Instance, error) {
	refuse := func(kind module.GuestErrorKind, reason, hint string) (*Instance, error) {
		return nil, &module.GuestError{Guest: g.name, Signal: o.Signal, Op: "instantiate", Kind: kind, Message: reason, Hint: hint}
	}
	if g.prepared == nil {
		return refuse(module.KindHost, "the guest has been closed", "")
	}
	split, err := splitMemory(g.info, o.Limits.Memory)
	if err != nil {
		return refuse(module.KindMemory, err.Error(), "raise limits.memoryMiB")
	}
	i := &Instance{guest: g, signal: o.Signal, limits: o.Limits, room: roomFor(g.engine.settings, o.Limits.Memory)}
	if reason, hint := g.host.admission.take(i.room); reason != "" {
		return refuse(module.KindMemory, reason, hint)
	}
	if i.c = newInstance(o.Limits, split, environment(o.Env)); i.c == nil {
		g.host.admission.giveBack(i.room)
		return refuse(module.KindHost, "the host has no memory left", "")
	}
	i.openHTTP(o.Context, o.HTTP)
	if g.abi.program {
		err = i.prepareProgram(o.Env)
	}
	if err == nil {
		err = i.load(o.State)
	}
	if err != nil {
		i.Close()
		return refuse(module.KindHost, err.Error(), "")
	}
	if o.Files != "" {
		if err := i.openFiles(o.Files); err != nil {
			i.Close()
			return refuse(module.KindHost, err.Error(), "")
		}
	}
	return i, nil
}

// load gives a new instance the state that its signal kept.
func (i *Instance) load(state map[string][]byte) error {
	for key, value := range state {
		if !C.woe_state_load(&i.c.state, bytesOf([]byte(key)), C.uint32_t(len(key)), bytesOf(value), C.uint32_t(len(value))) {
			return fmt.Errorf("load state %q: the host has no memory left", key)
		}
	}
	return nil
}

// newInstance returns C's part of an instance, or nil where the host has no memory.
func newInstance(limits module.Limits, split memorySplit, env []byte) *C.woe_instance {
	c := C.woe_limits{
		memory_bytes:   C.int64_t(split.memory),
		table_elements: C.int64_t(split.tableElements),
		state_bytes:    C.int64_t(limits.Storage),
		emits:          C.uint32_t(limits.EmitsPerCall),
		emit_bytes:     C.uint32_t(limits.EmitBytesPerCall),
	}
	i := C.woe_instance_new(&c, (*C.char)(unsafe.Pointer(bytesOf(env))), C.size_t(len(env)))
	if i != nil {
		i.state.seed = [2]C.uint64_t{C.uint64_t(rand.Uint64()), C.uint64_t(rand.Uint64())}
	}
	return i
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

// startDeadline is the time that instantiation has, and a configuration: for a Go guest they set its runtime up.
func startDeadline(limits module.Limits) time.Duration { return max(limits.Start, limits.Deadline) }

// bytesOf returns the address of b for C; it may be nil where b is empty.
func bytesOf(b []byte) *C.uint8_t {
	return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b)))
}

// takeText returns what C wrote into a buffer of its own, and frees it.
func takeText(b *C.woe_buffer) string {
	text := string(viewOf(b))
	C.free(unsafe.Pointer(b.data))
	b.data, b.len, b.cap = nil, 0, 0
	return text
}

// viewOf returns the bytes of a buffer in C's memory, valid until C writes to it again.
func viewOf(b *C.woe_buffer) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(b.data)), int(b.len))
}
