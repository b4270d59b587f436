package module

import "regexp"

// Names are distinct types so that they cannot be mixed up on their way through the program. All of them
// come from the twin and match [ValidName].
type (
	// GuestName names an entry under desired guests, for example "threshold".
	GuestName string
	// SignalName names an entry under desired signals, for example "press1Temp".
	SignalName string
	// InputName names an edgeHub input of this module, for example "sensor".
	InputName string
	// OutputName names an edgeHub output of this module, for example "telemetry".
	OutputName string
)

// Outputs with a meaning of their own.
const (
	OutputTelemetry  OutputName = "telemetry"  // where a signal sends that names no output
	OutputDeadLetter OutputName = "deadletter" // where what cannot be processed goes; guests may not name it
	OutputNone       OutputName = ""           // what is sent stays inside the module, for signals that read this one
)

var validName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// ValidName reports whether a guest, signal, input, output or group may be called name: one to 64 of
// A–Z, a–z, 0–9, "_" and "-", which is safe in a twin key, a topic and a metric label alike.
func ValidName(name string) bool { return validName.MatchString(name) }
