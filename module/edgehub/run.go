package edgehub

import (
	"context"
	"errors"
	"io"
	"syscall"
	"time"
)

const (
	clockInterval = 5 * time.Second // how often the wall clock is looked at

	// Connections that are taken away within contestedWithin, contestedAfter times in a row, by an edgeHub that
	// goes on taking connections, are those of an identity that somebody else uses too.
	contestedWithin = 10 * time.Second
	contestedAfter  = 3

	// probeTimeout is how long an edgeHub that works may take for another TCP connection.
	probeTimeout = 2 * time.Second
)

// Run connects and stays connected until ctx ends; then it says DISCONNECT, closes and returns nil. Nothing
// that goes wrong ends it: edgeHub may refuse a module that it does not know yet, and a device may be
// offline for weeks. What happens is told to Config.OnEvent. Only a second Run at the same time is an error.
//
// Whoever wants outputs acknowledged before the end waits for them before ending ctx.
func (c *Client) Run(ctx context.Context) error {
	if !c.running.CompareAndSwap(false, true) {
		return errors.New("run edgeHub client: already running")
	}
	defer c.running.Store(false)
	defer c.answering.Wait()
	k := keeper{
		client: c,
		again:  backoff{min: c.cfg.BackoffMin, max: c.cfg.BackoffMax},
	}
	for {
		err := k.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		wait := k.again.next()
		c.emit(Retrying{Err: err, Attempt: k.again.attempt, In: wait})
		if sleep(ctx, wait) != nil {
			return nil
		}
	}
}

// keeper keeps a client connected. It is Run's own.
type keeper struct {
	client *Client
	again  backoff // between connections
	taken  int     // connections in a row that were taken away within contestedWithin, with edgeHub there all the time
}

// once connects and returns why there is no connection, or no longer.
func (k *keeper) once(ctx context.Context) error {
	link, token, err := k.client.prepare(ctx)
	if err != nil {
		k.taken = 0
		return err
	}
	conn, sessionPresent, err := k.client.open(ctx, link, token)
	if err != nil {
		return err
	}
	k.client.use(conn)
	k.client.emit(Connected{Connection: conn.number, SessionPresent: sessionPresent, TokenExpires: token.expires})
	return k.keep(ctx, conn)
}

// keep watches over a connection, and those that take over from it, until the last one ends.
func (k *keeper) keep(ctx context.Context, conn *connection) error {
	clock := time.NewTicker(clockInterval)
	defer clock.Stop()
	renewal := time.NewTimer(conn.token.renewAfter())
	defer renewal.Stop()
	failures := backoff{min: k.again.min, max: k.again.max}
	jumped := false
	for {
		select {
		case <-ctx.Done():
			k.client.use(nil)
			conn.disconnect()
			return nil
		case <-conn.ctx.Done():
			return k.lost(ctx, conn)
		case <-clock.C:
			if by := conn.token.drift(k.client.wall()); by.Abs() > maxDrift && !jumped {
				jumped = true // one renewal puts it right
				k.client.emit(ClockJumped{By: by})
				renewal.Reset(0)
			}
		case <-renewal.C:
			next, err := k.client.takeOver(ctx, conn)
			if err == nil {
				conn, jumped = next, false
				failures.reset()
				renewal.Reset(conn.token.renewAfter())
			} else if ctx.Err() == nil && conn.ctx.Err() == nil {
				wait := failures.next()
				k.client.emit(RenewalFailed{Err: err, In: wait, TokenExpires: conn.token.expires})
				renewal.Reset(wait)
			}
		}
	}
}

// lost winds up a connection that ended by itself and returns why it did.
func (k *keeper) lost(ctx context.Context, conn *connection) error {
	k.client.use(nil)
	conn.stop(nil)
	err := context.Cause(conn.ctx)
	stood := time.Since(conn.began)
	k.client.emit(Disconnected{Connection: conn.number, After: stood, Err: err})
	if stood >= k.client.cfg.StableAfter {
		k.again.reset()
	}
	if stood < contestedWithin && takenAway(err) && k.client.reaches(ctx) {
		k.taken++
	} else {
		k.taken = 0
	}
	if k.taken >= contestedAfter {
		k.client.emit(IdentityContested{Losses: k.taken})
	}
	return err
}

// takenAway tells whether the other side closed the connection.
func takenAway(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
