package module

import "time"

// Reported is what the module says of itself in its twin: states, not counters. Zero fields are left out.
type Reported struct {
	SchemaVersion      string                       `json:"schemaVersion"`
	LastDesiredVersion int64                        `json:"lastDesiredVersion"`
	LastDesiredStatus  DesiredStatus                `json:"lastDesiredStatus"`
	Runtime            RuntimeInfo                  `json:"runtime"`
	Summary            Summary                      `json:"summary"`
	Guests             map[GuestName]ReportedEntry  `json:"guests,omitempty"`
	Signals            map[SignalName]ReportedEntry `json:"signals,omitempty"`
}

// DesiredStatus is edgeAgent's answer to a desired document.
type DesiredStatus struct {
	Code        int    `json:"code"`
	Description string `json:"description"`
}

// Codes of a DesiredStatus, edgeAgent's where it has one.
const (
	CodeOK            = 200
	CodePartial       = 206 // taken, with unknown keys of a newer schema ignored
	CodeInvalid       = 400 // something was refused; the description names it
	CodeSchemaVersion = 412
	CodeEmpty         = 417
	CodeFailed        = 500 // valid, but an entry did not start
)

// RuntimeInfo says what runs.
type RuntimeInfo struct {
	Module       string `json:"module"`   // version of this program
	Wasmtime     string `json:"wasmtime"` // version of the engine
	ABIs         string `json:"abis"`     // comma-separated, for example "edge/1"
	Architecture string `json:"architecture"`
	Storage      string `json:"storage,omitempty"`      // persistent or ephemeral, and what is wrong with it
	ClockSuspect bool   `json:"clockSuspect,omitempty"` // the wall clock is not to be believed
}

// Summary counts signals by state, for queries over a fleet.
type Summary struct {
	Signals     int `json:"signals"`
	Running     int `json:"running"`
	Failed      int `json:"failed"`
	Quarantined int `json:"quarantined"`
	RolledBack  int `json:"rolledBack"`
	Stopped     int `json:"stopped"`
	Slow        int `json:"slow"`
}

// ReportedEntry is the state of a guest or a signal.
type ReportedEntry struct {
	RuntimeStatus     RuntimeStatus `json:"runtimeStatus"`
	StatusDescription string        `json:"statusDescription,omitempty"`
	RunningVersion    int64         `json:"runningVersion,omitempty"` // where it is not lastDesiredVersion
	Digest            string        `json:"digest,omitempty"`
	RestartCount      int           `json:"restartCount,omitempty"`
	LastStartTimeUTC  *time.Time    `json:"lastStartTimeUtc,omitempty"`
}

// RuntimeStatus is edgeAgent's word for a state, and quarantined.
type RuntimeStatus string

// The states of a guest or a signal.
const (
	Unknown     RuntimeStatus = "unknown"     // not started yet
	Running     RuntimeStatus = "running"     // takes messages
	Backoff     RuntimeStatus = "backoff"     // ended badly, will be started again
	Failed      RuntimeStatus = "failed"      // could not be started, or may not be started again
	Quarantined RuntimeStatus = "quarantined" // ended badly too often; waits for a change of its entry
	Stopped     RuntimeStatus = "stopped"     // by the twin
	RolledBack  RuntimeStatus = "rolledBack"  // of a guest: the version before runs, since the desired one failed on probation
)
