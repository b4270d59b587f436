package signals

import (
	"bytes"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// State is what the stages remember of one stream of values: one for each signal, key of its sources and partition.
// It is a plain value: a copy that was taken before a call of Take or Heartbeat puts all back if what came of the call
// was not committed. The zero State is that of a stream that has not begun. It outlives a change of the settings.
type State struct {
	known    value     // the last that was conditioned, sent or not; what heartbeats send
	sent     value     // the last that was sent, by itself or by a heartbeat, or skipped as the first; what deadbands compare with
	taken    time.Time // when the last value passed samplingInterval
	reported time.Time // when the last value was sent by itself; of the first value also where it was not sent
	beaten   time.Time // when the last heartbeat was due; of the first value its arrival
}

// value is a conditioned value. It can be copied and compared.
type value struct {
	text    text // empty where number is to be written in its shortest form, which is work for those that are sent
	number  number
	at      time.Time // of the source, or of the arrival
	timed   bool      // at is of the source
	quality module.Quality
}

func (v *value) present() bool { return v.number.kind != noNumber || v.text.len() > 0 }

func (v *value) null() bool { return v.text == nullText }

// sample returns the value as a sample of its own memory.
func (v *value) sample() module.Sample {
	var scratch [64]byte
	return module.Sample{Value: bytes.Clone(v.appendText(scratch[:0])), SourceTimestamp: v.at, Quality: v.quality}
}

// appendText appends the value as JSON.
func (v *value) appendText(dst []byte) []byte {
	if v.text.len() == 0 {
		return appendNumber(dst, v.number)
	}
	return v.text.appendTo(dst)
}

// know makes a reading the last known value. With the first of them the clock of the heartbeats starts.
func (st *State) know(r *reading, source, now time.Time) {
	if !st.known.present() {
		st.reported, st.beaten = now, now
	}
	st.known.text.set(r.text)
	st.known.number, st.known.quality = r.number, r.quality
	st.known.at, st.known.timed = source, !source.IsZero()
	if source.IsZero() {
		st.known.at = now.Round(0) // a date, which the monotonic clock has no part in
	}
}

// notes tells what is remarkable about the time of a value.
func (st *State) notes(f *Found, now time.Time) Notes {
	var notes Notes
	if f.Untimed {
		notes |= Untimed
	}
	if f.Timestamp.IsZero() {
		return notes
	}
	if st.known.timed && f.Timestamp.Before(st.known.at) {
		notes |= OutOfOrder
	}
	if f.Timestamp.Sub(now) > future {
		notes |= Future
	}
	return notes
}

// rewind answers a clock that was set back: what happened later than now happened now, so that every interval restarts
// and none lasts longer than it should.
func (st *State) rewind(now time.Time) {
	for _, t := range [...]*time.Time{&st.taken, &st.reported, &st.beaten} {
		if now.Before(*t) {
			*t = now
		}
	}
}

// text is JSON. What is short is held without memory of its own, so that a value that is held back costs none.
type text struct {
	long  string // where it is longer than short, else empty
	size  uint8  // of what is in short
	short [31]byte
}

var nullText = makeText(null)

func makeText(b []byte) text {
	var t text
	t.set(b)
	return t
}

func (t *text) set(b []byte) {
	if len(b) > len(t.short) {
		if t.long != string(b) {
			*t = text{long: string(b)}
		}
		return
	}
	*t = text{size: uint8(len(b))}
	copy(t.short[:], b)
}

func (t *text) len() int { return max(len(t.long), int(t.size)) }

func (t *text) appendTo(dst []byte) []byte {
	return append(append(dst, t.long...), t.short[:t.size]...)
}
