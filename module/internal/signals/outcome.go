package signals

// Outcome is what became of one value, or of a heartbeat: where it ended, and what was remarkable about it.
type Outcome struct {
	End   End
	Notes Notes
}

// Passed reports whether there is a sample to send.
func (o Outcome) Passed() bool { return o.End == Passed }

// End is the stage at which a value ended.
type End int

// The ends, in the order of the stages.
const (
	Passed          End = iota // all stages: there is a sample
	NoValue                    // there is no value, and no status that says why
	SampledOut                 // it came within samplingInterval of the one before
	OutOfRange                 // it is beyond the range, and rangeAction is drop
	Unchanged                  // dataChangeTrigger and deadband hold it back
	SkippedFirst               // it is the first, and skipFirst is set
	HeartbeatsOnly             // heartbeatBehavior drops values, and sends them with the next heartbeat
	NotDue                     // of a heartbeat: it is not time for it
	DiagnosticsOnly            // of a heartbeat: it is counted and not sent
)

// Ends is how many ends there are.
const Ends = len(ends)

var ends = [...]string{"passed", "noValue", "sampledOut", "outOfRange", "unchanged", "skippedFirst", "heartbeatsOnly", "notDue", "diagnosticsOnly"}

// String returns the end as a metric or a log names it, for example "sampledOut".
func (e End) String() string { return ends[e] }

// Notes are what was remarkable about a value, wherever it ended. Each is worth a count.
type Notes uint8

// The notes, which may come together.
const (
	Invalid    Notes = 1 << iota // it is not what dataType asks for: its sample is null and bad
	Strayed                      // it is beyond the range
	OutOfOrder                   // its source timestamp is before that of the value before
	Future                       // its source timestamp is more than a minute after its arrival
	Untimed                      // its source timestamp cannot be read: the time of arrival stands for it
)

// NoteKinds is how many notes there are.
const NoteKinds = 5

// Has reports whether all of the given notes are among these.
func (n Notes) Has(notes Notes) bool { return n&notes == notes }
