package signals

import (
	"fmt"
	"math"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Stages are what a signal's settings make of its values. They do not change; what they have to remember is in the
// State that is handed to them.
type Stages struct {
	dataType string
	numeric  bool // values are to be numbers
	linear   *linear

	min, max    *bound
	rangeAction string

	sampling  time.Duration
	trigger   string
	deadband  float64 // in the unit of the values; zero without one
	timestamp bool    // a new source timestamp is a change
	skipFirst bool

	heartbeat heartbeat
}

// Remembering reports whether what becomes of a value depends on those before it.
func (s *Stages) Remembering() bool {
	return s.trigger != triggerAlways || s.sampling > 0 || s.skipFirst || s.heartbeat != (heartbeat{})
}

// bound is an end of the range, and what a clamped value becomes.
type bound struct {
	at     float64
	number number
}

// Words of the twin.
const (
	typeInt64   = "int64"
	typeDouble  = "double"
	typeBoolean = "boolean"
	typeString  = "string"
	typeJSON    = "json"

	actionClamp = "clamp"
	actionDrop  = "drop"

	deadbandAbsolute = "absolute"
	deadbandPercent  = "percent"

	triggerStatus    = "status"
	triggerTimestamp = "statusValueTimestamp"
	triggerAlways    = "always"
)

// future is how far a source's clock may be ahead before its timestamps are counted as of the future.
const future = time.Minute

// NewStages prepares the stages of a signal.
func NewStages(s module.Signal) (*Stages, error) {
	st := &Stages{
		dataType: s.DataType, linear: newLinear(s.Scale, s.Offset), rangeAction: s.RangeAction,
		sampling: s.SamplingInterval, trigger: s.DataChangeTrigger, skipFirst: s.SkipFirst,
		heartbeat: newHeartbeat(s),
	}
	switch s.DataType {
	case typeDouble, typeInt64:
		st.numeric = true
	case typeBoolean, typeString, typeJSON:
	default: // auto: whoever scales or bounds values means numbers
		st.numeric = st.linear != nil || s.RangeMin != nil || s.RangeMax != nil
	}
	st.min = newBound(s.RangeMin, s.DataType, math.Ceil)
	st.max = newBound(s.RangeMax, s.DataType, math.Floor)
	st.timestamp = s.DataChangeTrigger == triggerTimestamp && s.DeadbandType != deadbandAbsolute && s.DeadbandType != deadbandPercent
	return st, st.setDeadband(s)
}

// newBound returns an end of the range; inwards leads to the nearest integer within it.
func newBound(at *float64, dataType string, inwards func(float64) float64) *bound {
	if at == nil {
		return nil
	}
	n := number{kind: floating, float: *at}
	if dataType == typeInt64 {
		if i, ok := (number{kind: floating, float: inwards(*at)}).round(); ok {
			n = i
		}
	}
	return &bound{at: *at, number: n}
}

func (s *Stages) setDeadband(signal module.Signal) error {
	switch signal.DeadbandType {
	case deadbandAbsolute:
		s.deadband = max(signal.DeadbandValue, 0)
	case deadbandPercent:
		if s.min == nil || s.max == nil {
			return fmt.Errorf("prepare signal %q: a deadband in percent needs a range", signal.Name)
		}
		s.deadband = (s.max.at - s.min.at) * min(max(signal.DeadbandValue, 0), 100) / 100
	}
	return nil
}

// Take brings a value that arrived at now through the stages, and reports what became of it. The sample is of use
// where the outcome is Passed; its memory is its own.
func (s *Stages) Take(st *State, f Found, now time.Time) (module.Sample, Outcome) {
	st.rewind(now)
	if f.Quality == module.Good && absent(f.Value) {
		return module.Sample{}, Outcome{End: NoValue}
	}
	if !st.taken.IsZero() && now.Sub(st.taken) < s.sampling {
		return module.Sample{}, Outcome{End: SampledOut}
	}
	st.taken = now

	var scratch [32]byte
	r, ok := s.condition(f, scratch[:0])
	notes := r.notes | st.notes(&f, now)
	if !ok {
		return module.Sample{}, Outcome{End: OutOfRange, Notes: notes}
	}
	first := !st.known.present()
	st.know(&r, f.Timestamp, now)
	if end := s.report(st, first); end != Passed {
		return module.Sample{}, Outcome{End: end, Notes: notes}
	}
	st.reported = now
	sample := st.known.sample()
	if first {
		sample.Reason = module.First
	}
	return sample, Outcome{Notes: notes}
}

// report decides whether the last known value is reported by itself, and what it is compared with from now on.
func (s *Stages) report(st *State, first bool) End {
	switch {
	case s.heartbeat.only:
		return HeartbeatsOnly
	case !s.changed(&st.sent, &st.known):
		return Unchanged
	}
	st.sent = st.known
	if first && s.skipFirst {
		return SkippedFirst
	}
	return Passed
}

// changed reports whether a value differs from the last one sent in what dataChangeTrigger looks at.
func (s *Stages) changed(sent, v *value) bool {
	switch {
	case !sent.present() || v.quality != sent.quality:
		return true
	case s.trigger == triggerStatus:
		return false
	case v.null():
		return !sent.null() // to say again that there is no value tells nothing, whatever the trigger
	case s.trigger == triggerAlways:
		return true
	case s.timestamp && v.timed && !v.at.Equal(sent.at):
		return true
	case v.number.kind != noNumber && sent.number.kind != noNumber:
		return v.number.beyond(sent.number, s.deadband)
	}
	return v.text != sent.text
}
