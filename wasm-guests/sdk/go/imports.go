package edge

// Imports are the host functions of the edge/1 interface under their names there; pointer and length have
// become strings and slices, which the host copies before it returns. In the sandbox they are the functions
// that the binary imports, in native tests those of package edgetest. Guests use them through [Host].
type Imports interface {
	// Emit queues a message: 0, -1 over a limit, -2 for a name or key that is not allowed.
	// An empty output means the signal's own; bag is the properties as "name=value&name=value", percent-encoded.
	Emit(output string, body, bag []byte) int32
	// Property copies as much of a property of the message at hand as fits and returns its full length, or -1.
	Property(name string, buf []byte) int32
	// Fail tells the reason that goes with a negative result of the call at hand.
	Fail(reason string)
	// Log writes a line; level counts from 0, trace, to 5, critical.
	Log(level int32, text string)
	// Now returns Unix time in milliseconds.
	Now() int64
	// StateGet copies as much of a stored value as fits and returns its full length, or -1.
	StateGet(key string, buf []byte) int32
	// StateSet stores a value: 0, or -1 over the quota.
	StateSet(key string, value []byte) int32
	// StateDelete forgets a value.
	StateDelete(key string) int32
	// Metric counts (kind 0), gauges (1) or observes (2) a value.
	Metric(kind int32, name string, value float64)
}

// Results of Emit.
const (
	codeLimit      = -1
	codeNotAllowed = -2
)

// Kinds of metrics.
const (
	metricCounter   = 0
	metricGauge     = 1
	metricHistogram = 2
)
