package edge

import "unsafe"

// The host functions of the interface edge/1. The compiler passes a string as pointer and length; "noescape"
// is true of all of them, since the host keeps no pointer.

//go:wasmimport edge emit
//go:noescape
func importEmit(output, body, bag string) int32

//go:wasmimport edge property
//go:noescape
func importProperty(name string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport edge fail
//go:noescape
func importFail(reason string)

//go:wasmimport edge log
//go:noescape
func importLog(level int32, line string)

//go:wasmimport edge now
func importNow() int64

//go:wasmimport edge state_get
//go:noescape
func importStateGet(key string, buf unsafe.Pointer, size uint32) int32

//go:wasmimport edge state_set
//go:noescape
func importStateSet(key, value string) int32

//go:wasmimport edge state_delete
//go:noescape
func importStateDelete(key string) int32

//go:wasmimport edge metric
//go:noescape
func importMetric(kind int32, name string, value float64)

// sandbox is the [Imports] of a guest in its sandbox.
type sandbox struct{}

func (sandbox) Emit(output string, body, bag []byte) int32 {
	return importEmit(output, view(body), view(bag))
}

func (sandbox) Property(name string, buf []byte) int32 {
	return importProperty(name, unsafe.Pointer(unsafe.SliceData(buf)), uint32(len(buf)))
}

func (sandbox) StateGet(key string, buf []byte) int32 {
	return importStateGet(key, unsafe.Pointer(unsafe.SliceData(buf)), uint32(len(buf)))
}

func (sandbox) StateSet(key string, value []byte) int32       { return importStateSet(key, view(value)) }
func (sandbox) StateDelete(key string) int32                  { return importStateDelete(key) }
func (sandbox) Fail(reason string)                            { importFail(reason) }
func (sandbox) Log(level int32, line string)                  { importLog(level, line) }
func (sandbox) Now() int64                                    { return importNow() }
func (sandbox) Metric(kind int32, name string, value float64) { importMetric(kind, name, value) }

// view returns bytes as a string without a copy, for calls that only read it.
func view(bytes []byte) string { return unsafe.String(unsafe.SliceData(bytes), len(bytes)) }

// What the exports work on. A binary has one memory and one set of exports, so these are variables of the
// package; the host's rule of one call at a time guards them.
var (
	registered exports = NewInstance(Guest[struct{}]{}, sandbox{})
	input      []byte  // what edge_alloc hands out; kept here, so that it stays alive between the calls
)

// exports are the methods of an [Instance] of any settings.
type exports interface {
	Configure(document []byte) int32
	Message(body []byte) int32
	Timer() int32
}

// Register makes guest the one that the host drives. It is to be called once, in an init function: main does
// not run in a sandbox.
func Register[S any](guest Guest[S]) { registered = NewInstance(guest, sandbox{}) }

// edgeAlloc returns room for what the host hands in. One buffer does for all calls, since each is done with
// its input when it returns.
//
//go:wasmexport edge_alloc
func edgeAlloc(size uint32) unsafe.Pointer {
	// Above what edgeHub lets through (262,144 bytes) with room to spare: running out of memory would be a trap.
	const smallest, largest = 4 << 10, 1 << 20
	if size > largest {
		return nil
	}
	if int(size) > len(input) {
		input = make([]byte, max(size, smallest, uint32(min(2*len(input), largest))))
	}
	return unsafe.Pointer(unsafe.SliceData(input))
}

//go:wasmexport edge_configure
func edgeConfigure(document unsafe.Pointer, size uint32) int32 {
	return registered.Configure(unsafe.Slice((*byte)(document), size))
}

//go:wasmexport edge_message
func edgeMessage(body unsafe.Pointer, size uint32) int32 {
	return registered.Message(unsafe.Slice((*byte)(body), size))
}

//go:wasmexport edge_timer
func edgeTimer() int32 { return registered.Timer() }
