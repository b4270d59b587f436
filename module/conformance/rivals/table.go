package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// turn is what a rival's turn came to.
type turn struct {
	inputs float64       // a second
	cpu    time.Duration // of the processor for each message
	memory int64         // resident after it, in bytes
}

// result are the turns of all rivals with so many inputs in flight.
type result struct {
	window int
	turns  [rivals][]turn
}

// printTable prints medians, and ratios: the median of what a rival was to ours in the same round, inputs as ours by
// theirs and processor time as theirs by ours, so that more than one speaks for ours.
func printTable(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintln(t, "| in flight\t filter\t inputs/s\t ours is × as fast\t CPU µs a message\t is × ours\t resident MiB\t")
	fmt.Fprintln(t, "|---\t---\t--:\t--:\t--:\t--:\t--:\t")
	for _, r := range results {
		for n, turns := range r.turns {
			mine := r.turns[ours]
			fmt.Fprintf(t, "| %d\t %s\t %.0f\t %.2f\t %.1f\t %.2f\t %.1f\t\n", r.window, rival(n),
				median(turns, turn.perSecond), medianRatio(mine, turns, turn.perSecond),
				median(turns, turn.microseconds), medianRatio(turns, mine, turn.microseconds),
				median(turns, turn.mebibytes))
		}
	}
	return t.Flush()
}

func (t turn) perSecond() float64    { return t.inputs }
func (t turn) microseconds() float64 { return float64(t.cpu) / float64(time.Microsecond) }
func (t turn) mebibytes() float64    { return float64(t.memory) / (1 << 20) }

// median returns the middle one of what the turns came to.
func median(turns []turn, of func(turn) float64) float64 {
	values := make([]float64, len(turns))
	for n, t := range turns {
		values[n] = of(t)
	}
	return middle(values)
}

// medianRatio returns the middle one of the rounds' ratios.
func medianRatio(above, below []turn, of func(turn) float64) float64 {
	ratios := make([]float64, len(above))
	for n := range above {
		ratios[n] = of(above[n]) / of(below[n])
	}
	return middle(ratios)
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
