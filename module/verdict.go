package module

// Verdict is what a guest says of the message it was given. It speaks of the input alone: what the guest
// emitted is sent for every verdict that is not negative.
type Verdict int32

// The verdicts. A negative one means failed; more than Done is a breach of the ABI.
const (
	Drop Verdict = 0 // the message is not passed on
	Pass Verdict = 1 // the message is passed on unchanged, after what was emitted
	Done Verdict = 2 // what was emitted is the result
)
