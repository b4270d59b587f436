package edgehub

import (
	"errors"
	"fmt"
)

// Sentinel errors. Compare with errors.Is: what is returned may wrap them with the reason.
var (
	// ErrNotConnected: there is no connection at the moment; nothing was sent. Wait with WaitConnected,
	// or keep the message and send it after the next Connected event.
	ErrNotConnected = errors.New("not connected to edgeHub")

	// ErrConnectionLost: the connection ended before edgeHub answered. Whether edgeHub has the message is
	// not known; send it again, with the same "$.mid", if it must not be missing.
	ErrConnectionLost = errors.New("connection to edgeHub lost")
)

// RefusedError is a CONNACK other than "accepted". The client retries all of them: edgeHub answers 3 and 5
// while it cannot reach the cloud or does not know the module yet.
type RefusedError struct {
	Code byte // the CONNACK return code, 1 to 5
}

func (e *RefusedError) Error() string {
	reasons := [...]string{1: "unacceptable protocol version", "identifier rejected", "server unavailable", "bad user name or password", "not authorized"}
	reason := "unknown reason"
	if int(e.Code) < len(reasons) && e.Code > 0 {
		reason = reasons[e.Code]
	}
	return fmt.Sprintf("edgeHub refused the connection: %s (code %d)", reason, e.Code)
}

// StatusError is the answer of edgeHub to a twin request that did not succeed: 400 for what its validator
// refuses, 500 for anything else, 429 from IoT Hub. The reason is in edgeHub's log only.
type StatusError struct {
	Status int
}

func (e *StatusError) Error() string { return fmt.Sprintf("edgeHub answered status %d", e.Status) }

// TooLargeError is a message that edgeHub would answer by closing the connection. It was not sent.
type TooLargeError struct {
	Size  int // bytes of what is too large
	Limit int // bytes that it may have
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("message of %d bytes exceeds edgeHub's limit of %d", e.Size, e.Limit)
}

// PropertyError is an output name or a property that edgeHub would not understand; it acknowledges such a
// message and throws it away. The message was not sent.
type PropertyError struct {
	Name   string // the property, "$.on" for the output's name
	Reason string
}

func (e *PropertyError) Error() string { return fmt.Sprintf("property %q: %s", e.Name, e.Reason) }

// ReportedError is a reported patch that edgeHub's validator would refuse. It was not sent.
type ReportedError struct {
	Path   string // where in the patch, "" for the whole: "signals.press1.text"
	Reason string
}

func (e *ReportedError) Error() string {
	if e.Path == "" {
		return "reported patch: " + e.Reason
	}
	return fmt.Sprintf("reported patch: %q: %s", e.Path, e.Reason)
}
