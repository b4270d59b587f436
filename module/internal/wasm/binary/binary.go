// Package binary reads what a WebAssembly binary says of itself: what it imports, what it exports, and how much
// memory it asks for. It looks at the sections that declare these and runs nothing, so that a guest can be refused,
// with everything that is missing named, before an engine has seen it.
//
// # Concurrency
//
// Read is a pure function and may be called from any goroutine.
package binary

import (
	"errors"
	"fmt"
)

// Errors that say what a file is instead of a core WebAssembly module.
var (
	// ErrNotWasm means that the bytes do not begin like a WebAssembly binary.
	ErrNotWasm = errors.New("not a WebAssembly binary")
	// ErrComponent means that the binary is a component, which this host does not run yet.
	ErrComponent = errors.New("a WebAssembly component, not a core module")
)

// Info is what a binary declares.
type Info struct {
	Imports []Import
	Exports []Export
	Memory  *Memory     // the first memory, defined or imported; nil where there is none
	Tables  []TableSize // all of them, imported ones first
}

// Import is something that a binary needs from its host.
type Import struct {
	Module, Name string
	Kind         Kind
	Type         string // of a function, as [Export.Type]
}

// Export is something that a binary offers to its host.
type Export struct {
	Name string
	Kind Kind
	Type string // of a function: "(i32, i32) → i32"; "" for other kinds
}

// Memory is the size of a linear memory, in pages of 64 KiB.
type Memory struct {
	Min uint64
	Max uint64 // 0 where none is declared
}

// TableSize is the size of a table, in elements.
type TableSize struct {
	Min uint64
	Max uint64 // 0 where none is declared
}

// Kind tells functions, tables, memories and globals apart.
type Kind byte

// The kinds of imports and exports, with their numbers in the binary format.
const (
	Func   Kind = 0
	Table  Kind = 1
	Mem    Kind = 2
	Global Kind = 3
	Tag    Kind = 4
)

// Export returns the export called name of the given kind.
func (i *Info) Export(kind Kind, name string) (Export, bool) {
	for _, e := range i.Exports {
		if e.Kind == kind && e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}

// Sections of the binary format, WebAssembly core specification 5.5.2.
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionExport   = 7
)

// Read reads the declarations of a core WebAssembly binary. It returns ErrNotWasm, ErrComponent, or an error that
// names the section which is malformed.
func Read(wasm []byte) (*Info, error) {
	if len(wasm) < 8 || string(wasm[:4]) != "\x00asm" {
		return nil, ErrNotWasm
	}
	switch {
	case wasm[6] == 1: // the layer of components, component model binary format
		return nil, ErrComponent
	case string(wasm[4:8]) != "\x01\x00\x00\x00":
		return nil, fmt.Errorf("read header: version % x is not known", wasm[4:8])
	}
	d := decoder{info: &Info{}}
	r := reader{bytes: wasm[8:]}
	for len(r.bytes) > 0 && r.err == nil {
		id := r.byte()
		body := reader{bytes: r.take(r.uint32())}
		if r.err == nil {
			d.section(id, &body)
			r.err = body.err
		}
		if r.err != nil {
			return nil, fmt.Errorf("read section %d: %w", id, r.err)
		}
	}
	return d.info, r.err
}
