package main

import (
	"bufio"
	"context"
	"errors"
	"strings"
)

// followInput changes the desired twin with each line PATH=JSON on standard input, until that or ctx ends. The
// goroutine that reads cannot be woken from a read; it owns nothing and ends with the process.
func (s *simulation) followInput(ctx context.Context) {
	lines := make(chan string) // capacity 0: a line is taken when the one before it has been dealt with
	go func() {
		defer close(lines)
		in := bufio.NewScanner(s.env.stdin)
		for in.Scan() {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
		}
		if errors.Is(in.Err(), bufio.ErrTooLong) {
			s.log.Error().Int("limit", bufio.MaxScanTokenSize).Msg("a line on standard input is too long; it is not read any more")
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case line, ok := <-lines:
			if !ok {
				return
			}
			s.change(line)
		}
	}
}

// change applies PATH=JSON to the desired twin while it runs.
func (s *simulation) change(line string) {
	s.output.entered(line)
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	version, err := s.patch(line)
	if err != nil {
		s.complain(err)
		return
	}
	s.output.printf("desired %d: %s\n", version, line)
}

func (s *simulation) patch(assignment string) (version int64, err error) {
	patch, err := assignmentPatch(assignment)
	if err != nil {
		return 0, err
	}
	return s.hub.PatchDesired(s.command.Module, patch)
}

// complain tells the person who typed what is wrong with it.
func (s *simulation) complain(err error) {
	s.output.printf("error: %v\n", err)
	if h, ok := errors.AsType[*hintError](err); ok {
		s.output.printf("hint: %s\n", h.hint)
	}
}
