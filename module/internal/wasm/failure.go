package wasm

/*
#include "host.h"
*/
import "C"

import (
	"fmt"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const (
	trapStackOverflow = 0
	trapOutOfBounds   = 1
	trapUnreachable   = 9

	lastWords = 256 // bytes of a guest's log that go with its error
)

// failure turns an end that is not OK into an error and marks the instance dead: a trap in the middle of a guest
// leaves its stack pointer and heap half changed, so that even an innocent call would fail.
func (i *Instance) failure(op string, end C.woe_end) error {
	if end == C.WOE_OK {
		return nil
	}
	i.dead = true
	detail := string(viewOf(&i.c.detail))
	switch end {
	case C.WOE_EXIT:
		e := i.newError(op, module.KindExit, detail)
		e.Hint = "a guest returns from its functions; it must not call exit"
		return e
	case C.WOE_DEADLINE:
		e := i.newError(op, module.KindDeadline, fmt.Sprintf("used up its %v%s", i.deadlineOf(op), where(detail)))
		e.Hint = fmt.Sprintf("raise limits.%s if it needs longer", limitOf(op))
		return e
	case C.WOE_POINTER:
		return i.newError(op, module.KindABI, detail)
	case C.WOE_CALLED_OFF:
		return i.newError(op, module.KindHost, detail)
	case C.WOE_NO_MEMORY:
		e := i.newError(op, module.KindMemory, "edge_alloc returned 0"+i.memoryUse())
		e.Hint = "raise limits.memoryMiB"
		return e
	case C.WOE_TRAP:
		return i.trap(op, detail)
	}
	return i.newError(op, module.KindHost, detail)
}

// trap names a trap. The engine does not tell that a memory could not grow, but a guest whose memory is full and that
// then gives up, as allocators do, has most likely run into its limit. One that asked for a large piece may have.
func (i *Instance) trap(op, detail string) error {
	e := i.newError(op, module.KindTrap, detail)
	switch {
	case i.c.trap_code == trapStackOverflow:
		e.Hint = "raise limits.stackKiB if the recursion is meant"
	case i.c.trap_code != trapUnreachable && i.c.trap_code != trapOutOfBounds:
	case i.Memory()+64<<10 > i.limits.Memory:
		e.Kind = module.KindMemory
		e.Message += i.memoryUse()
		e.Hint = "raise limits.memoryMiB"
	case 2*i.Memory() > i.limits.Memory:
		e.Message += i.memoryUse()
		e.Hint = "raise limits.memoryMiB if it ran out of memory"
	}
	return e
}

func (i *Instance) memoryUse() string {
	return fmt.Sprintf(" with %.1f of %.1f MiB of memory in use", mib(i.Memory()), mib(i.limits.Memory))
}

func (i *Instance) newError(op string, kind module.GuestErrorKind, message string) *module.GuestError {
	return &module.GuestError{Guest: i.guest.name, Signal: i.signal, Op: op, Kind: kind,
		Message: strings.ToValidUTF8(message, "�"), Output: i.lastWords()}
}

// reason returns what the guest gave to fail, or a sentence that it gave nothing.
func (i *Instance) reason() string {
	if reason := strings.ToValidUTF8(string(viewOf(&i.c.reason)), "�"); reason != "" {
		return reason
	}
	return "the guest gave no reason"
}

// lastWords returns the end of what the guest logged in the call that failed.
func (i *Instance) lastWords() string {
	var words []string
	for line := range i.Logs() {
		words = append(words, line.Text)
	}
	return lastOf(strings.Join(words, " | "))
}

// lastOf returns the end of a text that may be long.
func lastOf(text string) string {
	if len(text) > lastWords {
		text = "…" + text[len(text)-lastWords:]
	}
	return strings.ToValidUTF8(text, "")
}

// limitOf returns the limit that gives op its time.
func limitOf(op string) string {
	if op == "instantiate" || op == "configure" {
		return "startMs"
	}
	return "deadlineMs"
}

func (i *Instance) deadlineOf(op string) string {
	if limitOf(op) == "startMs" {
		return fmt.Sprintf("%v to start", startDeadline(i.limits))
	}
	return fmt.Sprintf("%v of processor time", i.limits.Deadline)
}

// where returns the place in a backtrace, without the words before it.
func where(detail string) string {
	if _, place, ok := strings.Cut(detail, " at "); ok {
		return " at " + place
	}
	return ""
}
