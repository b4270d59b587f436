package main

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// terminal understands as much as a screen uses: text, \r, \n, cursor up, erase, save and restore. It does not scroll.
type terminal struct {
	rows     [][]rune
	row, col int
	savedRow int
	savedCol int
}

func (t *terminal) Write(data []byte) (int, error) {
	for text := string(data); text != ""; {
		size := 1
		switch {
		case strings.HasPrefix(text, "\x1b["):
			size = 3 + strings.IndexAny(text[2:], "AJKm")
			t.control(text[2:size-1], text[size-1])
		case strings.HasPrefix(text, "\x1b7"):
			size, t.savedRow, t.savedCol = 2, t.row, t.col
		case strings.HasPrefix(text, "\x1b8"):
			size, t.row, t.col = 2, t.savedRow, t.savedCol
		case text[0] == '\r':
			t.col = 0
		case text[0] == '\n':
			t.row, t.col = t.row+1, 0
		default:
			var r rune
			r, size = utf8.DecodeRuneInString(text)
			t.line()[t.col] = r
			t.col++
		}
		text = text[size:]
	}
	return len(data), nil
}

// line is the row of the cursor, with room for what comes next.
func (t *terminal) line() []rune {
	for len(t.rows) <= t.row {
		t.rows = append(t.rows, nil)
	}
	for len(t.rows[t.row]) <= t.col {
		t.rows[t.row] = append(t.rows[t.row], ' ')
	}
	return t.rows[t.row]
}

func (t *terminal) control(parameter string, command byte) {
	switch command {
	case 'A':
		n, _ := strconv.Atoi(parameter)
		t.row -= n
	case 'J':
		t.rows = t.rows[:min(t.row+1, len(t.rows))]
		fallthrough
	case 'K':
		if t.row < len(t.rows) {
			t.rows[t.row] = t.rows[t.row][:min(t.col, len(t.rows[t.row]))]
		}
	}
}

func (t *terminal) String() string {
	var b strings.Builder
	for _, row := range t.rows {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}

func newTestScreen() (*screen, *terminal) {
	term := &terminal{}
	return &screen{module: "wasmOnEdge", stdout: term, size: func() (int, int) { return 80, 24 }, logAbove: true}, term
}

func shot(received int64) snapshot {
	return snapshot{module: "wasmOnEdge", connected: true, desired: 1, answered: 1, status: module.DesiredStatus{Code: module.CodeOK},
		summary: summary{Received: received}, rows: []row{{name: "a", guest: "g", status: module.Running, in: received}}}
}

func TestScreenDrawsItsBlockInPlace(t *testing.T) {
	s, term := newTestScreen()
	s.draw(shot(1), rater{})
	once := term.String()
	s.draw(shot(2), rater{})
	assert.Equal(t, strings.NewReplacer("in 1 ", "in 2 ", "  1     –/s", "  2     –/s").Replace(once), term.String())
	assert.Contains(t, once, "wasmOnEdge runs desired version 1 (200)")
}

func TestScreenPutsTheLogAboveItsBlock(t *testing.T) {
	s, term := newTestScreen()
	s.draw(shot(1), rater{})
	block := term.String()
	_, _ = s.Write([]byte("first\n"))
	s.printf("second\n")
	assert.Equal(t, "first\nsecond\n"+block, term.String())
}

func TestScreenLeavesALineThatIsBeingTypedAlone(t *testing.T) {
	s, term := newTestScreen()
	s.draw(shot(1), rater{})
	block := term.String()
	_, _ = term.Write([]byte("a.b=")) // the terminal echoes what is typed
	s.draw(shot(1), rater{})
	_, _ = term.Write([]byte("1"))
	assert.Equal(t, block+"a.b=1\n", term.String())
}

func TestScreenTakesALineAwayWhenItIsEntered(t *testing.T) {
	s, term := newTestScreen()
	s.draw(shot(1), rater{})
	block := term.String()
	_, _ = term.Write([]byte("a.b=1\n"))
	s.entered("a.b=1")
	s.printf("desired 2: a.b=1\n")
	assert.Equal(t, "desired 2: a.b=1\n"+block, term.String())
}

func TestScreenEndsBelowItsBlock(t *testing.T) {
	s, term := newTestScreen()
	s.draw(shot(1), rater{})
	block := term.String()
	_, _ = term.Write([]byte("^C"))
	s.end(summary{Sent: 3, DeadLetters: 1, DurationMs: 1234})
	assert.Equal(t, block+"3 sent, 0 received, 0 acknowledged, 0 upstream, 1 dead letter in 1.2s\n", term.String())
}

func TestScreenSendsTheLogElsewhereWhereItIsNoTerminal(t *testing.T) {
	s, term := newTestScreen()
	var stderr bytes.Buffer
	s.logAbove, s.stderr = false, &stderr
	_, _ = s.Write([]byte("line\n"))
	assert.Empty(t, term.String())
	assert.Equal(t, "line\n", stderr.String())
}

func TestScreenShowsTheLastMessageWithoutItsControlCharacters(t *testing.T) {
	s, term := newTestScreen()
	s.message(sim.Upstream{Module: "wasmOnEdge", Output: "alerts", Message: edgehub.Message{Body: []byte("a\x1b[2J\nb\xff")}})
	s.draw(shot(1), rater{})
	assert.Contains(t, term.String(), "last: alerts → a [2J b�\n")
}

// visible takes colours off.
func visible(line string) string {
	return strings.NewReplacer(red, "", yellow, "", faint, "", plain, "").Replace(line)
}

func TestBlockFitsTheTerminal(t *testing.T) {
	now := shot(1)
	now.rows = nil
	for i := range 50 {
		now.rows = append(now.rows, row{name: fmt.Sprintf("signal%02d", i), status: module.Running})
	}
	now.rows[40] = row{name: "bad", status: module.Backoff, description: strings.Repeat("long ", 100)}
	for _, size := range [][2]int{{80, 22}, {40, 10}, {200, 60}, {10, 6}, {1, 1}, {0, 0}} {
		lines := renderBlock(now, rater{}, strings.Repeat("é", 500), size[0], size[1])
		assert.LessOrEqual(t, len(lines), max(size[1], 0), "%v", size)
		for _, line := range lines {
			assert.Less(t, utf8.RuneCountInString(visible(line)), max(size[0], 2), "%v", size)
		}
	}
}

func TestBlockShowsWhatIsNotWellFirstWithItsReason(t *testing.T) {
	now := shot(1)
	now.rows = []row{
		{name: "fine", status: module.Running},
		{name: "late", status: starting},
		{name: "kept", status: module.Running, description: "settings refused"},
		{name: "poor", status: module.Backoff, description: "trap; restarting in 10s"},
	}
	text := strings.Join(renderBlock(now, rater{}, "", 120, 24), "\n")
	var order []int
	for _, part := range []string{"kept", "settings refused", "poor", "trap; restarting", "late", "fine"} {
		assert.Contains(t, text, part)
		order = append(order, strings.Index(text, part))
	}
	assert.IsIncreasing(t, order)
	assert.Contains(t, text, red+"  poor")
	assert.NotContains(t, text, red+"  fine")
}

func TestBlockSaysHowManySignalsItDoesNotShow(t *testing.T) {
	now := shot(1)
	now.rows = nil
	for i := range 50 {
		now.rows = append(now.rows, row{name: fmt.Sprintf("signal%02d", i), status: module.Running})
	}
	lines := renderBlock(now, rater{}, "last", 120, 22)
	text := strings.Join(lines, "\n")
	shown := strings.Count(text, "signal")
	assert.Contains(t, text, fmt.Sprintf("… and %d more", 50-(shown-2))) // the head of the table and the last line name signals too
	assert.Contains(t, lines[len(lines)-1], "Ctrl-C")
}

func TestStateSaysHowTheModuleStandsToItsTwin(t *testing.T) {
	for want, change := range map[string]func(*snapshot){
		"m is not connected":                      func(s *snapshot) { s.connected = false },
		"m is connected":                          func(s *snapshot) { s.elsewhere = true },
		"m is starting what desired version 2":    func(s *snapshot) { s.desired = 2 },
		"m runs desired version 1 (200)":          func(*snapshot) {},
		"m answers to desired version 1: 400 bad": func(s *snapshot) { s.status = module.DesiredStatus{Code: 400, Description: "bad"} },
	} {
		s := shot(0)
		s.module = "m"
		change(&s)
		assert.Contains(t, s.state(), want)
	}
}

func TestTextsAreWrappedBetweenWords(t *testing.T) {
	assert.Equal(t, []string{"one two", "three"}, wrap("one two three", 8, 3))
	assert.Equal(t, []string{"one two", "three four five"}, wrap("one two three four five", 8, 2), "the rest is left to be cut")
	assert.Equal(t, []string{"abcde", "fgh"}, wrap("abcdefgh", 5, 3), "a word that is too long is broken")
	assert.Equal(t, []string{"a", "b", "c"}, wrap("abc", 0, 9))
	assert.Empty(t, wrap("", 8, 3))
}

func TestRatesAreThoseOfTheLastSeconds(t *testing.T) {
	r := rater{from: shot(10), seconds: 2}
	assert.Equal(t, "1.5/s", r.rate(13, 10))
	assert.Equal(t, "100/s", r.rate(210, 10))
	assert.Equal(t, "–/s", rater{}.rate(1, 0))

	var h history
	for age := 15; age >= 1; age-- {
		h.shots = append(h.shots, timedSnapshot{shot(int64(15 - age)), time.Now().Add(-time.Duration(age) * time.Second)})
	}
	h.add(shot(15))
	assert.InDelta(t, ratePeriod.Seconds(), h.before().seconds, 1.5)
}
