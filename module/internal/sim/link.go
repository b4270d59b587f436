package sim

import (
	"errors"
	"time"
)

// link is how a module is reached: over its connection, or in this process. There is at most one at a time. All of
// its methods are called with the peer's lock held and must not wait for anything.
type link interface {
	// wantsInputs reports whether the module has subscribed to inputs.
	wantsInputs() bool
	// free reports whether another input may be in flight.
	free() bool
	// deliver hands an input over.
	deliver(d *delivery, m *message) outcome
	// release takes note that a delivery is given up.
	release()
	// patch tells the module of a desired patch that made version, if it listens.
	patch(version int64, body []byte)
	// request asks for a direct method and reports whether the module listens for them. The answer comes to
	// peer.answer.
	request(rid, method string, payload []byte) bool
	// expires returns when the link must be closed if nothing happens, zero for never.
	expires() time.Time
	// tokenExpires returns when the credentials of the link end, zero for never.
	tokenExpires() time.Time
	// close ends the link for a reason.
	close(cause error)
}

// outcome says what became of a delivery.
type outcome int

const (
	delivered outcome = iota // the acknowledgement is to come
	finished                 // no acknowledgement is to come: QoS 0
	rejected                 // no subscription takes the topic; edgeHub forgets the message
)

// Reasons for which a connection ends. Observer.Disconnected and the log tell them.
var (
	errReplaced     = errors.New("replaced by a newer connection")
	errTokenExpired = errors.New("token expired")
	errKeepAlive    = errors.New("nothing heard within one and a half times the keep-alive interval")
	errNotReading   = errors.New("client does not read what is sent")
	errCut          = errors.New("connection cut on demand")
	errEmptyQoS     = errors.New("an input's message has an empty mqtt-qos, over which edgeHub fails")
	errDisconnected = errors.New("client sent DISCONNECT")
	errHungUp       = errors.New("client closed the connection without DISCONNECT")
)
