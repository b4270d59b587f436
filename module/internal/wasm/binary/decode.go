package binary

import (
	"fmt"
	"strings"
)

// decoder gathers the sections of one binary. Types and functions are needed to describe what is exported.
type decoder struct {
	info      *Info
	types     []string
	functions []uint32 // type index of each function, imported ones first
}

func (d *decoder) section(id byte, r *reader) {
	switch id {
	case sectionType:
		r.vector(func() { d.types = append(d.types, r.funcType()) })
	case sectionImport:
		r.vector(func() { d.readImport(r) })
	case sectionFunction:
		r.vector(func() { d.functions = append(d.functions, r.uint32()) })
	case sectionTable:
		r.vector(func() { d.table(r) })
	case sectionMemory:
		r.vector(func() { d.memory(r.limits()) })
	case sectionExport:
		r.vector(func() { d.readExport(r) })
	}
}

func (d *decoder) readImport(r *reader) {
	i := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.byte())}
	switch i.Kind {
	case Func:
		index := r.uint32()
		i.Type = d.typeOf(index, r)
		d.functions = append(d.functions, index)
	case Table:
		d.table(r)
	case Mem:
		d.memory(r.limits())
	case Global:
		r.byte()
		r.byte()
	case Tag:
		r.byte()
		r.uint32()
	default:
		r.fail("import %q has the unknown kind %d", i.Name, i.Kind)
	}
	d.info.Imports = append(d.info.Imports, i)
}

func (d *decoder) readExport(r *reader) {
	e := Export{Name: r.name(), Kind: Kind(r.byte())}
	index := r.uint32()
	if e.Kind == Func {
		if int64(index) >= int64(len(d.functions)) {
			r.fail("export %q names function %d of %d", e.Name, index, len(d.functions))
			return
		}
		e.Type = d.typeOf(d.functions[index], r)
	}
	d.info.Exports = append(d.info.Exports, e)
}

func (d *decoder) memory(m Memory) {
	if d.info.Memory == nil {
		d.info.Memory = &m
	}
}

func (d *decoder) table(r *reader) {
	if r.byte() == 0x40 { // of the function references proposal
		r.fail("a table with an initial value is not supported")
		return
	}
	d.info.Tables = append(d.info.Tables, TableSize(r.limits()))
}

func (d *decoder) typeOf(index uint32, r *reader) string {
	if int64(index) >= int64(len(d.types)) {
		r.fail("type %d of %d is named", index, len(d.types))
		return ""
	}
	return d.types[index]
}

// reader reads the primitive values of the binary format. After the first error it returns zero values.
type reader struct {
	bytes []byte
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
	r.bytes = nil
}

func (r *reader) take(n uint32) []byte {
	if uint64(n) > uint64(len(r.bytes)) {
		r.fail("it ends too early")
		return nil
	}
	taken := r.bytes[:n]
	r.bytes = r.bytes[n:]
	return taken
}

func (r *reader) byte() byte {
	if b := r.take(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

func (r *reader) uint64() uint64 {
	var value uint64
	for shift := 0; shift < 70; shift += 7 {
		b := r.byte()
		value |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return value
		}
	}
	r.fail("a number is too long")
	return 0
}

func (r *reader) uint32() uint32 {
	value := r.uint64()
	if value > 1<<32-1 {
		r.fail("the number %d is too large", value)
		return 0
	}
	return uint32(value)
}

func (r *reader) name() string { return string(r.take(r.uint32())) }

// vector calls element once for each element. A count that the bytes cannot hold ends with the bytes.
func (r *reader) vector(element func()) {
	n := r.uint32()
	if n > maxElements {
		r.fail("%d elements are too many", n)
		return
	}
	for ; n > 0 && r.err == nil; n-- {
		element()
	}
}

func (r *reader) limits() Memory {
	flags := r.byte()
	m := Memory{Min: r.uint64()}
	if flags&1 != 0 {
		m.Max = r.uint64()
	}
	return m
}

func (r *reader) funcType() string {
	if form := r.byte(); form != 0x60 {
		r.fail("a type of the form 0x%02x is not a function's", form)
		return ""
	}
	params, results := r.valueTypes(), r.valueTypes()
	if results == "" {
		return "(" + params + ")"
	}
	return "(" + params + ") → " + results
}

// What engines allow a binary, WebAssembly JavaScript interface, "Implementation-defined limits".
const (
	maxElements = 1_000_000 // types, imports, functions or exports
	maxValues   = 1000      // parameters or results of a function
)

func (r *reader) valueTypes() string {
	var names []string
	r.vector(func() {
		if names = append(names, valueType(r.byte())); len(names) > maxValues {
			r.fail("a function type has more than %d parameters or results", maxValues)
		}
	})
	return strings.Join(names, ", ")
}

func valueType(code byte) string {
	switch code {
	case 0x7f:
		return "i32"
	case 0x7e:
		return "i64"
	case 0x7d:
		return "f32"
	case 0x7c:
		return "f64"
	case 0x7b:
		return "v128"
	case 0x70:
		return "funcref"
	case 0x6f:
		return "externref"
	}
	return fmt.Sprintf("0x%02x", code)
}
