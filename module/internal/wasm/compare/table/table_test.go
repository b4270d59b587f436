package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) {
	if exit, is := isCompiler(os.Args); is {
		os.Exit(exit)
	}
	os.Exit(m.Run())
}

// BenchmarkCompare has one benchmark for each row of the table. Both sides of a row run in turn within it, so that
// each line of -count has a ratio of its own.
func BenchmarkCompare(b *testing.B) {
	host, err := newHost()
	require.NoError(b, err)
	defer host.Close()
	all, opened, err := comparisons(host)
	defer opened.close()
	require.NoError(b, err)
	for _, c := range all {
		b.Run(c.what+"/"+c.other.name, c.benchmark)
	}
}

func TestAMarkIsMetFromItsOwnSide(t *testing.T) {
	slower, faster := comparison{slower: true, mark: 2.5}, comparison{mark: 15, within: 100 * time.Nanosecond}
	assert.True(t, slower.met(2.5, 1))
	assert.False(t, slower.met(2.6, 1))
	assert.True(t, faster.met(15, 99))
	assert.False(t, faster.met(14, 99))
	assert.False(t, faster.met(15, 100))
}

func TestTheTableHasARowForEachComparison(t *testing.T) {
	var text strings.Builder
	c := comparison{what: "emit", other: &variant{name: "C loop"}, slower: true, mark: 2}
	rounds := make([]testing.BenchmarkResult, 3)
	for n, ratio := range []float64{3, 1, 1.5} {
		rounds[n].Extra = map[string]float64{"ours-ns": 300, "other-ns": 200, "ratio": ratio}
	}
	printTable(&text, []comparison{c}, [][]testing.BenchmarkResult{rounds})
	assert.Contains(t, text.String(), "| emit | 300 | C loop | 200 | 1.50 (1.00–3.00) | ≤ 2 | yes |\n")
}
