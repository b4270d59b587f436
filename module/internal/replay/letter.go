// Package replay reads dead letters back and makes the messages of them that they once were: from what was captured of an
// IoT Hub, and from the folder of dead letters on a device.
//
//	for letter, err := range replay.Read(file) { … }    // a capture, or a file of the folder
//	m := letter.Message()                               // as it came in
//
// # Concurrency
//
// It holds no state: everything may be called from any goroutine, and a Letter belongs to who read it.
package replay

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// prefix begins the names of the properties that a dead letter has beside those of its message.
const prefix = "deadletter-"

// Letter is a dead letter.
type Letter struct {
	module.DeadLetter
	ID        string // the same each time the letter is read: of 26 characters where the device gave it one
	Truncated int    // bytes that the body had before it was cut to fit edgeHub; 0: it is whole

	original module.Message
}

// Message returns the message as it came in: its body and properties, without those of the letter, and with the letter's
// ID as its own, by which a repeat is recognised.
func (l *Letter) Message() module.Message {
	m := module.Message{Body: l.original.Body, Properties: pipeline.Inherit(l.original.Properties, 4)}
	m.Properties = slices.DeleteFunc(m.Properties, func(p struct{ Name, Value string }) bool {
		return strings.HasPrefix(p.Name, prefix) || p.Name == pipeline.PropertyMessageType && p.Value == "deadletter"
	})
	m.Properties.Set(module.PropertyMessageID, l.ID)
	return m
}

// Unfit says why the letter's message cannot come in once more; "" where it can.
func (l *Letter) Unfit() string {
	switch {
	case l.Truncated > 0:
		return fmt.Sprintf("its body of %d bytes was cut; the whole is in the folder deadletters of the device", l.Truncated)
	case l.Reason == module.ReasonTooLarge, l.Reason == module.ReasonInvalid && l.Guest == "":
		return "it is a message that a signal sent, not one that came in"
	case l.Input == "":
		return "it names no input: a timer's tick"
	}
	return ""
}

// fromProperties makes a letter of a message that edgeHub was given as one; ok is false where it was another message.
func fromProperties(m module.Message) (l Letter, ok bool) {
	get := func(name string) string { return m.Properties.Value(prefix + name) }
	if get("reason") == "" {
		return Letter{}, false
	}
	l = Letter{ID: m.Properties.Value(module.PropertyMessageID), original: m}
	l.DeadLetter = module.DeadLetter{
		Reason: get("reason"), Description: get("description"), Signal: module.SignalName(get("signal")), Guest: module.GuestName(get("guest")),
		Digest: get("digest"), Input: module.InputName(get("input")),
	}
	l.Attempts, _ = strconv.Atoi(get("attempts"))
	l.Truncated, _ = strconv.Atoi(get("truncated"))
	l.Time, _ = time.Parse(time.RFC3339, get("time")) // the zero time where it is none
	l.ID = cmp.Or(l.ID, l.contentID())
	return l, true
}

// fromFolder makes a letter of a file of the folder. There lie messages that never became letters, and letters that did
// not fit edgeHub, with all that they say of themselves.
func fromFolder(kept store.KeptLetter) Letter {
	m := module.Message{Body: kept.Body, Properties: kept.Properties}
	if l, ok := fromProperties(m); ok {
		l.Truncated = 0
		return l
	}
	pipeline.Trace(&m.Properties, m.Properties, true) // as the letter would have
	l := Letter{DeadLetter: kept.DeadLetter, original: m}
	l.ID = l.contentID()
	return l
}

// contentID is the id of a letter that was given none: two letters with all in common are two copies of one.
func (l *Letter) contentID() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q\x00", l.Signal, l.Input, l.Time.UTC().Format(time.RFC3339Nano), l.original.Properties)
	h.Write(l.original.Body)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))[:26]
}
