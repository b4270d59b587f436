package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Cached reports whether the guest's code came from the cache.
func (g *Guest) Cached() bool { return g.cached }

// obtain loads the guest's code from the cache, or compiles it. The error has no guest's name.
func (g *Guest) obtain(ctx context.Context, binary []byte) *module.GuestError {
	key := key(binary, g.engine.settings)
	if g.loadCached(key) {
		return nil
	}
	c := g.host.compilers
	if err := c.acquire(ctx); err != nil {
		return err
	}
	defer c.release()
	if g.loadCached(key) { // while this one waited
		return nil
	}
	begun := time.Now()
	err := g.compile(ctx, key, binary)
	g.host.compiles.took(begun, err == nil)
	return err
}

// loadCached loads the code that is in the cache. What the engine refuses, of another build of it perhaps, is removed.
func (g *Guest) loadCached(key string) bool {
	file := g.host.cache.find(key)
	if file == nil {
		return false
	}
	if err := g.load(file); err != nil {
		g.host.cache.discard(file)
		return false
	}
	g.cached = true
	g.host.compiles.cached.Add(1)
	return true
}

// compile has the code made, in memory at first: a disk that is full keeps no guest from running.
func (g *Guest) compile(ctx context.Context, key string, binary []byte) *module.GuestError {
	file, err := newCode()
	if err != nil {
		return compileError(module.KindHost, err.Error(), "")
	}
	if err := g.host.compilers.run(ctx, binary, g.engine.settings, file.File); err != nil {
		_ = file.Close()
		return err
	}
	file = g.host.cache.keep(file, key)
	if err := g.load(file); err != nil {
		g.host.cache.discard(file)
		return compileError(module.KindHost, err.Error(), "")
	}
	return nil
}

// load maps the code of a file, and closes it: the mapping stays. The path is that of the open file, so that what is
// mapped is what was checked.
func (g *Guest) load(file *code) error {
	path := C.CString(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	defer C.free(unsafe.Pointer(path))
	var detail C.woe_buffer
	if g.compiled = C.woe_load(g.engine.engine, path, &detail); g.compiled == nil {
		return errors.New("load compiled code: " + takeText(&detail))
	}
	g.file = file.name
	_ = file.Close() // nothing was written through it
	return nil
}

// unload frees the code once the last instance is closed too.
func (g *Guest) unload() {
	C.wasmtime_module_delete(g.compiled)
	g.compiled = nil
	if g.file != "" {
		g.host.cache.letGo(g.file)
	}
}
