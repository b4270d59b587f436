package main

import (
	"fmt"
	"os"
	"time"
)

// cost is what one repetition of some work takes.
type cost struct {
	micros  float64
	handed  float64 // bytes that the process handed to the kernel in writes
	dirtied float64 // bytes of the pages that it dirtied, which is what the kernel writes; without the file system's own
}

// costOf does work that consists of count repetitions.
func costOf(count int, work func() error) (cost, error) {
	handed, dirtied, err := written()
	if err != nil {
		return cost{}, err
	}
	begin := time.Now()
	if err := work(); err != nil {
		return cost{}, err
	}
	took := time.Since(begin)
	handedThen, dirtiedThen, err := written()
	n := float64(count)
	return cost{float64(took.Microseconds()) / n, float64(handedThen-handed) / n, float64(dirtiedThen-dirtied) / n}, err
}

// written returns the bytes that this process has handed to the kernel, and those of the pages that it has dirtied.
func written() (handed, dirtied int64, err error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, 0, err
	}
	var skipped int64
	_, err = fmt.Sscanf(string(text), "rchar: %d\nwchar: %d\nsyscr: %d\nsyscw: %d\nread_bytes: %d\nwrite_bytes: %d",
		&skipped, &handed, &skipped, &skipped, &skipped, &dirtied)
	if err != nil {
		return 0, 0, fmt.Errorf("read /proc/self/io: %w", err)
	}
	return handed, dirtied, nil
}
