// Package bench measures what the module does, on the machine that it runs on and in this process: calls into guests,
// their start, compiling, the memory of a signal, the way of a message from edgeHub and back. It prints Go's benchmark
// format, which benchstat reads. The guests that it needs are part of it; another can be measured beside them.
//
//	b, err := bench.New(bench.Config{Out: os.Stdout, Time: time.Second})
//	err = b.Run(ctx)
//
// The program that it is part of must compile guests when it is started with [app.CompilerCommand].
//
// # Concurrency
//
// Run is called once, works in its caller's goroutine, and returns when what it started has ended.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// Config says what to measure.
type Config struct {
	Out     io.Writer
	Run     *regexp.Regexp // names of the figures to measure; nil: all
	Time    time.Duration  // that a figure takes, about
	Guest   *Guest         // to be measured beside those of this package; nil: none
	Version string         // of this program
}

// Bench is figures that can be measured.
type Bench struct {
	config Config
	groups [][]figure
	dir    string     // temporary, while Run runs
	host   *wasm.Host // without a cache, while Run runs
}

// New returns the figures that c asks for. It is an error if there are none.
func New(c Config) (*Bench, error) {
	b := &Bench{config: c}
	if c.Time <= 0 {
		return nil, fmt.Errorf("measure for %v: it is not positive", c.Time)
	}
	for _, group := range b.all() {
		var chosen []figure
		for _, f := range group {
			if c.Run == nil || c.Run.MatchString(f.name) {
				chosen = append(chosen, f)
			}
		}
		if len(chosen) > 0 {
			b.groups = append(b.groups, chosen)
		}
	}
	if len(b.groups) == 0 {
		return nil, fmt.Errorf("choose figures: %q is in the name of none", c.Run)
	}
	return b, nil
}

// Run measures and prints the figures, each as soon as it is known.
func (b *Bench) Run(ctx context.Context) (err error) {
	if b.dir, err = os.MkdirTemp("", "woe-"); err != nil { // short: sockets lie in it
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() { _ = os.RemoveAll(b.dir) }()
	if b.host, err = newHost(""); err != nil {
		return err
	}
	defer b.host.Close()
	if err := b.printHeader(); err != nil {
		return err
	}
	for _, group := range b.groups {
		err := b.runGroup(ctx, group)
		if ctx.Err() != nil {
			return ctx.Err() // whatever it made of what was at work
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runGroup measures the figures of a group. What they measured stays until the last of them has been: memory that is
// freed is not given back to the system, so that the next one would seem to take none.
func (b *Bench) runGroup(ctx context.Context, group []figure) error {
	for _, f := range group {
		s, err := f.prepare(ctx)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", f.name, err)
		}
		defer s.close()
		r, err := f.measure(ctx, s, b.config.Time)
		if err != nil {
			return fmt.Errorf("measure %s: %w", f.name, err)
		}
		if _, err := fmt.Fprintln(b.config.Out, r.line(f.name)); err != nil {
			return err
		}
	}
	return nil
}

// newHost returns a host of guests that takes as many as are measured: they use a fraction of their limits.
func newHost(cache string) (*wasm.Host, error) {
	host, err := wasm.New(wasm.Config{Compiler: []string{app.CompilerCommand}, Cache: cache, Memory: unlimited})
	if err != nil {
		return nil, fmt.Errorf("make Wasm host: %w", err)
	}
	return host, nil
}

const unlimited = 1 << 40 // bytes

// path returns the path of a file or directory of this run.
func (b *Bench) path(name string) string { return filepath.Join(b.dir, name) }
