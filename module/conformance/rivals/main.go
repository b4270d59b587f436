// Command rivals measures what a filter costs as a Wasm guest of this module against what a user would write instead: a
// native Go program on the MQTT client of Eclipse Paho (native), and a module on Microsoft's SDK for Node (filter.js). A
// Go program on module/edgehub (session) shows how much of ours is the MQTT session. Each is a process of its own, all are
// modules of one simulated Edge Hub, and take turns at the same messages, so that what else happens on the machine meets
// all of them. It prints the medians of the rounds as a Markdown table.
//
//	make rivals
//	make rivals ARGS="--rounds 21 --messages 20000"
//
// The folder is a Go module of its own, so that Paho's client is no dependency of the project.
//
// # Concurrency
//
// Everything runs in the main goroutine, but for the hub, whose observer counts.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// options are what a comparison is told.
type options struct {
	binaries string // directory with wasm-on-edge, native and session
	windows  []int  // inputs in flight
	rounds   int    // in each of which everybody has a turn
	messages int    // of a turn, at each window
}

func main() {
	o := options{windows: []int{1, 256}}
	flag.StringVar(&o.binaries, "binaries", "../../../build/bin", "`directory` with wasm-on-edge, native and session")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds, in each of which everybody has a turn")
	flag.IntVar(&o.messages, "messages", 10000, "messages of a turn")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, w io.Writer, o options) error {
	binaries, err := filepath.Abs(o.binaries)
	if err != nil {
		return fmt.Errorf("find binaries: %w", err)
	}
	o.binaries = binaries
	results := make([]result, 0, len(o.windows))
	for _, window := range o.windows {
		measured, err := o.measure(ctx, window)
		if err != nil {
			return fmt.Errorf("with %d in flight: %w", window, err)
		}
		results = append(results, result{window: window, turns: measured})
	}
	return printTable(w, results)
}

// measure starts a hub and everybody at it, lets them run warm, and returns the turns of each.
func (o options) measure(ctx context.Context, window int) (measured [rivals][]turn, err error) {
	dir, err := os.MkdirTemp("", "rivals") // its name leaves room for a socket's
	if err != nil {
		return measured, fmt.Errorf("make directory: %w", err)
	}
	defer os.RemoveAll(dir)
	h, err := newHub(dir, window)
	if err != nil {
		return measured, err
	}
	defer h.stop()
	var processes [rivals]*process
	for n := range processes {
		if processes[n], err = start(rival(n), h, dir, o.binaries); err != nil {
			return measured, err
		}
		defer processes[n].stop()
		if _, err = h.turn(ctx, processes[n], o.messages); err != nil {
			return measured, err
		}
	}
	for range o.rounds {
		for n, p := range processes {
			t, err := h.turn(ctx, p, o.messages)
			if err != nil {
				return measured, err
			}
			measured[n] = append(measured[n], t)
		}
	}
	return measured, nil
}
