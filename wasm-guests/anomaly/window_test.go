package main

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func windowOf(size int, values ...float64) *window {
	w := newWindow(size)
	for _, value := range values {
		w.add(value)
	}
	return w
}

func TestMedianAndDeviationOfAWindow(t *testing.T) {
	odd := windowOf(5, 9, 1, 2, 4, 2)
	assert.Equal(t, 2.0, odd.median())
	assert.Equal(t, 1.0, odd.deviation(2), "of distances 0 0 1 2 7")

	even := windowOf(4, 1, 2, 4, 9)
	assert.Equal(t, 3.0, even.median())
	assert.Equal(t, 1.5, even.deviation(3), "of distances 1 1 2 6")

	one := windowOf(1, 7)
	assert.Equal(t, 7.0, one.median())
	assert.Zero(t, one.deviation(7))
}

func TestAFullWindowForgetsItsOldestValue(t *testing.T) {
	w := windowOf(3, 1, 2)
	assert.False(t, w.full())
	w.add(3)
	assert.True(t, w.full())
	w.add(100)
	w.add(101)
	assert.Equal(t, 100.0, w.median(), "of 3, 100 and 101")
}

func TestAResizedWindowKeepsItsLatestValuesInOrder(t *testing.T) {
	w := windowOf(4, 1, 2, 3, 4, 5, 6)
	smaller := w.resized(3)
	assert.Equal(t, []float64{4, 5, 6}, smaller.latest)
	assert.True(t, smaller.full())

	larger := w.resized(6)
	assert.Equal(t, []float64{3, 4, 5, 6}, larger.latest)
	assert.False(t, larger.full())
	for _, value := range []float64{7, 8, 9} {
		larger.add(value)
	}
	assert.Equal(t, 6.5, larger.median(), "of 4 to 9")
}

// FuzzWindow holds a window against statistics that sort all values each time.
func FuzzWindow(f *testing.F) {
	f.Add(uint8(3), []byte("a few values, equal ones among them"))
	f.Add(uint8(8), []byte{0, 0, 0, 0, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, size uint8, data []byte) {
		w := newWindow(int(size) + 1)
		var values []float64
		for ; len(data) >= 2; data = data[2:] {
			value := float64(int16(binary.LittleEndian.Uint16(data))) / 16
			values = append(values, value)
			values = values[max(0, len(values)-w.size):]
			w.add(value)

			median := naiveMedian(values)
			require.Equal(t, median, w.median())
			distances := make([]float64, len(values))
			for i, value := range values {
				distances[i] = math.Abs(value - median)
			}
			require.Equal(t, naiveMedian(distances), w.deviation(median))
		}
	})
}

func naiveMedian(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[(len(sorted)-1)/2]/2 + sorted[len(sorted)/2]/2
}

func BenchmarkWindow(b *testing.B) {
	w := newWindow(defaults.Window)
	value := 0.0
	for b.Loop() {
		value = math.Mod(value*1.7+13, 100)
		w.add(value)
		w.usual(nil)
	}
}
