package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

const (
	screenPeriod = time.Second
	lastBody     = 1 << 10 // bytes of the last message that are kept to be shown
)

// screen shows a simulation to a person: a block of lines that is drawn anew every second, log lines above it, and
// below it the line that the person types. The terminal stays as it is: it echoes what is typed by itself.
type screen struct {
	module   string
	size     func() (columns, rows int)
	logAbove bool // the log goes to the same terminal

	mu     sync.Mutex // guards what follows
	stdout io.Writer
	stderr io.Writer
	block  []string // as drawn last
	typed  int      // rows below the block that lines typed since have used up
	last   string   // message
}

func (s *screen) reported(int64, json.RawMessage) {} // the block shows the state itself

func (s *screen) fault(sim.Fault) {} // who asked for it has an answer

func (s *screen) message(u sim.Upstream) {
	name := u.Output
	if u.Module != s.module {
		name = u.Module + "/" + u.Output
	}
	text := name + " → " + string(u.Message.Body[:min(len(u.Message.Body), lastBody)])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = text
}

// Write puts log lines above the block.
func (s *screen) Write(log []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.logAbove {
		return s.stderr.Write(log)
	}
	return len(log), s.paint(string(log), s.block)
}

func (s *screen) printf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.paint(fmt.Sprintf(format, args...), s.block) // whoever closed it does not want to know
}

// entered takes note that the terminal has echoed a line and its end below the block.
func (s *screen) entered(line string) {
	columns, _ := s.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.typed += 1 + max(utf8.RuneCountInString(line)-1, 0)/columns
}

// follow draws until ctx ends.
func (s *screen) follow(ctx context.Context, look func() snapshot) {
	ticker := time.NewTicker(screenPeriod)
	defer ticker.Stop()
	var shown history
	for {
		now := look()
		shown.add(now)
		s.draw(now, shown.before())
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *screen) draw(now snapshot, rates rater) {
	columns, rows := s.size()
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.paint("", renderBlock(now, rates, s.last, columns, rows-2)) // a line is typed below it
}

func (s *screen) show(now snapshot) { s.draw(now, rater{from: now, seconds: 1}) }

// end leaves the last block where it is.
func (s *screen) end(t summary) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.stdout, "\r\x1b[J"+t.String()+"\n") // what was typed and not entered goes
}

// paint brings lines above the block and the block itself to the terminal in one write. Where only the block changes,
// and not its height, what is being typed below it stays untouched.
func (s *screen) paint(above string, block []string) error {
	var b strings.Builder
	height := len(s.block)
	inPlace := above == "" && s.typed == 0 && len(block) == height
	if inPlace {
		b.WriteString("\x1b7") // remember where the cursor is
	}
	if up := height + s.typed; up > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", up)
	}
	b.WriteByte('\r')
	if !inPlace {
		b.WriteString("\x1b[J") // erase all below
	}
	b.WriteString(above)
	for _, line := range block {
		b.WriteString(line)
		b.WriteString("\x1b[K\n") // erase the rest of the line
	}
	if inPlace {
		b.WriteString("\x1b8")
	}
	s.block, s.typed = block, 0
	_, err := io.WriteString(s.stdout, b.String())
	return err
}
