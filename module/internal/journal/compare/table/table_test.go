package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestARowTellsMediansAndTheRangeOfRatios(t *testing.T) {
	r := row{what: "commit", unit: "µs"}
	r.add(10, 20)
	r.add(20, 20)
	r.add(5, 50)
	assert.Equal(t, "| commit, µs | 10 | 20 | 2.00 (1.00–10.00) |", r.String())
}

func TestBothAreMeasured(t *testing.T) {
	var text strings.Builder
	require.NoError(t, run(&text, t.TempDir(), plan{rounds: 1, commits: 32, records: 100}))
	assert.Equal(t, 10, strings.Count(text.String(), "\n"))
	assert.NotContains(t, text.String(), "NaN")
}
