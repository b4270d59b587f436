package binary_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

const header = "\x00asm\x01\x00\x00\x00"

// section encodes a section of less than 128 bytes.
func section(id byte, body string) string { return string([]byte{id, byte(len(body))}) + body }

// A binary that imports a function and a memory, and exports both and a function of its own.
var whole = header +
	section(1, "\x03\x60\x00\x00\x60\x02\x7f\x7e\x01\x7d\x60\x01\x7c\x02\x70\x7b") + // (), (i32, i64) → f32, (f64) → (funcref, v128)
	section(2, "\x02\x03env\x01f\x00\x01\x03env\x01m\x02\x01\x02\x10") + // env.f of type 1, env.m of 2 to 16 pages
	section(3, "\x01\x02") +
	section(7, "\x03\x03one\x00\x00\x03two\x00\x01\x06memory\x02\x00")

func TestReadTellsWhatABinaryDeclares(t *testing.T) {
	info, err := binary.Read([]byte(whole + section(0, "\x04namewhatever")))
	require.NoError(t, err)
	assert.Equal(t, &binary.Info{
		Imports: []binary.Import{{Module: "env", Name: "f", Kind: binary.Func, Type: "(i32, i64) → f32"}, {Module: "env", Name: "m", Kind: binary.Mem}},
		Exports: []binary.Export{
			{Name: "one", Kind: binary.Func, Type: "(i32, i64) → f32"},
			{Name: "two", Kind: binary.Func, Type: "(f64) → funcref, v128"},
			{Name: "memory", Kind: binary.Mem},
		},
		Memory: &binary.Memory{Min: 2, Max: 16},
	}, info)

	e, ok := info.Export(binary.Mem, "memory")
	assert.True(t, ok)
	assert.Equal(t, "memory", e.Name)
	_, ok = info.Export(binary.Func, "memory")
	assert.False(t, ok, "of another kind")
}

func TestReadOfWhatIsNoModule(t *testing.T) {
	for _, bytes := range []string{"", "\x00asm", "(module)", "\x7fELF\x01\x00\x00\x00"} {
		_, err := binary.Read([]byte(bytes))
		assert.ErrorIs(t, err, binary.ErrNotWasm)
	}
	_, err := binary.Read([]byte("\x00asm\x0d\x00\x01\x00"))
	assert.ErrorIs(t, err, binary.ErrComponent)
	_, err = binary.Read([]byte("\x00asm\x02\x00\x00\x00"))
	assert.EqualError(t, err, "read header: version 02 00 00 00 is not known")
}

func TestReadNamesTheSectionThatIsMalformed(t *testing.T) {
	for body, want := range map[string]string{
		"\x01":                                  "read section 1: it ends too early",
		"\x01\x7f":                              "read section 1: it ends too early",
		section(1, "\x01\x5f\x00"):              "read section 1: a type of the form 0x5f is not a function's",
		section(1, "\xff\xff\xff\xff\x0f"):      "read section 1: 4294967295 elements are too many",
		section(1, "\xff\xff\xff\xff\x1f"):      "read section 1: the number 8589934591 is too large",
		section(1, strings.Repeat("\xff", 11)):  "read section 1: a number is too long",
		section(1, "\xc0\x84\x3d"):              "read section 1: it ends too early",
		section(2, "\x01\x01a\x01b\x00\x05"):    "read section 2: type 5 of 0 is named",
		section(2, "\x01\x01a\x01b\x07"):        `read section 2: import "b" has the unknown kind 7`,
		section(7, "\x01\x01a\x00\x09"):         `read section 7: export "a" names function 9 of 0`,
		section(7, "\x01\xff\xff\xff\xff\x0fa"): "read section 7: it ends too early",
	} {
		_, err := binary.Read([]byte(header + body))
		assert.EqualError(t, err, want, "% x", body)
	}
	_, err := binary.Read([]byte(header + "\x01\xef\x07\x01\x60\xe9\x07" + strings.Repeat("\x7f", 1100)))
	assert.ErrorContains(t, err, "a function type has more than 1000 parameters or results")
}

func TestReadTellsTheSizesOfTables(t *testing.T) {
	info, err := binary.Read([]byte(header + section(2, "\x01\x03env\x01t\x01\x70\x01\x02\x09") + section(4, "\x01\x6f\x00\x05")))
	require.NoError(t, err)
	assert.Equal(t, []binary.TableSize{{Min: 2, Max: 9}, {Min: 5}}, info.Tables)
	_, err = binary.Read([]byte(header + section(4, "\x01\x40\x00\x70\x00\x05\xd0\x70\x0b")))
	assert.ErrorContains(t, err, "a table with an initial value")
}
