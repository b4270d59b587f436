package main

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

var (
	//go:embed scan.wat
	scan string
	//go:embed plain.wat
	plain string
	//go:embed extism.wat
	extismText string
)

// message is what all guests are given: 200 bytes, the number behind the first half.
var message = fmt.Appendf(nil, `{"signal":"press1Temp","partition":"line-7","time":"2026-01-01T00:00:00.000Z","source":"opc","seq":12345,"v":73,"quality":"good"%s}`,
	strings.Repeat(" ", 71))

// edge is an edge/1 guest: whether it scans a message before it answers, and what it does then.
type edge struct {
	scans  bool
	answer string
}

const (
	pass = `(i32.const 1)`
	emit = `(drop (call $emit (i32.const 0) (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 0) (i32.const 0)))`
	set  = `(drop (call $set (i32.const 0) (i32.const 1) (local.get $ptr) (i32.const 8)))`
	done = `(i32.const 2)`
)

// The guests: those that scan, and two that do no work of their own, so that the host's share stands alone.
var (
	passes = edge{true, pass}
	emits  = edge{true, emit + done}
	keeps  = edge{true, emit + set + done}

	passesUnseen = edge{false, pass}
	keepsUnseen  = edge{false, emit + set + done}
)

const imports = `
  (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "edge" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))`

// binary returns the guest, which has the interface of plain.wat too. One that only passes imports nothing, so that any
// host can run it.
func (e edge) binary() ([]byte, error) {
	head, body := "", e.answer
	if e.answer != pass {
		head = imports
	}
	if e.scans {
		body = `(if (result i32) (i32.eq (call $scan (local.get $ptr) (local.get $len)) (i32.const 1))
			(then ` + body + `) (else (i32.const 0)))`
	}
	return wasmtime.Wat2Wasm(`(module ` + head + ` (memory (export "memory") 5) (data (i32.const 0) "k") ` + scan + plain + `
		(func (export "edge_alloc") (param i32) (result i32) (i32.const 1024))
		(func (export "edge_message") (param $ptr i32) (param $len i32) (result i32) ` + body + `))`)
}

// extismGuest returns the binary of the plug-in for Extism.
func extismGuest() ([]byte, error) {
	return wasmtime.Wat2Wasm(strings.Replace(extismText, "  ;; scan.wat\n", scan, 1))
}
