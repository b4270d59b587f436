package wasm

/*
#include "host.h"
*/
import "C"

import (
	"encoding/binary"
	"iter"
	"math"
	"strings"
	"unsafe"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// effects decodes what a call left behind. Everything in it points into the instance's buffers.
type effects struct {
	module.Effects
	decoded    bool
	properties module.Properties // what the emitted messages' properties are cut from
}

// Effects returns what the last call left behind, if it ended well. It points into the instance's buffers and is valid
// until the next call.
func (i *Instance) Effects() *module.Effects {
	if !i.effects.decoded && i.c != nil {
		i.effects.decode(viewOf(&i.c.effects))
	}
	return &i.effects.Effects
}

// Logs returns the lines that the guest logged in the last call, also in one that failed.
func (i *Instance) Logs() iter.Seq[module.LogLine] {
	return func(yield func(module.LogLine) bool) {
		if i.c == nil {
			return
		}
		for r := (records{viewOf(&i.c.logs)}); len(r.bytes) > 0; {
			level, text := int(r.uint32()), r.take(r.uint32())
			if !yield(module.LogLine{Level: level, Text: strings.ToValidUTF8(string(text), "�")}) {
				return
			}
		}
	}
}

// LogsDropped returns how many lines of the last call were too many to be kept.
func (i *Instance) LogsDropped() int {
	if i.c == nil {
		return 0
	}
	return int(i.c.logs_dropped)
}

// reset forgets what was decoded, also behind the ends of the slices: the collector must not meet an address that C has
// freed.
func (e *effects) reset() {
	clear(e.Emitted)
	clear(e.State)
	clear(e.Metrics)
	clear(e.properties)
	e.Emitted, e.State, e.Metrics, e.properties = e.Emitted[:0], e.State[:0], e.Metrics[:0], e.properties[:0]
	e.decoded = false
}

// decode reads the records that C wrote; see instance.c and edge1.c.
func (e *effects) decode(bytes []byte) {
	e.decoded = true
	for r := (records{bytes}); len(r.bytes) > 0; {
		switch kind := r.uint32(); kind {
		case C.WOE_EMIT:
			e.emitted(&r)
		case C.WOE_STATE_SET, C.WOE_STATE_DELETE:
			keyLen, valueLen := r.uint32(), r.uint32()
			e.State = append(e.State, module.StateChange{Key: text(r.take(keyLen)), Value: r.take(valueLen), Delete: kind == C.WOE_STATE_DELETE})
		case C.WOE_METRIC:
			kind, nameLen := int(r.uint32()), r.uint32()
			value := math.Float64frombits(binary.NativeEndian.Uint64(r.take(8)))
			e.Metrics = append(e.Metrics, module.Metric{Kind: kind, Name: text(r.take(nameLen)), Value: value})
		}
	}
}

func (e *effects) emitted(r *records) {
	outputLen, bodyLen := r.uint32(), r.uint32()
	m := module.Emitted{Output: module.OutputName(text(r.take(outputLen)))}
	m.Body = r.take(bodyLen)
	first := len(e.properties)
	for n := r.uint32(); n > 0; n-- {
		name := text(r.take(r.uint32()))
		e.properties = append(e.properties, struct{ Name, Value string }{name, text(r.take(r.uint32()))})
	}
	m.Properties = e.properties[first:len(e.properties):len(e.properties)]
	e.Emitted = append(e.Emitted, m)
}

// records reads numbers and bytes that C wrote one after the other.
type records struct{ bytes []byte }

func (r *records) uint32() uint32 { return binary.NativeEndian.Uint32(r.take(4)) }

func (r *records) take(n uint32) []byte {
	taken := r.bytes[:n:n]
	r.bytes = r.bytes[n:]
	return taken
}

// text returns the bytes as a string without copying them.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
