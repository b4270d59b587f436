package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	screenPeriod = time.Second
	linePeriod   = 5 * time.Second // where standard output is no terminal
	lastBody     = 160             // bytes of the last message that are shown
	shownSignals = 20
)

// screen shows a simulation to a person: a block of lines that is drawn anew every second, log lines above it. Where
// standard output is no terminal it is a line now and then.
type screen struct {
	stdout   io.Writer
	terminal bool

	mu      sync.Mutex // guards what follows
	block   string     // as drawn last
	last    string
	letters int64
}

func (s *screen) message(u sim.Upstream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if u.Output == string(module.OutputDeadLetter) {
		s.letters++
	}
	body := u.Message.Body[:min(len(u.Message.Body), lastBody)]
	s.last = fmt.Sprintf("%s → %s", u.Output, strings.ToValidUTF8(string(body), "�"))
}

func (s *screen) deadLetters() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.letters
}

func (s *screen) reported(int64, []byte) {} // the block shows the state itself

// Write puts log lines above the block.
func (s *screen) Write(log []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := io.WriteString(s.stdout, s.erase()+string(log)+s.block)
	return len(log), err
}

func (s *screen) printf(format string, args ...any) { _, _ = fmt.Fprintf(s, format, args...) }

// erase returns what takes the block off a terminal.
func (s *screen) erase() string {
	if s.block == "" {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\x1b[J", strings.Count(s.block, "\n"))
}

// follow draws until ctx ends.
func (s *screen) follow(ctx context.Context, look func() snapshot) {
	period := linePeriod
	if s.terminal {
		period = screenPeriod
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	before, at := look(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := look()
		s.draw(now, before, time.Since(at).Seconds())
		before, at = now, time.Now()
	}
}

func (s *screen) draw(now, before snapshot, seconds float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b bytes.Buffer
	if !s.terminal {
		writeTotals(&b, now, before, seconds)
		_, _ = s.stdout.Write(b.Bytes())
		return
	}
	b.WriteByte('\n')
	writeTotals(&b, now, before, seconds)
	writeSignals(&b, now, before, seconds)
	if s.last != "" {
		fmt.Fprintf(&b, "  last  %s\n", s.last)
	}
	erase := s.erase()
	s.block = b.String()
	_, _ = io.WriteString(s.stdout, erase+s.block)
}

func writeTotals(w io.Writer, now, before snapshot, seconds float64) {
	state := "connected"
	if !now.connected {
		state = "not connected"
	}
	fmt.Fprintf(w, "%s · desired %d (%d) · in %d (%.0f/s) · acked %d · upstream %d (%.0f/s) · dead letters %d\n", state, now.version, now.status.Code,
		now.Received, rate(now.Received, before.Received, seconds), now.Acked, now.Upstream, rate(now.Upstream, before.Upstream, seconds), now.DeadLetters)
	if now.status.Code != module.CodeOK && now.status.Description != "" {
		fmt.Fprintf(w, "  twin  %s\n", now.status.Description)
	}
}

func writeSignals(w io.Writer, now, before snapshot, seconds float64) {
	names := slices.Sorted(maps.Keys(now.signals))
	for _, name := range names[:min(len(names), shownSignals)] {
		state, was := now.signals[name], before.signals[name]
		fmt.Fprintf(w, "  %-24s %-12s %-12s in %d (%.0f/s) out %d (%.0f/s) dropped %d", name, state.Guest, state.Status,
			state.In, rate(state.In, was.In, seconds), state.Out, rate(state.Out, was.Out, seconds), state.Dropped)
		if state.Description != "" {
			fmt.Fprintf(w, " · %.100s", state.Description)
		}
		fmt.Fprintln(w)
	}
	if more := len(names) - shownSignals; more > 0 {
		fmt.Fprintf(w, "  … and %d more signals\n", more)
	}
}

func rate(now, before int64, seconds float64) float64 { return float64(now-before) / seconds }

func (s *screen) end(t summary) {
	s.mu.Lock()
	s.block = ""
	s.mu.Unlock()
	s.printf("%d sent, %d received, %d acknowledged, %d upstream, %d dead letters in %v\n", t.Sent, t.Received, t.Acked, t.Upstream, t.DeadLetters,
		(time.Duration(t.DurationMs) * time.Millisecond).String())
}
