package supervise

import (
	"time"

	"github.com/rs/zerolog"
)

// guestLevels are zerolog's for edge/1's, 0 trace to 5 critical.
var guestLevels = [...]zerolog.Level{zerolog.TraceLevel, zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel, zerolog.ErrorLevel}

// lineLimit bounds a signal's log lines in a minute.
type lineLimit struct {
	perMinute int
	minute    time.Time
	lines     int
	dropped   int
}

// allow reports whether one more line may be logged. At the begin of a new minute it returns how many were dropped in
// the one before.
func (l *lineLimit) allow(now time.Time) (ok bool, dropped int) {
	if now.Sub(l.minute) >= time.Minute {
		dropped, l.dropped = l.dropped, 0
		l.minute, l.lines = now, 0
	}
	if l.perMinute > 0 && l.lines >= l.perMinute {
		l.dropped++
		return false, dropped
	}
	l.lines++
	return true, dropped
}

// takeLogs writes what the guest logged in its last call into the module's log.
func (r *runner) takeLogs(i Instance, w *Work) {
	if r.lines.perMinute == 0 {
		r.lines.perMinute = w.Spec.Limits.LogLinesPerMinute
	}
	now := time.Now()
	report := func(dropped int) {
		if dropped > 0 {
			r.counts.linesDropped.Add(int64(dropped))
			r.logger().Warn().Str("signal", string(r.name)).Str("guest", string(w.Spec.Name)).Int("dropped", dropped).Msg("guest logged too much")
		}
	}
	for line := range i.Logs() {
		ok, dropped := r.lines.allow(now)
		report(dropped)
		if ok {
			r.logger().WithLevel(guestLevels[line.Level]).Str("signal", string(r.name)).Str("guest", string(w.Spec.Name)).Msg(line.Text)
		}
	}
	r.lines.dropped += i.LogsDropped()
}
