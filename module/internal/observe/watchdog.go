package observe

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"
)

// Probe asks one part of the program for a sign of life.
type Probe struct {
	Name string
	// Ask returns soon, with an error where the part will never get any further. It is called by one goroutine at a time.
	Ask func() error
}

// ErrNoAnswer means that a probe did not return.
var ErrNoAnswer = errors.New("no answer")

const (
	watchInterval = 15 * time.Second
	watchMisses   = 8 // checks in a row that a probe may miss: two minutes
	watchConcern  = 4 // and from which on the part is not called well
)

// WatchdogConfig is what a Watchdog looks after.
type WatchdogConfig struct {
	Probes   []Probe
	Interval time.Duration // between checks; 0: 15 s. A probe that misses eight of them is stuck
}

// Watchdog finds out that a program is stuck for good. It counts checks and does not look at the clock: a process that was
// suspended for hours has missed none of them.
type Watchdog struct {
	interval time.Duration
	probes   []*asked
}

// asked is a probe and how it fares.
type asked struct {
	Probe
	answer chan error // capacity 1: a probe is asked again when it has answered
	open   bool
	missed atomic.Int32 // checks in a row
}

// NewWatchdog returns a Watchdog for Run to run.
func NewWatchdog(c WatchdogConfig) *Watchdog {
	w := &Watchdog{interval: c.Interval}
	if w.interval == 0 {
		w.interval = watchInterval
	}
	for _, p := range c.Probes {
		w.probes = append(w.probes, &asked{Probe: p, answer: make(chan error, 1)})
	}
	return w
}

// Run checks until ctx ends, and then returns nil; or until a part is stuck, and then says which and why. A probe that does
// not return is left behind, since nothing can end it.
func (w *Watchdog) Run(ctx context.Context) error {
	ticker := time.NewTicker(w.interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for _, p := range w.probes {
			if err := p.check(); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
		}
	}
}

// Checks tell which parts answer, from any goroutine.
func (w *Watchdog) Checks() []Check {
	checks := make([]Check, 0, len(w.probes))
	for _, p := range w.probes {
		c := Check{Name: p.Name, OK: true}
		if missed := p.missed.Load(); missed >= watchConcern {
			c.OK, c.Reason = false, fmt.Sprintf("no answer for %d checks, %v apart; after %d the process ends itself", missed, w.interval, watchMisses)
		}
		checks = append(checks, c)
	}
	return checks
}

// check looks for the answer to the last question, and asks the next one.
func (p *asked) check() error {
	if p.open {
		select {
		case err := <-p.answer:
			if err != nil {
				return err
			}
		default:
			if p.missed.Add(1) >= watchMisses {
				return ErrNoAnswer
			}
			return nil
		}
	}
	p.open = true
	p.missed.Store(0)
	go func() { p.answer <- p.Ask() }()
	return nil
}

// Stacks returns what all goroutines are doing, in at most limit bytes.
func Stacks(limit int) []byte {
	b := make([]byte, limit)
	return b[:runtime.Stack(b, true)]
}
