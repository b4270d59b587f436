// Command table measures what a message costs in module/internal/wasm against other ways to call the same guest, in
// rounds, and prints the medians as a Markdown table with the project's marks.
//
//	cd module/internal/wasm/compare
//	go run ./table                              # the table
//	go test -run='^$' -bench=. -count=9 ./table # the same as Go benchmarks
//
// The folder is a Go module of its own, so that the libraries compared with are no dependency of the project.
//
// # Concurrency
//
// Everything runs in the main goroutine, but for the comparison of two goroutines with one.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"testing"
	"time"
)

func main() {
	if exit, is := isCompiler(os.Args); is {
		os.Exit(exit)
	}
	testing.Init()
	rounds := flag.Int("rounds", 9, "rounds, in each of which every comparison has its turn")
	each := flag.Duration("time", 300*time.Millisecond, "time of a comparison in a round")
	flag.Parse()
	if err := run(os.Stdout, *rounds, *each); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(w io.Writer, rounds int, each time.Duration) error {
	if err := flag.Set("test.benchtime", each.String()); err != nil {
		return err
	}
	host, err := newHost()
	if err != nil {
		return err
	}
	defer host.Close()
	all, opened, err := comparisons(host)
	defer opened.close()
	if err != nil {
		return err
	}
	results := make([][]testing.BenchmarkResult, len(all))
	for range rounds {
		for n, c := range all {
			results[n] = append(results[n], testing.Benchmark(c.benchmark))
		}
	}
	printTable(w, all, results)
	return printAllocations(w, ours{host})
}

func printTable(w io.Writer, all []comparison, results [][]testing.BenchmarkResult) {
	fmt.Fprintln(w, "| what | ours ns | other | ns | ratio (range) | mark | met |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for n, c := range all {
		oursNs, ratios := metric(results[n], "ours-ns"), metric(results[n], "ratio")
		ratio := median(ratios)
		fmt.Fprintf(w, "| %s | %.0f | %s | %.0f | %.2f (%.2f–%.2f) | %s |\n", c.what, median(oursNs), c.other.name,
			median(metric(results[n], "other-ns")), ratio, ratios[0], ratios[len(ratios)-1], c.verdict(ratio, median(oursNs)))
	}
}

// verdict returns the last two columns: the mark and whether it is met.
func (c comparison) verdict(ratio, oursNs float64) string {
	if c.mark == 0 {
		return "– | –"
	}
	sign := "≥"
	if c.slower {
		sign = "≤"
	}
	mark := fmt.Sprintf("%s %g", sign, c.mark)
	if c.within > 0 {
		mark += fmt.Sprintf(", < %v", c.within)
	}
	return mark + " | " + yes(c.met(ratio, oursNs))
}

func printAllocations(w io.Writer, o ours) error {
	for _, guest := range []struct {
		name string
		edge
	}{{"pass on 200 B", passes}, {"emit and set", keeps}} {
		n, err := o.allocations(guest.edge)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s: allocations a message | %g | – | – | – | 0 | %s |\n", guest.name, n, yes(n == 0))
	}
	return nil
}

func yes(ok bool) string {
	if ok {
		return "yes"
	}
	return "**no**"
}

// metric returns what a benchmark reported under a unit in each round, in ascending order.
func metric(results []testing.BenchmarkResult, unit string) []float64 {
	values := make([]float64, len(results))
	for n, r := range results {
		values[n] = r.Extra[unit]
	}
	slices.Sort(values)
	return values
}
