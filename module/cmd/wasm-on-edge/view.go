package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// state says in a line how the module stands to its twin.
func (s snapshot) state() string {
	switch {
	case !s.connected:
		return fmt.Sprintf("%s is not connected", s.module)
	case s.elsewhere:
		return fmt.Sprintf("%s is connected", s.module)
	case s.answered < s.desired:
		return fmt.Sprintf("%s is starting what desired version %d asks for; compiling a guest takes a few seconds", s.module, s.desired)
	case s.status.Description == "":
		return fmt.Sprintf("%s runs desired version %d (%d)", s.module, s.desired, s.status.Code)
	}
	return fmt.Sprintf("%s answers to desired version %d: %d %s", s.module, s.desired, s.status.Code, s.status.Description)
}

// well reports whether the state is nothing to worry about.
func (s snapshot) well() bool {
	return s.connected && (s.elsewhere || s.answered < s.desired || s.status.Code == module.CodeOK)
}

// totals says what has happened, in a line.
func (s snapshot) totals(r rater) string {
	return fmt.Sprintf("%v · sent %d · in %d (%s) · acked %d · upstream %d (%s) · dead letters %d",
		(time.Duration(s.DurationMs) * time.Millisecond).Round(time.Second), s.Sent, s.Received, r.rate(s.Received, r.from.Received), s.Acked, s.Upstream, r.rate(s.Upstream, r.from.Upstream), s.DeadLetters)
}

// fit makes a line of text that takes no more than some columns of a terminal, whatever came from outside.
func fit(text string, columns int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "�"))
	if runes := []rune(text); len(runes) > columns {
		return string(runes[:max(columns-1, 0)]) + "…"
	}
	return text
}

// wrap breaks a text into at most so many lines, between words where it can; what is too much stays in the last.
func wrap(text string, columns, maxLines int) []string {
	columns = max(columns, 1)
	var lines []string
	rest := []rune(text)
	for len(rest) > columns && len(lines) < maxLines-1 {
		end := columns
		for i := columns; i > columns/2; i-- {
			if rest[i] == ' ' {
				end = i
				break
			}
		}
		lines = append(lines, string(rest[:end]))
		rest = []rune(strings.TrimLeft(string(rest[end:]), " "))
	}
	if len(rest) > 0 {
		lines = append(lines, string(rest))
	}
	return lines
}
