// Command table measures what module/internal/journal costs against bbolt, both in turn in each round and on the same
// file system, and prints the medians as a Markdown table.
//
//	cd module/internal/journal/compare
//	go run ./table -dir /where/a/real/file/system/is
//
// The folder is a Go module of its own, so that bbolt is no dependency of the project.
//
// # Concurrency
//
// Everything is measured from the main goroutine, which waits for those that commit together.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	dir := flag.String("dir", "", "an existing directory on the file system to measure (default: the temporary one)")
	rounds := flag.Int("rounds", 9, "rounds, in each of which both have their turn")
	commits := flag.Int("commits", 400, "commits of a round")
	records := flag.Int("records", 100_000, "records of the store that is opened")
	flag.Parse()
	if err := run(os.Stdout, *dir, plan{*rounds, *commits, *records}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// plan says how much is measured.
type plan struct{ rounds, commits, records int }

func run(w io.Writer, dir string, p plan) error {
	dir, err := os.MkdirTemp(dir, "journal-compare-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // what is left there is only what was measured
	rows, err := measure(dir, p)
	if err != nil {
		return err
	}
	fmt.Fprintln(w, "| what | journal | bbolt | ratio (range) |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, r := range rows {
		fmt.Fprintln(w, r)
	}
	return nil
}
