package module

import "time"

// Desired is what the twin asks for, validated and resolved entry by entry. An entry that was refused is
// absent from Guests or Signals and named by a Finding.
type Desired struct {
	Version       int64 // desired $version
	SchemaVersion string
	Module        ModuleSettings
	Guests        map[GuestName]GuestSpec
	Signals       map[SignalName]Signal
	Groups        map[string]PublishGroup
	Findings      []Finding
}

// ModuleSettings are the settings of the module as a whole; all of them are live.
type ModuleSettings struct {
	LogLevel             string // trace, debug, info, warn, error
	OutboxBytes          int64
	OutboxFull           string // block, OutboxDropOldest
	SpoolBytesPerSignal  int64
	UnclaimedInputs      string // deadletter, drop: what becomes of an input that no signal names
	OnUnavailable        string // deadletter, drop: what becomes of a message whose signal is not running
	DeadLettersPerMinute int
	OriginProperties     bool // add sourceDeviceId and sourceModuleId
	DownloadJitter       time.Duration
}

// The two answers to a message that nobody can take.
const (
	ActionDeadLetter = "deadletter"
	ActionDrop       = "drop"
)

// OutboxDropOldest is the answer to a full outbox that loses results.
const OutboxDropOldest = "dropOldest"

// PublishGroup gathers the samples of many signals into one message.
type PublishGroup struct {
	Interval   time.Duration
	MaxBytes   int
	MaxSamples int
}

// Finding is one thing that is wrong with a desired document, or worth saying about it.
type Finding struct {
	Path     string   // JSON path of the culprit, for example "signals.press1Temp.deadbandValue"
	Reason   string   // what is wrong, in words for the operator
	Hint     string   // what to do about it; may be empty
	Severity Severity // whether its entry was refused
	Entry    Entry    // the entry refused with it; zero: the whole document
}

// String returns the finding in one line: path, reason and hint.
func (f Finding) String() string {
	text := f.Reason
	if f.Path != "" {
		text = f.Path + ": " + text
	}
	if f.Hint != "" {
		text += " (" + f.Hint + ")"
	}
	return text
}

// Severity tells refusals from remarks.
type Severity int

// Severities, gravest first.
const (
	Refused Severity = iota // the entry (or the document) is not taken
	Ignored                 // an unknown key of a newer minor schema version was passed over
	Warning                 // taken, but probably not meant
)

// Entry names one entry of the twin, the unit in which a change is taken or refused.
type Entry struct {
	Kind EntryKind
	Name string
}

// EntryKind says under which key an entry stands.
type EntryKind string

// The kinds of entries.
const (
	EntryModule EntryKind = "module"
	EntryGuest  EntryKind = "guests"
	EntrySignal EntryKind = "signals"
	EntryGroup  EntryKind = "publishGroups"
)

// DocumentRefused reports whether the document as a whole was refused: then it changes nothing.
func (d *Desired) DocumentRefused() bool { return d.Refuses(Entry{}) }

// Refuses reports whether the entry was refused; its last good stays at work.
func (d *Desired) Refuses(entry Entry) bool {
	for _, f := range d.Findings {
		if f.Severity == Refused && f.Entry == entry {
			return true
		}
	}
	return false
}
