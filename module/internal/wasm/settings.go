package wasm

/*
#include "host.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"math/bits"
	"runtime"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// settings are what engines differ in. Code runs only on an engine with the settings that it was compiled with.
type settings struct {
	stack       int // bytes
	reservation int // bytes of address space for a memory; 0 is Wasmtime's 4 GiB
}

// A guest is small if it begins with little memory, as those of C, Rust and AssemblyScript do, and has little code. It gets
// an engine that reserves little address space, so that thousands fit. What that costs, bounds checks and a move where
// memory grows beyond the reservation, a small guest does not feel; a Go guest takes half as long again, and could not
// share the pages that it begins with.
const (
	smallBinary = 512 << 10
	smallPages  = 17      // 1 MiB of stack, as Rust's linker gives by default, and a page of data
	smallGrowth = 1 << 20 // bytes of address space that a memory gets beyond its size when it is moved
	page        = 64 << 10
)

// settingsFor returns the settings that suit a guest best. Small memories lie close together: a table of pages spans
// 2 MiB, and takes 4 KiB for as little as one page in use. The steps are powers of two, so that there are few engines.
func settingsFor(info *binary.Info, size int, limits module.Limits) settings {
	s := settings{stack: limits.Stack}
	if runtime.GOARCH == "arm64" {
		return s // the pinned Wasmtime miscompiles heap accesses there (CVE-2026-34971): keep to guard pages, check nothing in code
	}
	if size <= smallBinary && info.Memory != nil && info.Memory.Min <= smallPages {
		s.reservation = page << bits.Len64(info.Memory.Min) // a page more than it begins with, at least
	}
	return s
}

// String is how settings are handed to the compiler, and part of what compiled code is kept under.
func (s settings) String() string {
	return fmt.Sprintf("stack=%d,reservation=%d", s.stack, s.reservation)
}

// parseSettings is the inverse of String.
func parseSettings(text string) (s settings, err error) {
	if _, err := fmt.Sscanf(text, "stack=%d,reservation=%d", &s.stack, &s.reservation); err != nil {
		return settings{}, fmt.Errorf("read settings %q: %w", text, err)
	}
	return s, nil
}

// engine is one configuration of Wasmtime, with what its guests may import.
type engine struct {
	settings
	engine *C.wasm_engine_t
	linker *C.wasmtime_linker_t
}

// newEngine returns an engine without a linker. Wasmtime aborts the process where a stack is none.
func newEngine(s settings) (*engine, error) {
	if s.stack <= 0 || s.stack > maxStack {
		return nil, fmt.Errorf("make engine: a stack of %d bytes is not between 1 and %d", s.stack, maxStack)
	}
	return &engine{settings: s, engine: C.woe_engine_new(C.size_t(s.stack), C.uint64_t(s.reservation), smallGrowth)}, nil
}

// link adds what guests may import.
func (e *engine) link() error {
	var detail C.woe_buffer
	if e.linker = C.woe_linker_new(e.engine, &detail); e.linker == nil {
		return errors.New("link host functions: " + takeText(&detail))
	}
	return nil
}

func (e *engine) close() {
	if e.linker != nil {
		C.wasmtime_linker_delete(e.linker)
	}
	C.wasm_engine_delete(e.engine)
}
