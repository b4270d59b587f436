package edge

// Guest is a program for the sandbox. S is the type of its settings, struct{} where it has none; see
// [Guest.Settings] for how the twin's JSON becomes one. Set Sample or Message, not both, or Tick, or one of
// the two and Tick.
type Guest[S any] struct {
	// Settings are the defaults: what holds for each setting that the twin does not name.
	//
	// Keys of the twin go to the fields of S by their json tag or, without one, by their name with a small
	// first letter. Fields may be bool, int, int64, float64 and string, structs of these, and pointers to and
	// slices of all that; a pointer that stays nil tells "not set" from zero. Refused, with the key, are
	// settings of a wrong type and keys that S does not have. A type that has UnmarshalJSON decodes itself,
	// with encoding/json for example. One that has Validate() error is asked whether the settings make sense
	// together. When settings are refused, the previous ones stay at work.
	Settings S

	// Configure is called with settings that were found valid, before the first message and at each change.
	// An error refuses them too, so it is to be returned before anything of the guest has changed. Optional.
	Configure func(h *Host, settings *S) error

	// Sample is called with each sample of a signal: one that has a selector or a node in the twin.
	Sample func(h *Host, sample *Sample, settings *S) (Verdict, error)

	// Message is called with the body of each message of a signal without a selector, and of a sample too
	// where Sample is not set. The body is valid until the handler returns.
	Message func(h *Host, body []byte, settings *S) (Verdict, error)

	// Tick is called at each tick of a signal whose source is "timer".
	Tick func(h *Host, settings *S) (Verdict, error)
}

// Verdict is what a guest says of the message it was given. It speaks of the input alone: what was emitted
// is sent in any case, before a message that is passed on.
type Verdict int32

// The verdicts.
const (
	Drop Verdict = 0 // the message is not passed on
	Pass Verdict = 1 // the message is passed on unchanged; a passed tick is done
	Done Verdict = 2 // what was emitted is the result
)

// failed is the verdict that goes with an error.
const failed Verdict = -1

// PassIf returns [Pass] where the condition holds, else [Drop].
func PassIf(condition bool) Verdict {
	if condition {
		return Pass
	}
	return Drop
}
