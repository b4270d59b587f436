package app

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheMemoryForAllGuestsIsAWholeNumberOfMiB(t *testing.T) {
	read := func(value string) (Config, error) {
		return ConfigFromEnvironment(func(name string) string { return map[string]string{"WASM_ON_EDGE_MEMORY_MIB": value}[name] }, "1.0.0")
	}
	for value, want := range map[string]int64{"": 0, "1": 1 << 20, "4096": 4 << 30} {
		c, err := read(value)
		require.NoError(t, err)
		assert.Equal(t, want, c.Memory)
	}
	for _, value := range []string{"0", "-1", "1.5", "many", "99999999999"} {
		_, err := read(value)
		assert.ErrorContains(t, err, "WASM_ON_EDGE_MEMORY_MIB")
	}
}
