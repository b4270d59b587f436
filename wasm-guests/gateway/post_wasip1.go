package main

import (
	"fmt"
	"unsafe"
)

//go:wasmimport wasi_experimental_http req
func hostRequest(url, method, headers string, body unsafe.Pointer, bodyLen uint32, status, handle unsafe.Pointer) uint32

//go:wasmimport wasi_experimental_http close
func hostClose(handle uint32) uint32

// post sends a request and waits for its answer, of which it needs the status alone.
func post(r request) (int, error) {
	var status uint16 // the host writes two bytes
	var handle uint32
	code := hostRequest(r.url, "POST", "Content-Type:"+r.contentType+"\n", unsafe.Pointer(unsafe.SliceData(r.body)), uint32(len(r.body)),
		unsafe.Pointer(&status), unsafe.Pointer(&handle))
	if code != 0 {
		return 0, fmt.Errorf("post message: code %d of wasi_experimental_http", code)
	}
	hostClose(handle)
	return int(status), nil
}
