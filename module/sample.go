package module

import "time"

// Sample is one value of a signal.
type Sample struct {
	Value           []byte    // JSON, with the digits that it had in the message; null where there is none
	SourceTimestamp time.Time // of the source, or of the arrival where the message has none
	Quality         Quality
	Reason          Reason
	Published       time.Time // of a heartbeat: when it was made; else zero
}

// Quality is how far a value can be trusted, in the classes of OPC UA's status codes.
type Quality int

// The classes, best first.
const (
	Good Quality = iota
	Uncertain
	Bad
)

// String returns the class as a sample spells it.
func (q Quality) String() string {
	return [...]string{"good", "uncertain", "bad"}[q]
}

// Reason is why a sample is sent.
type Reason int

// The reasons.
const (
	Change    Reason = iota // the value is reported because of itself
	First                   // it is the first of its signal since that began
	Heartbeat               // nothing else was due: it is the last known value
)

// String returns the reason as a sample spells it.
func (r Reason) String() string {
	return [...]string{"change", "first", "heartbeat"}[r]
}
