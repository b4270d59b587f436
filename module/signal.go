package module

import (
	"encoding/json"
	"time"
)

// Signal is a named binding source → (select, sample, scale, deadband) → guest → output, resolved: built-in
// defaults, signalDefaults, template and the signal's own entry are merged, placeholders replaced.
type Signal struct {
	Name    SignalName        `json:"name"`
	Status  Status            `json:"status"`
	Source  Source            `json:"source"`
	Sources map[string]Source `json:"sources,omitempty"` // several, by the key that the guest reads as $source

	// Where samples are in a message.
	Format            Format            `json:"format"`
	Selector          string            `json:"selector,omitempty"` // JSON Pointer; empty: whole messages
	Where             map[string]string `json:"where,omitempty"`    // pointer → value
	TimestampSelector string            `json:"timestampSelector,omitempty"`
	QualitySelector   string            `json:"qualitySelector,omitempty"`
	Node              string            `json:"node,omitempty"`
	PartitionBy       string            `json:"partitionBy,omitempty"`
	MaxPartitions     int               `json:"maxPartitions,omitempty"`

	// What becomes of a value.
	DataType    string   `json:"dataType"`
	Scale       float64  `json:"scale"`
	Offset      float64  `json:"offset"`
	RangeMin    *float64 `json:"rangeMin,omitempty"`
	RangeMax    *float64 `json:"rangeMax,omitempty"`
	RangeAction string   `json:"rangeAction"`
	Unit        string   `json:"unit,omitempty"`
	DisplayName string   `json:"displayName,omitempty"`

	// When it is reported.
	SamplingInterval  time.Duration `json:"samplingInterval,omitempty"`
	DeadbandType      string        `json:"deadbandType"`
	DeadbandValue     float64       `json:"deadbandValue,omitempty"`
	DataChangeTrigger string        `json:"dataChangeTrigger,omitempty"`
	HeartbeatInterval time.Duration `json:"heartbeatInterval,omitempty"`
	HeartbeatBehavior string        `json:"heartbeatBehavior,omitempty"`
	SkipFirst         bool          `json:"skipFirst,omitempty"`

	// Where it goes.
	Guest        GuestName         `json:"guest,omitempty"` // empty: a host-only signal
	PublishGroup string            `json:"publishGroup,omitempty"`
	QueueSize    int               `json:"queueSize,omitempty"`
	DiscardNew   bool              `json:"discardNew,omitempty"`
	Output       OutputName        `json:"output"`
	Payload      string            `json:"payload"`
	Properties   map[string]string `json:"properties,omitempty"`
	Settings     json.RawMessage   `json:"settings,omitempty"` // a JSON object, merged over the guest's
}

// Source says what a signal works on.
type Source struct {
	Kind SourceKind `json:"kind"`
	Name string     `json:"name,omitempty"` // of the input or the signal; empty for a timer
}

// String returns the source as the twin spells it, for example "input:sensor".
func (s Source) String() string {
	if s.Kind == SourceTimer {
		return string(s.Kind)
	}
	return string(s.Kind) + ":" + s.Name
}

// SourceKind tells inputs, signals and timers apart.
type SourceKind string

// Format says how samples are found in a message.
type Format string

// The values of the types above, as they are spelled in the twin.
const (
	SourceInput  SourceKind = "input"
	SourceSignal SourceKind = "signal"
	SourceTimer  SourceKind = "timer"

	FormatJSON       Format = "json"
	FormatOPCSamples Format = "opcSamples"
	FormatOPCPubSub  Format = "opcPubSub"
	FormatModbus     Format = "modbus"
)
