package wasm

/*
#include "host.h"
*/
import "C"

import (
	"context"
	"fmt"
	"runtime/cgo"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/httpabi"
)

// moduleHTTP is what guests import the functions from.
const moduleHTTP = "wasi_experimental_http"

// httpImports are the host functions of wasi_experimental_http.
var httpImports = functions{moduleHTTP: {
	"req":             "(i32, i32, i32, i32, i32, i32, i32, i32, i32, i32) → i32",
	"close":           "(i32) → i32",
	"header_get":      "(i32, i32, i32, i32, i32, i32) → i32",
	"headers_get_all": "(i32, i32, i32, i32) → i32",
	"body_read":       "(i32, i32, i32, i32) → i32",
}}

// outward is what an instance of a guest that sends requests has of its own.
type outward struct {
	responses *httpabi.Responses
	ctx       context.Context // of the calls: with it ends what waits
	handle    cgo.Handle      // by which C knows the instance
}

// usesHTTP reports whether the guest imports any of the functions.
func (g *Guest) usesHTTP() bool {
	for _, i := range g.info.Imports {
		if i.Module == moduleHTTP {
			return true
		}
	}
	return false
}

// openHTTP lets a new instance send requests.
func (i *Instance) openHTTP(ctx context.Context, client httpabi.Client) {
	if !i.guest.usesHTTP() {
		return
	}
	if ctx == nil {
		ctx = context.Background()
	}
	i.http = &outward{ctx: ctx, handle: cgo.NewHandle(i), responses: httpabi.New(httpabi.Config{Client: client, Wait: i.wait, Log: i.logHTTP})}
	i.c.host = C.uintptr_t(i.http.handle)
}

func (i *Instance) closeHTTP() {
	if i.http != nil {
		i.http.handle.Delete()
		i.http = nil
	}
}

// wait runs what waits for a server: the slot of the call is another one's meanwhile. A service has none.
func (i *Instance) wait(f func()) {
	if i.serves {
		f()
		return
	}
	i.leave()
	defer i.enter()
	f()
}

func (i *Instance) logHTTP(text string) {
	line := []byte(text)
	C.woe_log(i.c, levelWarn, bytesOf(line), C.size_t(len(line)))
}

// woeHTTP answers a call of one of the functions. It runs on the goroutine that called the guest.
//
//export woeHTTP
func woeHTTP(host C.uintptr_t, function C.int32_t, arguments *C.uint32_t, memory *C.uint8_t, size C.size_t) (code C.int32_t) {
	i := cgo.Handle(host).Value().(*Instance)
	defer func() {
		if reason := recover(); reason != nil { // a panic must not meet the engine's frames
			i.logHTTP(fmt.Sprintf("internal error in %s: %v", moduleHTTP, reason))
			code = C.int32_t(httpabi.RuntimeError)
		}
	}()
	bytes := unsafe.Slice((*byte)(memory), int(size))
	return C.int32_t(i.http.answer(int(function), unsafe.Slice((*uint32)(arguments), 10), bytes))
}

// The functions, as http.c numbers them.
const (
	httpRequest = iota
	httpClose
	httpBodyRead
	httpHeaderGet
	httpHeadersGetAll
)

func (o *outward) answer(function int, a []uint32, memory []byte) httpabi.Code {
	switch r := o.responses; function {
	case httpRequest:
		return r.Request(o.ctx, memory, httpabi.Arguments{URL: a[0], URLLen: a[1], Method: a[2], MethodLen: a[3],
			Headers: a[4], HeadersLen: a[5], Body: a[6], BodyLen: a[7], Status: a[8], Handle: a[9]})
	case httpClose:
		return r.Close(a[0])
	case httpBodyRead:
		return r.BodyRead(memory, a[0], a[1], a[2], a[3])
	case httpHeaderGet:
		return r.HeaderGet(memory, a[0], a[1], a[2], a[3], a[4], a[5])
	case httpHeadersGetAll:
		return r.HeadersGetAll(memory, a[0], a[1], a[2], a[3])
	}
	return httpabi.RuntimeError
}
