package wasm_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAHostCountsWhatItCompiledAndHolds(t *testing.T) {
	host := newHostAt(t, t.TempDir())
	binary := file(t, "count_metric")
	for range 2 {
		guest, err := host.Compile(t.Context(), "g", binary, limits())
		require.NoError(t, err)
		defer guest.Close()
	}
	_, err := host.Compile(t.Context(), "bad", append([]byte("\x00asm\x01\x00\x00\x00"), 1, 2, 3), limits())
	require.Error(t, err)
	s := host.Stats()
	assert.EqualValues(t, 1, s.Compiled)
	assert.EqualValues(t, 1, s.Cached)
	assert.Positive(t, s.Compiling)
	assert.Positive(t, s.CacheBytes)
	assert.Zero(t, s.Refused, "what is no binary reaches no compiler")
	assert.Zero(t, s.Instances)
	assert.Positive(t, s.MemoryLimit)
}
