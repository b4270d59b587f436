package pipeline

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// recordVersion is the first byte of what is stored. A reader takes its own and the one before.
const recordVersion = 1

// errRecord means that what is stored is not what this version, or the one before, has written.
var errRecord = errors.New("stored record cannot be read")

// The tables of the journal. Those of a signal end with its name.
const (
	tableOutbox = "outbox"
	tableSpool  = "spool/"
	tableState  = "state/"
	tableSeen   = "seen/"
	tableOwn    = "own/"
	tableStages = "stages/"
	tableGroup  = "group/"

	tableSnapshot = "snapshot/"
)

// sequenceKey is the key of the n-th record of a table that is read in order.
func sequenceKey(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

// sequenceOf is the inverse of sequenceKey; 0 for a key that is none.
func sequenceOf(key string) uint64 {
	if len(key) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(key))
}

// encoder writes a record: numbers as varints, texts with their lengths before them.
type encoder struct{ b []byte }

func newEncoder(size int) *encoder { return &encoder{append(make([]byte, 0, size), recordVersion)} }

func (e *encoder) number(n uint64) { e.b = binary.AppendUvarint(e.b, n) }

func (e *encoder) text(s string) {
	e.number(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) message(m module.Message) {
	e.number(uint64(len(m.Properties)))
	for _, p := range m.Properties {
		e.text(p.Name)
		e.text(p.Value)
	}
	e.number(uint64(len(m.Body)))
	e.b = append(e.b, m.Body...)
}

// decoder reads a record. After an error everything it returns is empty.
type decoder struct {
	b   []byte
	err error
}

func newDecoder(b []byte) *decoder {
	d := &decoder{b: b}
	if version := d.take(1); d.err == nil && version[0] != recordVersion {
		d.fail()
	}
	return d
}

func (d *decoder) fail() { d.b, d.err = nil, errRecord }

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail()
		return nil
	}
	taken := d.b[:n:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.b)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[size:]
	return n
}

func (d *decoder) text() string { return string(d.take(d.number())) }

func (d *decoder) message() (m module.Message) {
	for n := d.number(); n > 0 && d.err == nil; n-- {
		name := d.text()
		m.Properties = append(m.Properties, struct{ Name, Value string }{name, d.text()})
	}
	m.Body = d.take(d.number())
	return m
}

// A result is stored with what a dead letter in its place would say.
func encodeResult(r *result) []byte {
	e := newEncoder(int(r.size) + 64)
	e.text(string(r.output))
	e.text(string(r.signal))
	e.text(string(r.input))
	e.message(r.Message)
	return e.b
}

func decodeResult(b []byte) (*result, error) {
	d := newDecoder(b)
	r := &result{output: module.OutputName(d.text()), signal: module.SignalName(d.text()), input: module.InputName(d.text())}
	r.Message = d.message()
	return r, d.err
}

func encodeShare(s *Share) []byte {
	e := newEncoder(int(sizeOf(s.Message)) + 64)
	e.text(s.Identity)
	e.text(string(s.Input))
	e.text(s.Source)
	e.number(uint64(s.Received.UnixNano()))
	e.message(s.Message)
	return e.b
}

func decodeShare(b []byte) (*Share, error) {
	d := newDecoder(b)
	s := &Share{Identity: d.text(), Input: module.InputName(d.text()), Source: d.text()}
	s.Received = time.Unix(0, int64(d.number()))
	s.Message = d.message()
	return s, d.err
}
