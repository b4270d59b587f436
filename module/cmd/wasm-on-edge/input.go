package main

import (
	"bufio"
	"context"
	"os"
	"strings"
)

// followInput changes the desired twin with each line PATH=JSON on standard input. The goroutine that reads cannot be
// woken from a read; it owns nothing and ends with the process.
func (s *simulation) followInput(ctx context.Context) {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-ctx.Done():
				return
			}
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
			if line = strings.TrimSpace(line); line != "" {
				s.change(line)
			}
		}
	}
}
