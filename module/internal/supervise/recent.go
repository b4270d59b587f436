package supervise

import (
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Bounds of what is remembered of a guest's log: as many lines, each cut to as many bytes.
const (
	recentLines = 200
	recentBytes = 1024
)

// LoggedLine is a line that a guest logged.
type LoggedLine struct {
	Time      time.Time
	Signal    module.SignalName
	Partition string
	module.LogLine
}

// recent are the last lines of a guest, of all its signals. A ring, so that a flood costs nothing more.
type recent struct {
	mu    sync.Mutex // guards what follows
	lines []LoggedLine
	next  int // that is written over, once there are recentLines
}

func (l *recent) add(line LoggedLine) {
	if len(line.Text) > recentBytes {
		line.Text = line.Text[:recentBytes] + "…"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < recentLines {
		l.lines = append(l.lines, line)
		return
	}
	l.lines[l.next] = line
	l.next = (l.next + 1) % recentLines
}

func (l *recent) last(n int) []LoggedLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = min(n, len(l.lines))
	lines := make([]LoggedLine, 0, n)
	for i := len(l.lines) - n; i < len(l.lines); i++ {
		lines = append(lines, l.lines[(l.next+i)%len(l.lines)])
	}
	return lines
}

// Logged returns the last n lines that a guest logged and that its logLinesPerMinute let through, oldest first: 200 are
// remembered, of all its signals together.
func (s *Supervisor) Logged(guest module.GuestName, n int) []LoggedLine {
	s.mu.Lock()
	l := s.recent[guest]
	s.mu.Unlock()
	if l == nil {
		return nil
	}
	return l.last(n)
}

// rememberLine keeps a line of the guest of w.
func (r *runner) rememberLine(w *Work, line module.LogLine) {
	r.supervisor.recentOf(w.Spec.Name).add(LoggedLine{Time: time.Now(), Signal: r.name, Partition: r.partition, LogLine: line})
}

// recentOf returns where the lines of a guest are remembered.
func (s *Supervisor) recentOf(name module.GuestName) *recent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.recent[name] == nil {
		s.recent[name] = new(recent)
	}
	return s.recent[name]
}
