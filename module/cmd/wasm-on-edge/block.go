package main

import (
	"fmt"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Colours of lines that want to be seen.
const (
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	faint  = "\x1b[2m"
	plain  = "\x1b[0m"
)

const maxReasonLines = 3 // of one reason; the log has all of it

// block is a block of lines that fits a terminal.
type block struct {
	columns int
	lines   []string
}

func (b *block) add(colour, format string, args ...any) {
	line := fit(fmt.Sprintf(format, args...), b.columns)
	if colour != "" {
		line = colour + line + plain
	}
	b.lines = append(b.lines, line)
}

// addWrapped adds a text that may take several lines.
func (b *block) addWrapped(colour, indent, text string) {
	for _, line := range wrap(text, b.columns-len(indent), maxReasonLines) {
		b.add(colour, "%s%s", indent, line)
	}
}

// renderBlock draws a snapshot in at most so many columns and rows. The last column stays free: what erases the rest
// of a line takes a character away there.
func renderBlock(now snapshot, rates rater, last string, columns, rows int) []string {
	b := &block{columns: columns - 1}
	b.add("", "")
	colour := ""
	if !now.well() {
		colour = red
	}
	b.addWrapped(colour, "", now.state())
	b.add("", "%s", now.totals(rates))
	b.signals(now.rows, rates, rows-len(b.lines)-2)
	if last != "" {
		b.add("", "last: %s", last)
	}
	b.add(faint, "Ctrl-C ends · to change the twin type PATH=JSON, like signals.NAME.settings.KEY=30")
	return b.lines[:max(min(len(b.lines), rows), 0)]
}

// signals draws a table, what is not well first and with its reason below it, in at most so many rows.
func (b *block) signals(all []row, rates rater, rows int) {
	if len(all) == 0 {
		return
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b row) int { return a.rank() - b.rank() })
	widths := [3]int{len("signal"), len("guest"), len("starting")}
	for _, r := range sorted {
		widths[0], widths[1], widths[2] = max(widths[0], len(r.name)), max(widths[1], len(r.guest)), max(widths[2], len(r.status))
	}
	layout := fmt.Sprintf("  %%-%ds  %%-%ds  %%-%ds %%7v %%7v %%7v %%7v %%4v", widths[0], widths[1], widths[2])
	b.add(faint, layout, "signal", "guest", "status", "in", "", "out", "dropped", "dead")
	end := len(b.lines) + rows - 2 // room for the line that says how many are not shown
	for i, r := range sorted {
		if len(b.lines) >= end && i < len(sorted)-1 {
			b.add("", "  … and %d more", len(sorted)-i)
			return
		}
		b.signal(layout, r, rates)
	}
}

func (b *block) signal(layout string, r row, rates rater) {
	was := rates.row(r.name)
	b.add(r.colour(), layout, r.name, r.guest, r.status, r.in, rates.rate(r.in, was.in), r.out, r.dropped, r.bad)
	if r.description != "" {
		b.addWrapped(r.colour(), "    ", r.description)
	}
}

// rank sorts what a person should see to the top.
func (r row) rank() int {
	switch {
	case r.well():
		return 2
	case r.status == starting:
		return 1
	}
	return 0
}

func (r row) colour() string {
	switch r.rank() {
	case 0:
		if r.status == module.Running { // with a reason: its last good goes on
			return yellow
		}
		return red
	case 1:
		return yellow
	}
	return ""
}
