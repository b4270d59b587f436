package main

import (
	"slices"
	"testing"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// comparison sets one variant against another. Its ratio is what one costs against the other, in time for each message:
// ours by other where slower says so, else other by ours.
type comparison struct {
	what        string
	ours, other *variant
	slower      bool          // the ratio says how much slower ours is, and must not exceed the mark
	mark        float64       // 0: none, for reference
	within      time.Duration // a mark for ours alone; 0: none
}

// benchmark runs the two in turn, a chunk each, and takes the median chunk of either, so that what else happens on the
// machine meets both and counts little. It reports "ours-ns", "other-ns" and "ratio".
func (c comparison) benchmark(b *testing.B) {
	var ours, other []float64
	for b.Loop() {
		ours = append(ours, chunk(b, c.ours))
		other = append(other, chunk(b, c.other))
	}
	slices.Sort(ours)
	slices.Sort(other)
	ratio := median(other) / median(ours)
	if c.slower {
		ratio = 1 / ratio
	}
	b.ReportMetric(0, "ns/op") // of a pair of chunks, which means nothing
	b.ReportMetric(median(ours), "ours-ns")
	b.ReportMetric(median(other), "other-ns")
	b.ReportMetric(ratio, "ratio")
}

// chunk returns the nanoseconds of one repetition, of as many as take the variant says.
func chunk(b *testing.B, v *variant) float64 {
	took, err := v.time()
	if err != nil {
		b.Fatal(err)
	}
	return float64(took) / float64(v.chunk)
}

// median returns the middle of values in ascending order.
func median(sorted []float64) float64 { return sorted[len(sorted)/2] }

// met reports whether the marks are met.
func (c comparison) met(ratio, oursNs float64) bool {
	if c.within > 0 && oursNs >= float64(c.within) {
		return false
	}
	return c.slower && ratio <= c.mark || !c.slower && ratio >= c.mark
}

// comparisons opens all variants; close them in the end, also after an error.
func comparisons(host *wasm.Host) (all []comparison, opened *variants, err error) {
	opened = new(variants)
	open := func(v *variant, failed error) *variant {
		if err == nil {
			v, err = opened.add(v, failed)
		}
		return v
	}
	o := ours{host}
	pass, emit, keep := open(o.message("pass", passes)), open(o.message("emit", emits)), open(o.message("emit and set", keeps))
	passUnseen, keepUnseen := open(o.message("pass, no scan", passesUnseen)), open(o.message("emit and set, no scan", keepsUnseen))
	all = []comparison{
		{"pass on", pass, open(newCLoop("C loop", passes, true)), true, 2.5, 0},
		{"emit", emit, open(newCLoop("C loop, output copied", passes, false)), true, 2.5, 0},
		{"pass on, no scan", passUnseen, open(newCLoop("C loop", passesUnseen, true)), true, 0, 0},
		{"pass on", pass, open(newWasmtimeGo("wasmtime-go", true)), false, 15, 0},
		{"emit", emit, open(newWasmtimeGo("wasmtime-go, output copied", false)), false, 15, 0},
		{"emit", emit, open(newWazero("wazero, kill switch", true)), false, 5, 0},
		{"emit", emit, open(newWazero("wazero, none", false)), false, 0, 0},
		{"emit", emit, open(newExtism("Extism, kill switch", true)), false, 50, 0},
		{"emit", emit, open(newExtism("Extism, none", false)), false, 0, 0},
		{"emit, two goroutines", open(sharedByTwo(o.goroutines("emit, two goroutines", emits, 2))), open(o.goroutines("one goroutine", emits, 1)), false, 1.5, 0},
		{"pass on, two goroutines", open(sharedByTwo(o.goroutines("pass on, two goroutines", passes, 2))), open(o.goroutines("one goroutine", passes, 1)), false, 1.5, 0},
		{"C loop, two goroutines", open(sharedByTwo(newTwoCLoops("two C loops"))), open(newCLoop("C loop, one goroutine", passes, false)), false, 0, 0},
		{"emit and set", keep, pass, true, 2, 0},
		{"emit and set, no scan", keepUnseen, passUnseen, true, 0, 0},
		{"start an instance", open(o.start("start")), open(newCompile("compile")), false, 50, 100 * time.Microsecond},
	}
	return all, opened, err
}
