package module

// Effects are what a call of a guest that ended well leaves behind. A call is a transaction: all of it takes effect,
// or nothing.
type Effects struct {
	Emitted []Emitted
	State   []StateChange
	Metrics []Metric
}

// Emitted is a message that a guest asked to send. An empty Output means the signal's own.
type Emitted struct {
	Output OutputName
	Message
}

// StateChange is a key of the signal's state that the call set, or deleted.
type StateChange struct {
	Key    string
	Value  []byte
	Delete bool
}

// Metric is a measurement that a guest reported.
type Metric struct {
	Kind  int // 0 counter, 1 gauge, 2 histogram
	Name  string
	Value float64
}

// LogLine is a line that a guest logged. Level counts from 0 (trace) to 5 (critical).
type LogLine struct {
	Level int
	Text  string
}
