package edgehub

import (
	"fmt"
	"time"
)

// Event is something that logs and metrics want to know of a client: Connected, Disconnected, Retrying,
// RenewalFailed, IdentityContested, ClockJumped or PacketIgnored. String gives a line for the log.
type Event interface {
	fmt.Stringer
	event()
}

// Connected says that the subscriptions stand and publishes are taken. Ask for the twin now: patches that came
// meanwhile were not kept. A renewal is a connection that took over from one that still worked; no Disconnected
// came before it.
type Connected struct {
	Connection     uint64 // its number, as in Input
	SessionPresent bool   // edgeHub remembered the subscriptions of an earlier connection
	Renewal        bool
	TokenExpires   time.Time
}

// Disconnected says that the connection ended. Publishes without an acknowledgement are lost, inputs without one
// come again.
type Disconnected struct {
	Connection uint64
	After      time.Duration // how long it stood
	Err        error         // why it ended
}

// Retrying says that there is no connection, and that the next attempt is made after In.
type Retrying struct {
	Err     error // of the last attempt or connection
	Attempt int   // since the last connection that stood for Config.StableAfter, from 1
	In      time.Duration
}

// RenewalFailed says that the token could not be renewed. The connection still stands, and renewal is tried again
// after In; edgeHub drops connections some minutes after their token expired.
type RenewalFailed struct {
	Err          error
	In           time.Duration
	TokenExpires time.Time
}

// IdentityContested says that connections were taken away within seconds, several times in a row, while edgeHub went
// on taking connections. Most likely another client uses this identity, since edgeHub closes the older connection of
// two. An edgeHub that ends or starts again is not taken for that.
type IdentityContested struct {
	Losses int // in a row
}

// ClockJumped says that the wall clock was set. The token's times were counted by the old one, so it is renewed.
type ClockJumped struct {
	By time.Duration // forward if positive
}

// PacketIgnored says that edgeHub sent something that no part of the client is waiting for.
type PacketIgnored struct {
	Topic  string
	Reason string
}

func (Connected) event()         {}
func (Disconnected) event()      {}
func (Retrying) event()          {}
func (RenewalFailed) event()     {}
func (IdentityContested) event() {}
func (ClockJumped) event()       {}
func (PacketIgnored) event()     {}

func (e Connected) String() string {
	if e.Renewal {
		return fmt.Sprintf("connection %d took over with a new token, valid until %s", e.Connection, e.TokenExpires.Format(time.RFC3339))
	}
	return fmt.Sprintf("connected (connection %d, session present: %t)", e.Connection, e.SessionPresent)
}

func (e Disconnected) String() string {
	return fmt.Sprintf("connection %d ended after %s: %v", e.Connection, e.After.Round(time.Millisecond), e.Err)
}

func (e Retrying) String() string {
	return fmt.Sprintf("connecting again in %s (attempt %d): %v", e.In.Round(time.Millisecond), e.Attempt, e.Err)
}

func (e RenewalFailed) String() string {
	return fmt.Sprintf("renewing the token again in %s, it expires at %s: %v", e.In.Round(time.Millisecond), e.TokenExpires.Format(time.RFC3339), e.Err)
}

func (e IdentityContested) String() string {
	return fmt.Sprintf("another client uses this identity: %d connections in a row were taken away within seconds", e.Losses)
}

func (e ClockJumped) String() string {
	return fmt.Sprintf("the wall clock jumped by %s, renewing the token", e.By.Round(time.Second))
}

func (e PacketIgnored) String() string {
	return fmt.Sprintf("ignored a packet on topic %q: %s", e.Topic, e.Reason)
}
