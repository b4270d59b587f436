package pipeline

import (
	"crypto/sha256"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// Envelope is what samples have in common that share messages: their publish group, their output, the shape of the
// message, and what is said of it as a whole. It is not changed.
type Envelope struct {
	group      string
	output     module.OutputName
	payload    string
	properties module.Properties
	key        string // that of no other envelope
}

// NewEnvelope returns the envelope of a publish group.
func NewEnvelope(group string, output module.OutputName, payload string, properties module.Properties) *Envelope {
	e := &Envelope{group: group, output: output, payload: payload, properties: properties}
	sum := sha256.Sum256(e.encode())
	e.key = idEncoding.EncodeToString(sum[:16])
	return e
}

func (e *Envelope) encode() []byte {
	c := newEncoder(128)
	c.text(e.group)
	c.text(string(e.output))
	c.text(e.payload)
	c.message(module.Message{Properties: e.properties})
	return c.b
}

func decodeEnvelope(b []byte) (*Envelope, error) {
	d := newDecoder(b)
	group, output, payload := d.text(), module.OutputName(d.text()), d.text()
	properties := d.message().Properties
	return NewEnvelope(group, output, payload, properties), d.err
}

// encodeItem writes a sample, or what a guest emitted in its place, as it waits in its group.
func encodeItem(i *signals.Named) []byte {
	e := newEncoder(len(i.Value) + len(i.Raw) + 96)
	e.text(i.Signal)
	e.text(i.Partition)
	e.text(i.DisplayName)
	e.text(i.Unit)
	e.text(string(i.Value))
	e.time(i.SourceTimestamp)
	e.number(uint64(i.Quality))
	e.number(uint64(i.Reason))
	e.time(i.Published)
	e.text(string(i.Raw))
	return e.b
}

func decodeItem(b []byte) (signals.Named, error) {
	d := newDecoder(b)
	var i signals.Named
	i.Signal, i.Partition, i.DisplayName, i.Unit = d.text(), d.text(), d.text(), d.text()
	i.Value = d.take(d.number())
	i.SourceTimestamp = d.time()
	i.Quality = module.Quality(min(d.number(), uint64(module.Bad)))
	i.Reason = module.Reason(min(d.number(), uint64(module.Heartbeat)))
	i.Published = d.time()
	if raw := d.take(d.number()); len(raw) > 0 {
		i.Raw = raw
	}
	return i, d.err
}

// time writes a time to the nanosecond; the zero time too.
func (e *encoder) time(t time.Time) {
	if t.IsZero() {
		e.number(0)
		return
	}
	e.number(uint64(t.UnixNano()))
}

func (d *decoder) time() time.Time {
	n := d.number()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n))
}
