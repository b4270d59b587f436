package wasm

/*
#include "host.h"
*/
import "C"

import (
	"errors"
	"fmt"
)

// settings are what engines differ in. Code runs only on an engine with the settings that it was compiled with.
type settings struct {
	stack int // bytes
}

// String is how settings are handed to the compiler, and part of what compiled code is kept under.
func (s settings) String() string { return fmt.Sprintf("stack=%d", s.stack) }

// parseSettings is the inverse of String.
func parseSettings(text string) (s settings, err error) {
	if _, err := fmt.Sscanf(text, "stack=%d", &s.stack); err != nil {
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
	return &engine{settings: s, engine: C.woe_engine_new(C.size_t(s.stack))}, nil
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
