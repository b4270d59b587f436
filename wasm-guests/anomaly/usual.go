package main

import "math"

// usual is what a window says of the next sample: where it is to be expected, and how far from there is ordinary.
type usual struct {
	median float64
	scale  float64 // as a standard deviation
}

// madToSigma makes a median absolute deviation comparable with a standard deviation: 1/Φ⁻¹(3/4), the ratio of
// the two where values are normally distributed.
const madToSigma = 1.4826

// usual sums up a window that is not empty. The scale is at least least, at least 1 % of the median where that is
// nil: a signal that hardly moves must not make a stir of a digit's difference.
func (w *window) usual(least *float64) usual {
	median := w.median()
	floor := math.Abs(median) / 100
	if least != nil {
		floor = *least
	}
	return usual{median, max(madToSigma*w.deviation(median), floor)}
}

// score returns how many scales a value is above the median, negative below it; 0 where there is no scale to
// measure with.
func (u usual) score(value float64) float64 {
	if u.scale == 0 {
		return 0
	}
	return (value - u.median) / u.scale
}
