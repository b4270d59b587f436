package module

import "time"

// DeadLetter says why a message goes to the dead letters.
type DeadLetter struct {
	Reason      string     `json:"reason"` // one of the Reason constants, or the kind of a guest's error
	Description string     `json:"description,omitempty"`
	Signal      SignalName `json:"signal,omitempty"`
	Guest       GuestName  `json:"guest,omitempty"`
	Digest      string     `json:"digest,omitempty"`   // of the guest's binary
	Attempts    int        `json:"attempts,omitempty"` // how often the guest was called with it
	Input       InputName  `json:"input,omitempty"`
	Time        time.Time  `json:"time"`
}

// Reasons that the host gives; a guest's error gives its kind.
const (
	ReasonNoSignal         = "no-signal"          // no signal names the input
	ReasonSignalNotRunning = "signal-not-running" // it is backing off, quarantined or failed
	ReasonStateNotKept     = "state-not-kept"     // the guest's state could not be stored: the disk is full or fails
	ReasonTooLarge         = "message-too-large"  // an output exceeds what edgeHub takes
	ReasonInvalid          = "message-invalid"    // an output's name or property is none that edgeHub understands
	ReasonNotJSON          = "not-json"           // the signal has a selector, and the message is not JSON
	ReasonWrongFormat      = "wrong-format"       // it is JSON, and nothing in it is of its signal's format
)
