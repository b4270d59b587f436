package wasm

/*
#include "host.h"
*/
import "C"

import (
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// ABIs lists the interfaces that this host speaks, for the reported properties.
const ABIs = ABIEdge1 + "," + ABICommand + "," + ABIPost + "," + ABIInit

// The interfaces that a guest may have.
const (
	ABIEdge1   = "edge/1"
	ABICommand = "wasi/command"          // a program: it runs from its _start to its end
	ABIPost    = "2022/post_iot_message" // it tells IoT Hub by wasi_experimental_http, for ever
	ABIInit    = "2022/init"             // it has the host functions that were described in WIT, and runs for ever
)

// abi is an interface as a binary shows it, and as errors speak of it.
type abi struct {
	name    string
	not     string // what a binary is that has not all of it
	exports []export
	imports []functions // of the host, besides WASI's
	message string      // the ways into a guest
	timer   string
	program bool // it has an entry, from which it runs to its end
	endless bool // which does not come by itself: it is a service
	entry   C.woe_main
}

// functions are the types of host functions, by the module that they are imported from and their names.
type functions map[string]map[string]string

// export is a function of an interface, with its type.
type export struct {
	name, typ string
	required  bool
}

var edge1 = &abi{name: ABIEdge1, not: "not an edge/1 guest", exports: []export{
	{"edge_alloc", "(i32) → i32", true},
	{"edge_message", "(i32, i32) → i32", true},
	{"edge_configure", "(i32, i32) → i32", false},
	{"edge_timer", "() → i32", false},
	{"_initialize", "()", false},
}, imports: []functions{edge1Imports, httpImports}, message: "call edge_message of", timer: "call edge_timer of"}

var command = &abi{name: ABICommand, not: "not a WASI command that runs here", exports: []export{{"_start", "()", true}},
	imports: []functions{edge1Imports, httpImports}, message: "run", timer: "run", program: true, entry: C.WOE_START}

var post = &abi{name: ABIPost, not: "not a guest of 2022 that runs here", exports: []export{
	{"post_iot_message", "()", true},
	{"_initialize", "()", false},
}, imports: []functions{httpImports}, program: true, endless: true, entry: C.WOE_POST}

// postNumber is how the very first of them was: with a number that said nothing.
var postNumber = &abi{name: ABIPost, not: post.not, exports: []export{
	{"post_iot_message", "(i32)", true},
	{"_initialize", "()", false},
}, imports: post.imports, program: true, endless: true, entry: C.WOE_POST}

var initialized = &abi{name: ABIInit, not: "not a guest of 2022 that runs here", exports: []export{
	{"init", "(i32, i32)", true},
	{"canonical_abi_realloc", "(i32, i32, i32, i32) → i32", true},
	{"canonical_abi_free", "(i32, i32, i32)", false},
	{"_initialize", "()", false},
}, imports: []functions{initImports, httpImports}, program: true, endless: true, entry: C.WOE_INIT}

// edge1Imports are the host functions of edge/1, with their types.
var edge1Imports = functions{"edge": {
	"emit":         "(i32, i32, i32, i32, i32, i32) → i32",
	"property":     "(i32, i32, i32, i32) → i32",
	"fail":         "(i32, i32)",
	"log":          "(i32, i32, i32)",
	"now":          "() → i64",
	"state_get":    "(i32, i32, i32, i32) → i32",
	"state_set":    "(i32, i32, i32, i32) → i32",
	"state_delete": "(i32, i32) → i32",
	"metric":       "(i32, i32, i32, f64)",
}}

// ABIOf names the interface of a binary in which Inspect found nothing wrong.
func ABIOf(info *binary.Info) string { return abiOf(info).name }

// abiOf returns the interface that a binary seems to have. What has edge_message is of edge/1, whatever else it exports, and
// an entry of 2022 comes before _start, which its linker may have added.
func abiOf(info *binary.Info) *abi {
	has := func(name string) bool { _, ok := info.Export(binary.Func, name); return ok }
	switch {
	case has("edge_message"):
	case has("post_iot_message"):
		if e, _ := info.Export(binary.Func, "post_iot_message"); e.Type == "(i32)" {
			return postNumber
		}
		return post
	case has("init") && importsOf2022(info):
		return initialized
	case has("_start"):
		return command
	}
	return edge1
}

// importsOf2022 reports whether a binary imports from one of the modules of initImports, or exchanges strings as its guests
// do: one that imports nothing of them is one too.
func importsOf2022(info *binary.Info) bool {
	for _, i := range info.Imports {
		if initImports[i.Module] != nil {
			return true
		}
	}
	e, _ := info.Export(binary.Func, "init")
	_, realloc := info.Export(binary.Func, "canonical_abi_realloc")
	return realloc && (e.Type == "(i32, i32)" || e.Type == initWithSocket)
}

// typeOf returns the type of a host function that the interface has.
func (a *abi) typeOf(i binary.Import) (typ string, known bool) {
	if i.Module == moduleWASI {
		typ, known = wasiImports[i.Name]
	}
	for _, imports := range a.imports {
		if t, ok := imports[i.Module][i.Name]; ok {
			typ, known = t, true
		}
	}
	return typ, known
}
