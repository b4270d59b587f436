package supervise

import (
	"time"

	"github.com/rs/zerolog"
)

// guestLevels are zerolog's for edge/1's, 0 trace to 5 critical.
var guestLevels = [...]zerolog.Level{zerolog.TraceLevel, zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel, zerolog.ErrorLevel}

// deadLetterLines is how many dead letters of a signal are named in the log in a minute.
const deadLetterLines = 10

// lineLimit bounds how many lines are written in a minute.
type lineLimit struct {
	minute  time.Time // its begin
	lines   int
	dropped int
}

// turn begins a new minute where the last one is over, and returns how many lines were dropped in that.
func (l *lineLimit) turn(now time.Time) (dropped int) {
	if now.Sub(l.minute) < time.Minute {
		return 0
	}
	dropped = l.dropped
	*l = lineLimit{minute: now}
	return dropped
}

// allow reports whether one more line may be written in this minute.
func (l *lineLimit) allow(perMinute int) bool {
	if l.lines >= perMinute {
		l.dropped++
		return false
	}
	l.lines++
	return true
}

// takeLogs writes what the guest of w logged in its last call into the module's log.
func (r *runner) takeLogs(i Instance, w *Work) {
	if dropped := r.guestLines.turn(time.Now()); dropped > 0 {
		r.event(zerolog.WarnLevel, w).Int("dropped", dropped).Msg("guest logged more than its logLinesPerMinute")
	}
	dropped := int64(i.LogsDropped())
	r.guestLines.dropped += int(dropped)
	for line := range i.Logs() {
		if !r.guestLines.allow(w.Spec.Limits.LogLinesPerMinute) {
			dropped++
			continue
		}
		level := min(max(line.Level, 0), len(guestLevels)-1)
		r.event(guestLevels[level], w).Msg(line.Text)
		r.rememberLine(w, line)
	}
	r.counts.linesDropped.Add(dropped)
}

// logDeadLetter names a message that goes to the dead letters, unless many do.
func (r *runner) logDeadLetter(err error, attempts int) {
	if dropped := r.deadLetterLines.turn(time.Now()); dropped > 0 {
		r.event(zerolog.WarnLevel, &r.work).Int("more", dropped).Msg("more messages went to the dead letters in the minute before")
	}
	if r.deadLetterLines.allow(deadLetterLines) {
		r.event(zerolog.WarnLevel, &r.work).Int("attempts", attempts).Msgf("message goes to the dead letters: %v", err)
	}
}

// event begins a line about the signal.
func (r *runner) event(level zerolog.Level, w *Work) *zerolog.Event {
	e := r.supervisor.config.Log.WithLevel(level).Str("signal", string(r.name))
	if r.partition != "" {
		e.Str("partition", r.partition)
	}
	if w.Spec.Name != "" {
		e.Str("guest", string(w.Spec.Name))
	}
	return e
}
