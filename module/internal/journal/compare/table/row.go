package main

import (
	"fmt"
	"slices"
)

// row is one thing that is measured of both: a value of each for every round.
type row struct {
	what, unit     string
	journal, bbolt []float64
}

// add adds a round.
func (r *row) add(journal, bbolt float64) {
	r.journal = append(r.journal, journal)
	r.bbolt = append(r.bbolt, bbolt)
}

// ratios returns how many times as much bbolt takes, in ascending order.
func (r row) ratios() []float64 {
	ratios := make([]float64, len(r.journal))
	for n := range ratios {
		ratios[n] = r.bbolt[n] / r.journal[n]
	}
	slices.Sort(ratios)
	return ratios
}

// String returns a line of the table.
func (r row) String() string {
	ratios := r.ratios()
	return fmt.Sprintf("| %s, %s | %.4g | %.4g | %.2f (%.2f–%.2f) |", r.what, r.unit, median(r.journal), median(r.bbolt),
		ratios[len(ratios)/2], ratios[0], ratios[len(ratios)-1])
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
