package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// followInput obeys each line on standard input, until that or ctx ends. The
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
			s.enter(ctx, line)
		}
	}
}

// enter obeys a line that a person has typed, and answers.
func (s *simulation) enter(ctx context.Context, line string) {
	s.output.entered(line)
	if line = strings.TrimSpace(line); line == "" {
		return
	}
	answer, err := s.obey(ctx, line)
	if err != nil {
		s.complain(err)
		return
	}
	s.output.printf("%s\n", answer)
}

// obey does what a line asks for while the simulation runs: PATH=JSON changes the desired twin, "fault …" makes a fault,
// "method …" calls a direct method.
func (s *simulation) obey(ctx context.Context, line string) (answer string, err error) {
	line = strings.TrimSpace(line)
	if words, ok := cutWord(line, "fault"); ok {
		return s.fault(ctx, words)
	}
	if words, ok := cutWord(line, "method"); ok {
		return s.method(ctx, words)
	}
	version, err := s.patch(line)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("desired %d: %s", version, line), nil
}

// method calls a direct method of the module, as from the cloud: its name, and its payload as JSON where it has one.
func (s *simulation) method(ctx context.Context, words string) (answer string, err error) {
	name, payload, _ := strings.Cut(words, " ")
	if payload = strings.TrimSpace(payload); payload == "" {
		payload = "null"
	}
	status, body, err := s.hub.Invoke(ctx, s.command.Module, name, []byte(payload))
	if err != nil {
		return "", hint(err, `for example method status {"limit":5}`)
	}
	return fmt.Sprintf("method %s: %d %s", name, status, body), nil
}

// cutWord returns what follows the first word of a line, if that is the given one.
func cutWord(line, word string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(line, word)
	if ok && rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		return "", false
	}
	return strings.TrimSpace(rest), ok
}

// fault makes the fault that words ask for, or lists those that there are.
func (s *simulation) fault(ctx context.Context, words string) (answer string, err error) {
	if words == "list" {
		return strings.TrimSuffix(sim.FaultHelp(), "\n"), nil
	}
	answer, err = s.hub.Fault(ctx, s.command.Module, words)
	if err != nil {
		return "", hint(err, "fault list tells what there is")
	}
	if answer == "" {
		answer = "done"
	}
	return fmt.Sprintf("fault %s: %s", words, answer), nil
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
