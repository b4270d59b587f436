package supervise

import "time"

const (
	loadWindow = 10 // seconds that a signal's load is measured over
	slowShare  = loadWindow * time.Second / 4
	// slowCall is what a call takes at least, on average, of a signal that is slow. A shorter one holds other signals up for
	// no longer than edgeHub's own round trip; writing its message to the spool would.
	slowCall = 5 * time.Millisecond
)

// load is how much of the last seconds a signal's calls took. It is pure: the time is given to it.
type load struct {
	seconds [loadWindow]struct{ second, calls, busy uint32 } // of Unix time; busy in microseconds: there is one for each signal
}

// add counts a call that ended now.
func (l *load) add(now time.Time, busy time.Duration) {
	second := uint32(now.Unix())
	s := &l.seconds[second%loadWindow]
	if s.second != second {
		s.second, s.busy, s.calls = second, 0, 0
	}
	s.busy += uint32(busy.Microseconds())
	s.calls++
}

// slow reports whether the signal takes more than a quarter of the time (6).
func (l *load) slow(now time.Time) bool {
	var busy time.Duration
	calls := 0
	for _, s := range l.seconds {
		if uint32(now.Unix())-s.second < loadWindow {
			busy, calls = busy+time.Duration(s.busy)*time.Microsecond, calls+int(s.calls)
		}
	}
	return busy > slowShare && busy/time.Duration(max(calls, 1)) >= slowCall
}
