package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// state says in a line how the module stands to its twin.
func (s snapshot) state() string {
	switch {
	case !s.connected && s.elsewhere:
		return fmt.Sprintf("%s has not connected", s.module)
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

// history holds the last snapshots, to count rates over some seconds rather than between two looks.
type history struct{ shots []timedSnapshot }

type timedSnapshot struct {
	snapshot
	at time.Time
}

const ratePeriod = 10 * time.Second

func (h *history) add(s snapshot) {
	now := time.Now()
	h.shots = append(h.shots, timedSnapshot{s, now})
	for len(h.shots) > 2 && now.Sub(h.shots[1].at) >= ratePeriod {
		h.shots = slices.Delete(h.shots, 0, 1)
	}
}

// before compares the newest snapshot with the oldest. There must be one.
func (h *history) before() rater {
	first, last := h.shots[0], h.shots[len(h.shots)-1]
	return rater{from: first.snapshot, seconds: last.at.Sub(first.at).Seconds()}
}

// rater tells rates since an earlier snapshot.
type rater struct {
	from    snapshot
	seconds float64
}

func (r rater) rate(now, before int64) string {
	switch perSecond := float64(now-before) / r.seconds; {
	case r.seconds == 0:
		return "–/s"
	case perSecond < 10:
		return fmt.Sprintf("%.1f/s", perSecond)
	default:
		return fmt.Sprintf("%.0f/s", perSecond)
	}
}

func (r rater) row(name string) row {
	i := slices.IndexFunc(r.from.rows, func(row row) bool { return row.name == name })
	if i < 0 {
		return row{}
	}
	return r.from.rows[i]
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
