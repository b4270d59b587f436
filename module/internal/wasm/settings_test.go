package wasm

import (
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

func TestSmallGuestsReserveLittleAddressSpace(t *testing.T) {
	for _, c := range []struct {
		what        string
		pages       uint64
		size        int
		reservation int
	}{
		{"C and AssemblyScript", 1, 10 << 10, 128 << 10},
		{"a few pages", 5, 1 << 10, 512 << 10},
		{"Rust, as its linker lays it out", 17, 20 << 10, 2 << 20},
		{"much memory", 18, 20 << 10, 0},
		{"Go", 37, 2400 << 10, 0},
		{"much code", 1, 600 << 10, 0},
	} {
		s := settingsFor(&binary.Info{Memory: &binary.Memory{Min: c.pages}}, c.size, module.Limits{Stack: 1000})
		if runtime.GOARCH == "arm64" {
			c.reservation = 0 // guard pages alone are trusted there
		}
		assert.Equal(t, settings{stack: 1000, reservation: c.reservation}, s, c.what)
		read, err := parseSettings(s.String())
		require.NoError(t, err)
		assert.Equal(t, s, read, "as the compiler reads them")
	}
	assert.Zero(t, settingsFor(&binary.Info{}, 1, module.Limits{}).reservation, "without a memory")
	_, err := parseSettings("stack")
	assert.Error(t, err)
}
