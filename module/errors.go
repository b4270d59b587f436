package module

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// GuestError is a call, or a start, of a guest that ended badly.
type GuestError struct {
	Guest   GuestName
	Signal  SignalName
	Op      string // what was tried: "compile", "instantiate", "configure", "call edge_message"
	Kind    GuestErrorKind
	Message string // what the engine or the guest says, with the Wasm backtrace of a trap
	Output  string // the guest's last words: the tail of its log
	Hint    string // what to do about it; may be empty
}

// GuestErrorKind is one of the ways a guest ends badly.
type GuestErrorKind string

// The kinds of guest errors. They are the reasons that dead letters, reported properties and metrics give.
const (
	KindTrap     GuestErrorKind = "trap"     // the Wasm code trapped
	KindExit     GuestErrorKind = "exit"     // it called proc_exit
	KindDeadline GuestErrorKind = "deadline" // it used up its time
	KindMemory   GuestErrorKind = "memory"   // it does not fit its memory limit
	KindABI      GuestErrorKind = "abi"      // it broke the contract: a bad pointer, verdict or export
	KindRefused  GuestErrorKind = "refused"  // it refused its settings
	KindFailed   GuestErrorKind = "failed"   // it returned a negative verdict
	KindInvalid  GuestErrorKind = "invalid"  // not a binary that this host can run
	KindHost     GuestErrorKind = "host"     // the host could not do its part
)

// Error returns everything but the hint, in one line.
func (e *GuestError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s guest %q", e.Op, e.Guest)
	if e.Signal != "" {
		fmt.Fprintf(&b, " for signal %q", e.Signal)
	}
	fmt.Fprintf(&b, ": %s", e.Kind)
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", strings.Join(strings.Fields(e.Message), " "))
	}
	if e.Output != "" {
		fmt.Fprintf(&b, "; last words: %q", e.Output)
	}
	return b.String()
}

// Is lets callers ask for a deadline without knowing kinds.
func (e *GuestError) Is(target error) bool {
	return target == context.DeadlineExceeded && e.Kind == KindDeadline
}

// Terminal reports whether trying again cannot help before the entry changes: the binary is not one that
// this host runs, the guest refused its settings or does not fit its limits.
func Terminal(err error) bool {
	if e, ok := errors.AsType[*GuestError](err); ok {
		return e.Kind == KindInvalid || e.Kind == KindRefused || e.Kind == KindMemory
	}
	return false
}
