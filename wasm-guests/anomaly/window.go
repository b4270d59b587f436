package main

import (
	"slices"
	"sort"
)

// window holds the latest values of a signal and knows their median and the spread around it. Adding a value
// takes a binary search and moving, at most, the window's values by one place; the statistics take O(log n).
type window struct {
	size   int
	latest []float64 // in order of arrival, as a ring once it is full
	next   int       // where in latest the oldest value is, when it is full
	sorted []float64 // the same values in ascending order
}

func newWindow(size int) *window {
	return &window{size: size, latest: make([]float64, 0, size), sorted: make([]float64, 0, size)}
}

// resized returns a window of another size with the latest values that fit.
func (w *window) resized(size int) *window {
	resized := newWindow(size)
	values := slices.Concat(w.latest[w.next:], w.latest[:w.next])
	for _, value := range values[max(0, len(values)-size):] {
		resized.add(value)
	}
	return resized
}

// add takes in a value, in place of the oldest where the window is full.
func (w *window) add(value float64) {
	if !w.full() {
		w.latest = append(w.latest, value)
	} else {
		at, _ := slices.BinarySearch(w.sorted, w.latest[w.next])
		w.sorted = slices.Delete(w.sorted, at, at+1)
		w.latest[w.next] = value
		w.next = (w.next + 1) % w.size
	}
	at, _ := slices.BinarySearch(w.sorted, value)
	w.sorted = slices.Insert(w.sorted, at, value)
}

func (w *window) full() bool { return len(w.latest) == w.size }

// median returns the value in the middle, the mean of the two where there is none. The window is not empty.
func (w *window) median() float64 {
	n := len(w.sorted)
	return w.sorted[(n-1)/2]/2 + w.sorted[n/2]/2 // halved first: the sum may be too large for a float64
}

// deviation returns the median of the distances from center to the values, the median absolute deviation where
// center is the median.
func (w *window) deviation(center float64) float64 {
	n := len(w.sorted)
	return w.distance(center, (n-1)/2)/2 + w.distance(center, n/2)/2
}

// distance returns the k-th smallest distance from center, k counting from 0. The k+1 nearest values lie side by
// side; as their block moves up, its lower end comes nearer to center and its upper end goes away from it, so
// that the best block is found by bisection: it is the first whose upper end is the farther one, or the one before.
func (w *window) distance(center float64, k int) float64 {
	s := w.sorted
	first := sort.Search(len(s)-1-k, func(i int) bool { return s[i+k]-center >= center-s[i] })
	distance := max(center-s[first], s[first+k]-center)
	if first > 0 {
		distance = min(distance, max(center-s[first-1], s[first-1+k]-center))
	}
	return distance
}
