package main

/*
#include "loop.h"
#cgo CFLAGS: -O2 -Wall
#cgo noescape compare_loop_pass
#cgo noescape compare_loop_process
*/
import "C"

import (
	"errors"
	"unsafe"
)

// newTwoCLoops is the variant that shares the messages out between two loops in two goroutines: what the machine has
// to give at that time.
func newTwoCLoops(name string) (*variant, error) {
	var loops variants
	for range 2 {
		if _, err := loops.add(newCLoop(name, passes, false)); err != nil {
			loops.close()
			return nil, err
		}
	}
	run := func(n int) error {
		return together(2, func(at int) error { return loops.opened[at].run((n + 1) / 2) })
	}
	return newVariant(name, run, func() []byte { return message }, loops.close)
}

// newCLoop is the variant that makes all calls in one crossing into C: with edge1 those of an edge/1 guest that passes
// its message on, otherwise those of plain.wat, whose output it copies.
func newCLoop(name string, guest edge, edge1 bool) (*variant, error) {
	binary, err := guest.binary()
	if err != nil {
		return nil, err
	}
	loop := C.compare_loop_new(bytesOf(binary), C.size_t(len(binary)))
	if loop == nil {
		return nil, errors.New("start the C loop: the guest cannot be used")
	}
	run := func(n int) error {
		if ok := edge1 && bool(C.compare_loop_pass(loop, bytesOf(message), C.size_t(len(message)), C.size_t(n))); ok {
			return nil
		}
		if ok := !edge1 && bool(C.compare_loop_process(loop, bytesOf(message), C.size_t(len(message)), C.size_t(n))); ok {
			return nil
		}
		return errEnded
	}
	output := func() []byte {
		if edge1 {
			return message
		}
		var n C.size_t
		at := C.compare_loop_output(loop, &n)
		return unsafe.Slice((*byte)(unsafe.Pointer(at)), int(n))
	}
	return newVariant(name, run, output, func() { C.compare_loop_delete(loop) })
}

func bytesOf(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(b))) }
