package edgehub

import (
	"context"
	"crypto/tls"
	"time"
)

const (
	// drainTimeout is how long a renewal waits for what is outstanding on the old connection. A twin
	// request that waits for the cloud takes longer, and is then asked anew.
	drainTimeout = 10 * time.Second

	// settleTimeout is how long answers may still come over the old connection after the new one stands.
	settleTimeout = 2 * time.Second
)

// takeOver replaces a connection that works by one with a new token, since MQTT 3.1.1 cannot authenticate
// again. edgeHub closes the old one when it takes the new CONNECT, and delivers anew what was not
// acknowledged; so publishes stop before that, and what is outstanding is waited for. Until then nothing
// is given up: with an error the old connection goes on.
func (c *Client) takeOver(ctx context.Context, old *connection) (*connection, error) {
	link, token, err := c.prepareBeside(ctx, old)
	if err != nil {
		return nil, err
	}
	c.beginHandover()
	defer c.endHandover()
	drained := old.pause()
	settled(ctx, old, drained, drainTimeout)
	if old.ctx.Err() != nil {
		_ = link.NetConn().Close()
		return nil, context.Cause(old.ctx) // an ordinary loss, with its wait before the next attempt
	}
	next, sessionPresent, err := c.open(ctx, link, token)
	if err != nil {
		if ctx.Err() != nil {
			c.use(nil) // stopping: what waits must not slip out before the DISCONNECT
		}
		old.resume()
		return nil, err
	}
	settled(ctx, old, drained, settleTimeout)
	old.stop(errReplaced) // all its publishes are done before the first on the new one: order is kept
	c.use(next)
	c.emit(Connected{Connection: next.number, SessionPresent: sessionPresent, Renewal: true, TokenExpires: token.expires})
	return next, nil
}

// prepareBeside is prepare, given up when the old connection ends: then there is a loss to see to.
func (c *Client) prepareBeside(ctx context.Context, old *connection) (*tls.Conn, token, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(old.ctx, cancel)()
	return c.prepare(ctx)
}

// settled waits until nothing is outstanding on a connection, or it ends, or time is up.
func settled(ctx context.Context, c *connection, drained <-chan struct{}, timeout time.Duration) {
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-drained:
	case <-c.ctx.Done():
	case <-timer.C:
	case <-ctx.Done():
	}
}
