package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"encoding/json"
	"errors"
	"strings"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// prepareProgram makes a new instance one of a program: it has no functions to call but its entry, and gets all that it needs
// to know with each run. Message and Tick are a fresh run each, which command.c has.
func (i *Instance) prepareProgram(env map[string]string) error {
	name := C.CString(string(i.guest.name))
	defer C.free(unsafe.Pointer(name))
	if !C.woe_program_new(i.c, i.guest.engine.engine, i.guest.engine.linker, i.guest.compiled, i.guest.abi.entry, name) {
		return errors.New(strings.TrimSpace("prepare program: " + string(viewOf(&i.c.detail))))
	}
	i.env = env
	return i.setEnvironment(json.RawMessage("{}"))
}

// configureProgram keeps the settings for the runs to come.
func (i *Instance) configureProgram(document []byte) error {
	i.c.effects.len, i.c.logs.len, i.c.logs_dropped, i.c.took_ns = 0, 0, 0, 0 // this is a call too, in which nothing runs
	var d struct{ Settings json.RawMessage }
	if err := json.Unmarshal(document, &d); err != nil {
		return i.newError("configure", module.KindRefused, "its settings are no JSON: "+err.Error())
	}
	if len(d.Settings) == 0 {
		d.Settings = json.RawMessage("{}")
	}
	if err := i.setEnvironment(d.Settings); err != nil {
		return i.newError("configure", module.KindHost, err.Error())
	}
	return nil
}

// setEnvironment sets what the next run finds in its environment, besides the properties of its message. What was granted
// comes first, so that it is what getenv finds.
func (i *Instance) setEnvironment(settings json.RawMessage) error {
	block := environment(i.env)
	block = append(append(append(block, "EDGE_SIGNAL="...), i.signal...), 0)
	block = append(append(append(block, "EDGE_SETTINGS="...), settings...), 0)
	if !C.woe_set_environment(i.c, (*C.char)(unsafe.Pointer(bytesOf(block))), C.size_t(len(block))) {
		return errors.New("set environment: the host has no memory left")
	}
	return nil
}
