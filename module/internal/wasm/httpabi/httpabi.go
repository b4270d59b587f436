// Package httpabi is the host's side of wasi_experimental_http, the functions by which guests have sent HTTP requests since
// 2021, on a guest's memory as a slice of bytes: it knows nothing of the engine.
//
// A guest imports five functions. [Responses.Request] sends a request, waits for its response and gives that a handle; the
// others read what the handle stands for, and close it. Each returns a [Code]. The guest allocates all memory; texts are
// UTF-8, numbers little-endian, the status has two bytes. Headers are "name:value\n" for each, both ways. Source: the crate
// wasi-experimental-http-wasmtime 0.10.0, whose codes, and whose order of checks, are kept. Where that crate panics these
// functions return a code.
//
// # Concurrency
//
// Responses belong to one instance, and so to one goroutine at a time.
package httpabi

import (
	"context"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
)

// Code is what a function returns.
type Code int32

// The codes of the crate. NoMemory is a guest that exports none.
const (
	Success          Code = 0
	InvalidHandle    Code = 1
	NoMemory         Code = 2
	MemoryAccess     Code = 3
	BufferTooSmall   Code = 4
	HeaderNotFound   Code = 5
	NotUTF8          Code = 6
	NotAllowed       Code = 7
	InvalidMethod    Code = 8
	InvalidEncoding  Code = 9
	InvalidURL       Code = 10
	RequestFailed    Code = 11
	RuntimeError     Code = 12
	TooManyResponses Code = 13
)

// CalledOff is none of the guest's: its context ended while it waited, and the call is to end with it.
const CalledOff Code = -1

// Bounds of an instance. Guests of that time were given 42 responses at once.
const (
	maxOpen    = 64
	maxBytes   = 4 << 20  // bytes of the responses that are open, together
	maxHeaders = 64 << 10 // bytes of a request's headers
)

// Client is what a guest may reach.
type Client interface {
	// Check returns an error where the guest may not send requests to an address.
	Check(*url.URL) error
	// Do sends a request and follows redirects. The header's names are spelled as the guest spells them. An error that is
	// fs.ErrPermission is a destination that is not allowed.
	Do(*http.Request) (*http.Response, error)
}

// Config is what Responses need.
type Config struct {
	Client Client            // nil: nothing is allowed
	Wait   func(func())      // runs what waits for a server
	Log    func(text string) // takes what the codes do not tell
}

// Responses are those of an instance that its guest has not closed.
type Responses struct {
	config Config
	open   [maxOpen]*response // by their handles
	bytes  int                // of all of them
}

// New returns the responses of an instance that has none.
func New(c Config) *Responses { return &Responses{config: c} }

// CloseAll closes what the guest left open.
func (r *Responses) CloseAll() {
	clear(r.open[:])
	r.bytes = 0
}

// response is one that a guest may read.
type response struct {
	header http.Header
	body   []byte
	read   int // bytes of it that the guest has had
	bytes  int // that it counts
}

func (r *Responses) of(handle uint32) *response {
	if handle >= maxOpen {
		return nil
	}
	return r.open[handle]
}

// Close closes a response. The guests' library ends the guest where that fails, so a handle that is none is no error.
func (r *Responses) Close(handle uint32) Code {
	if response := r.of(handle); response != nil {
		r.bytes -= response.bytes
		r.open[handle] = nil
	}
	return Success
}

// BodyRead copies what comes next of a body: as much as there is, or there is room for; 0 bytes are its end.
func (r *Responses) BodyRead(memory []byte, handle, buffer, size, read uint32) Code {
	response := r.of(handle)
	if response == nil {
		return InvalidHandle
	}
	next := response.body[response.read:]
	next = next[:min(uint64(len(next)), uint64(size))]
	if !write(memory, buffer, next) || !writeNumber(memory, read, len(next)) {
		return MemoryAccess
	}
	response.read += len(next)
	return Success
}

// freeHandle returns the lowest handle that is free.
func (r *Responses) freeHandle() (handle int, ok bool) {
	handle = slices.Index(r.open[:], nil)
	return handle, handle >= 0
}

// slice returns a piece of memory, and false where it is not all inside. The pointer of an empty one may dangle.
func slice(memory []byte, pointer, size uint32) ([]byte, bool) {
	end := uint64(pointer) + uint64(size)
	if size == 0 {
		return nil, true
	}
	if end > uint64(len(memory)) {
		return nil, false
	}
	return memory[pointer:end:end], true
}

func write(memory []byte, pointer uint32, data []byte) bool {
	room, ok := slice(memory, pointer, uint32(len(data))) // no data here has 4 GiB
	copy(room, data)
	return ok
}

func writeNumber(memory []byte, pointer uint32, n int) bool {
	return write(memory, pointer, binary.LittleEndian.AppendUint32(nil, uint32(n)))
}

func writeStatus(memory []byte, pointer uint32, status int) bool {
	return write(memory, pointer, binary.LittleEndian.AppendUint16(nil, uint16(status)))
}

// Arguments are those of a request, in the order of the function's parameters.
type Arguments struct {
	URL, URLLen, Method, MethodLen, Headers, HeadersLen, Body, BodyLen, Status, Handle uint32
}

// Request sends a request and waits for its response. It may be called off by ctx.
func (r *Responses) Request(ctx context.Context, memory []byte, a Arguments) Code {
	handle, ok := r.freeHandle()
	if !ok {
		return TooManyResponses
	}
	request, code := r.read(memory, a)
	if code != Success {
		return code
	}
	status, response, code := r.send(request.WithContext(ctx))
	switch {
	case ctx.Err() != nil:
		return CalledOff
	case code != Success:
		return code
	case !writeStatus(memory, a.Status, status):
		return MemoryAccess
	case !writeNumber(memory, a.Handle, handle):
		return MemoryAccess
	}
	r.open[handle] = response
	r.bytes += response.bytes
	return Success
}
