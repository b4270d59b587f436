// Package wasm runs guests: it embeds Wasmtime over a binding of its own, and is the only package with cgo.
//
// A [Host] compiles binaries into guests and keeps the clock of their deadlines. A [Guest] is compiled once and has
// any number of instances. An [Instance] belongs to one signal: it has its own memory, state and limits. A call into
// it (Message, Tick, Configure) is one crossing into C and a transaction: what the guest emits, stores and counts can
// be read from [Instance.Effects] after a call that ended well, and is gone after one that did not.
//
//	host, err := wasm.New(wasm.Config{Compiler: []string{"compile"}, Cache: "/var/lib/wasm-on-edge/compiled"})
//	guest, err := host.Compile(ctx, "threshold", binary, spec.Limits)
//	instance, err := guest.Start(wasm.Options{Signal: "press1", Limits: spec.Limits})
//	verdict, err := instance.Message(message)
//
// A guest is of edge/1, or it is a WASI command: a program, which runs afresh for each call of Message or Tick, or for long
// as a [Service], which speaks through its standard streams. The guests of 2022, which came before edge/1, are always services:
// those that IoT Hub was told of over HTTP, and those whose host functions were described in WIT.
//
// Nothing that a guest does ends the process: every way a call can end badly is a *module.GuestError. After one whose
// [Instance.Dead] is true the instance must be closed; the next one starts afresh.
//
// Compiling is the work of a child process, with limits on time, memory and size: this program, started once more with
// [Config.Compiler], which calls [CompilerMain]. The code that it makes is kept in a cache on disk and mapped from there.
//
// # Concurrency
//
// Host and Guest may be used from any goroutine. An Instance belongs to one goroutine at a time. No more calls run at
// once than there are processors; others wait for a slot, and their deadline starts when they have it. A Service has a
// thread of its own beside them, that of the goroutine in Run; its share of a processor is limited instead.
package wasm

/*
#include <stdlib.h>
#include "host.h"
#cgo CFLAGS: -O2 -Wall
*/
import "C"

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/bytecodealliance/wasmtime-go/v39" // brings the static library

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/topics"
)

// Version is the version of the embedded Wasmtime.
const Version = "39.0.0"

// maxStack bounds the Wasm stack in bytes: it is part of the thread's, which the C library may have made 2 MiB small.
const maxStack = 1 << 20

// tick is how often the epoch strikes while calls run, and so the precision of a deadline.
const tick = 2 * time.Millisecond

// Host holds the engines that guests run on.
type Host struct {
	slots *slots

	striking atomic.Bool
	wake     chan struct{} // capacity 1: who sets striking sends, and the receiver clears it, so it is never full
	done     chan struct{} // closed by Close
	ended    sync.WaitGroup

	compilers   *compilers
	cache       *cache
	admission   *admission
	directories *directories
	topics      *topics.Bus

	services services
	compiles compiles

	mu      sync.Mutex // guards engines
	engines map[settings]*engine
}

// Config is what a Host needs.
type Config struct {
	// Compiler are the arguments with which this program calls [CompilerMain].
	Compiler []string
	// Cache is the directory of compiled code, which is this Host's alone and made where it is missing. The code in it is
	// run: nobody else may be able to write there. "" keeps code in memory, and for as long as its guest.
	Cache string
	// Memory is what the memory limits of all instances may come to, in bytes; 0 is 70 % of what this process may have.
	Memory int64
}

// New returns a Host with its epoch ticker running. Close ends it. An error is one of the cache's directory.
func New(c Config) (*Host, error) {
	cache, err := openCache(c.Cache)
	if err != nil {
		return nil, fmt.Errorf("open cache of compiled code: %w", err)
	}
	h := &Host{
		slots:       newSlots(runtime.GOMAXPROCS(0)),
		wake:        make(chan struct{}, 1),
		done:        make(chan struct{}),
		compilers:   &compilers{args: c.Compiler, slots: make(chan struct{}, compilersAtOnce()), time: compileTime},
		cache:       cache,
		admission:   newAdmission(c.Memory),
		directories: newDirectories(),
		topics:      topics.New(),
		engines:     make(map[settings]*engine),
	}
	h.ended.Go(h.strike)
	return h, nil
}

// compilersAtOnce is one below 1 GiB of memory, else two where there are as many processors.
func compilersAtOnce() int {
	if availableMemory() < 1<<30 {
		return 1
	}
	return min(2, runtime.GOMAXPROCS(0))
}

// PruneCache gives back so many bytes of compiled code in the cache's directory, as far as no guest uses it; what was not
// used for longest goes first.
func (h *Host) PruneCache(bytes int64) {
	if h.cache.dir != "" {
		h.cache.prune(bytes)
	}
}

// Close ends the tickers and frees the engines, once. All guests, instances and services must have been closed before.
func (h *Host) Close() {
	close(h.done)
	h.services.end()
	h.ended.Wait()
	h.directories.close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for s, e := range h.engines {
		e.close()
		delete(h.engines, s)
	}
}

// engineFor returns the engine with the given settings.
func (h *Host) engineFor(s settings) (*engine, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e := h.engines[s]; e != nil {
		return e, nil
	}
	e, err := newEngine(s)
	if err != nil {
		return nil, err
	}
	if err := e.link(); err != nil {
		e.close()
		return nil, err
	}
	h.engines[s] = e
	return e, nil
}

// enter takes a slot, the one at near if it is free, or waits for one, and makes sure that the epoch strikes.
func (h *Host) enter(near int) int {
	at := h.slots.enter(near)
	if !h.striking.Load() && h.striking.CompareAndSwap(false, true) {
		h.wake <- struct{}{}
	}
	return at
}

// leave gives the slot back.
func (h *Host) leave(at int) { h.slots.leave(at) }

// strike increments the epoch of all engines every tick while calls run, and sleeps while none do.
func (h *Host) strike() {
	for {
		select {
		case <-h.done:
			return
		case <-h.wake:
			h.strikeWhileBusy()
		}
	}
}

func (h *Host) strikeWhileBusy() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !h.rest() {
		select {
		case <-h.done:
			return
		case <-ticker.C:
			h.increment()
		}
	}
}

// rest stops striking unless calls run. A call that begins meanwhile looks whether the epoch strikes after it has its
// slot, and we look at the slots after it does not: one of us sees the other.
func (h *Host) rest() bool {
	if h.slots.busy() {
		return false
	}
	h.striking.Store(false)
	return !h.slots.busy() || !h.striking.CompareAndSwap(false, true)
}

func (h *Host) increment() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.engines {
		C.wasmtime_engine_increment_epoch(e.engine)
	}
}
