// Package wasm runs guests: it embeds Wasmtime over a binding of its own, and is the only package with cgo.
//
// A [Host] compiles binaries into guests and keeps the clock of their deadlines. A [Guest] is compiled once and has
// any number of instances. An [Instance] belongs to one signal: it has its own memory, state and limits. A call into
// it (Message, Tick, Configure) is one crossing into C and a transaction: what the guest emits, stores and counts can
// be read from [Instance.Effects] after a call that ended well, and is gone after one that did not.
//
//	host, err := wasm.New()
//	guest, err := host.Compile("threshold", binary, spec.Limits)
//	instance, err := guest.Start(wasm.Options{Signal: "press1", Limits: spec.Limits})
//	verdict, err := instance.Message(message)
//
// Nothing that a guest does ends the process: every way a call can end badly is a *module.GuestError. After one whose
// [Instance.Dead] is true the instance must be closed; the next one starts afresh.
//
// # Concurrency
//
// Host and Guest may be used from any goroutine. An Instance belongs to one goroutine at a time. No more calls run at
// once than there are processors; others wait for a slot, and their deadline starts when they have it.
package wasm

/*
#include <stdlib.h>
#include "host.h"
#cgo CFLAGS: -O2 -Wall
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/bytecodealliance/wasmtime-go/v39" // brings the static library
)

// Version is the version of the embedded Wasmtime.
const Version = "39.0.1"

// maxStack bounds the Wasm stack in bytes: it is part of the thread's, which the C library may have made 2 MiB small.
const maxStack = 1 << 20

// tick is how often the epoch strikes while calls run, and so the precision of a deadline.
const tick = 2 * time.Millisecond

// Host holds the engines that guests run on.
type Host struct {
	slots int64         // calls that may run at once: one for each processor
	busy  atomic.Int64  // calls that run, and those that wait for a slot
	freed chan struct{} // slots on their way from a call that ends to one that waits; capacity: all slots, so it is never full

	wake  chan struct{} // capacity 1: there are calls again; the count is read, not the events
	done  chan struct{} // closed by Close
	ended sync.WaitGroup

	mu      sync.Mutex // guards engines
	engines map[int]*engine
}

// engine is one configuration of Wasmtime. The size of the Wasm stack is an engine's, so guests with another one have
// another engine.
type engine struct {
	engine *C.wasm_engine_t
	linker *C.wasmtime_linker_t
}

// New returns a Host with its epoch ticker running. Close ends it.
func New() (*Host, error) {
	h := &Host{
		slots:   int64(runtime.GOMAXPROCS(0)),
		freed:   make(chan struct{}, runtime.GOMAXPROCS(0)),
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		engines: make(map[int]*engine),
	}
	h.ended.Go(h.strike)
	return h, nil
}

// Close ends the ticker and frees the engines, once. All guests and instances must have been closed before.
func (h *Host) Close() {
	close(h.done)
	h.ended.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for stack, e := range h.engines {
		C.wasmtime_linker_delete(e.linker)
		C.wasm_engine_delete(e.engine)
		delete(h.engines, stack)
	}
}

// engineFor returns the engine with the given Wasm stack, in bytes. Wasmtime aborts the process where it is none.
func (h *Host) engineFor(stack int) (*engine, error) {
	if stack <= 0 || stack > maxStack {
		return nil, fmt.Errorf("make engine: a stack of %d bytes is not between 1 and %d", stack, maxStack)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.engines[stack]; e != nil {
		return e, nil
	}
	e := &engine{engine: C.woe_engine_new(C.size_t(stack))}
	var detail C.woe_buffer
	e.linker = C.woe_linker_new(e.engine, &detail)
	if e.linker == nil {
		C.wasm_engine_delete(e.engine)
		return nil, errors.New("link host functions: " + takeText(&detail))
	}
	h.engines[stack] = e
	return e, nil
}

// enter takes a slot, or waits for one, and makes sure that the epoch strikes. One addition is all that calls which need
// not wait have in common: a lock here would cost them the second processor.
func (h *Host) enter() {
	switch n := h.busy.Add(1); {
	case n == 1:
		select {
		case h.wake <- struct{}{}:
		default: // it is awake, or will be
		}
	case n > h.slots:
		<-h.freed
	}
}

// leave gives the slot to a call that waits, if there is one.
func (h *Host) leave() {
	if h.busy.Add(-1) >= h.slots {
		h.freed <- struct{}{}
	}
}

// strike increments the epoch of all engines every tick while calls run, and sleeps while none do.
func (h *Host) strike() {
	for {
		select {
		case <-h.done:
			return
		case <-h.wake:
		}
		ticker := time.NewTicker(tick)
		for h.busy.Load() > 0 {
			select {
			case <-h.done:
				ticker.Stop()
				return
			case <-ticker.C:
				h.increment()
			}
		}
		ticker.Stop()
	}
}

func (h *Host) increment() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.engines {
		C.wasmtime_engine_increment_epoch(e.engine)
	}
}
