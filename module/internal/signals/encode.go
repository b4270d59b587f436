package signals

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// stateVersion begins every encoded State.
const stateVersion = 1

// errState is what is wrong with bytes that are no encoded State.
var errState = errors.New("not the state of a signal")

// Flags of an encoded value, above its quality.
const (
	flagTimed   = 1 << 2
	flagPresent = 1 << 3
	flagSame    = 1 << 4 // of the value sent: it is the last known one
	flagQuality = 1<<2 - 1
)

// Append appends the state in its binary form: a version, the three times, the two values.
func (st *State) Append(dst []byte) []byte {
	dst = append(dst, stateVersion)
	for _, t := range [...]time.Time{st.taken, st.reported, st.beaten} {
		dst = appendTime(dst, t)
	}
	dst = st.known.append(dst)
	if st.sent == st.known {
		return append(dst, flagSame)
	}
	return st.sent.append(dst)
}

func (v *value) append(dst []byte) []byte {
	if !v.present() {
		return append(dst, 0)
	}
	flags := byte(v.quality) | flagPresent
	if v.timed {
		flags |= flagTimed
	}
	dst = appendTime(append(dst, flags), v.at)
	var scratch [64]byte
	text := v.appendText(scratch[:0])
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}

// appendTime writes the seconds and nanoseconds of Unix time. The year one, which is Go's zero, is among them.
func appendTime(dst []byte, t time.Time) []byte {
	return binary.AppendUvarint(binary.AppendVarint(dst, t.Unix()), uint64(t.Nanosecond()))
}

// DecodeState reads what Append wrote. The clock may have been set back since: what the state says happened later than
// now counts as happened now. After an error the stream begins anew.
func DecodeState(data []byte, now time.Time) (State, error) {
	d := decoder{rest: data}
	if d.byte() != stateVersion {
		return State{}, fmt.Errorf("decode state: %w", errState)
	}
	st := State{taken: d.time(), reported: d.time(), beaten: d.time()}
	st.known = d.value(value{})
	st.sent = d.value(st.known)
	if d.bad || len(d.rest) > 0 {
		return State{}, fmt.Errorf("decode state: %w", errState)
	}
	st.rewind(now)
	return st, nil
}

// decoder reads a binary form from its start. After the first wrong byte it is bad and returns zeros.
type decoder struct {
	rest []byte
	bad  bool
}

// take returns the next n bytes.
func (d *decoder) take(n uint64) []byte {
	if d.bad || n > uint64(len(d.rest)) {
		d.bad = true
		return nil
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uvarint() uint64 {
	u, n := binary.Uvarint(d.rest)
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.take(uint64(n))
	return u
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1) // zigzag, as encoding/binary has it
}

func (d *decoder) time() time.Time {
	seconds, nanoseconds := d.varint(), d.uvarint()
	if nanoseconds >= uint64(time.Second) {
		d.bad = true
	}
	if d.bad {
		return time.Time{}
	}
	return time.Unix(seconds, int64(nanoseconds)).UTC()
}

// value reads a value; known is what it is where it says that it is the same.
func (d *decoder) value(known value) value {
	flags := d.byte()
	switch {
	case flags == flagSame:
		return known
	case flags == 0:
		return value{}
	}
	v := value{quality: module.Quality(flags & flagQuality), timed: flags&flagTimed != 0, at: d.time()}
	text := d.take(d.uvarint())
	if flags&^(flagTimed|flagQuality) != flagPresent || v.quality > module.Bad || !json.Valid(text) {
		d.bad = true
		return value{}
	}
	v.text, v.number = makeText(text), parseNumber(text)
	return v
}
