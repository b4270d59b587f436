package signals

import (
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// heartbeat is what heartbeatInterval and heartbeatBehavior ask for. Its zero value is none.
type heartbeat struct {
	interval time.Duration
	periodic bool // whatever else is sent; otherwise after an interval of silence
	good     bool // not while the last known value is bad
	only     bool // values are sent in no other way
	counted  bool // for diagnostics: not sent
}

func newHeartbeat(s module.Signal) heartbeat {
	if s.HeartbeatInterval <= 0 {
		return heartbeat{}
	}
	return heartbeat{
		interval: s.HeartbeatInterval,
		periodic: strings.HasPrefix(s.HeartbeatBehavior, "periodic"),
		good:     strings.Contains(s.HeartbeatBehavior, "LKG"),
		only:     strings.HasSuffix(s.HeartbeatBehavior, "DropValue"),
		counted:  strings.HasSuffix(s.HeartbeatBehavior, "DiagnosticsOnly"),
	}
}

// Due returns when the next heartbeat is to be made. It is zero where there is none to come: before the first value,
// and without an interval. Every call of Take and Heartbeat may move it.
func (s *Stages) Due(st *State) time.Time {
	if s.heartbeat.interval == 0 || !st.known.present() {
		return time.Time{}
	}
	if !s.heartbeat.periodic && st.reported.After(st.beaten) {
		return st.reported.Add(s.heartbeat.interval)
	}
	return st.beaten.Add(s.heartbeat.interval)
}

// Heartbeat makes the heartbeat that is due at now. There is a sample where the outcome is Passed. However late it is
// called, it makes one heartbeat and not those that were missed.
func (s *Stages) Heartbeat(st *State, now time.Time) (module.Sample, Outcome) {
	st.rewind(now)
	due := s.Due(st)
	if due.IsZero() || now.Before(due) {
		return module.Sample{}, Outcome{End: NotDue}
	}
	st.beaten = due // in step, unless a whole beat was missed
	if now.Sub(due) >= s.heartbeat.interval {
		st.beaten = now
	}
	switch {
	case s.heartbeat.good && (st.known.quality == module.Bad || st.known.null()):
		return module.Sample{}, Outcome{End: NoValue}
	case s.heartbeat.counted:
		return module.Sample{}, Outcome{End: DiagnosticsOnly}
	}
	st.sent = st.known
	sample := st.known.sample()
	sample.Reason, sample.Published = module.Heartbeat, now
	return sample, Outcome{}
}
