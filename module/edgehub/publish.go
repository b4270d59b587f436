package edgehub

import (
	"context"
	"errors"
	"fmt"
)

// Publish sends m to an output and returns when the packet is on its way; body and properties may then be
// used again. done, which may be nil, is called exactly once, in the order of publishing: with nil when
// edgeHub has stored the message (or has no route for it), with ErrConnectionLost, wrapped, when the
// connection ended before. The client never sends a message again by itself.
//
// Publish waits while Config.MaxUnacked publishes are not acknowledged, and while a renewal is under way.
// It returns, and done is then never called: ErrNotConnected; ErrConnectionLost when meanwhile a connection
// ended that had not acknowledged all, so that m does not overtake what its caller sends again; *TooLargeError,
// *PropertyError, or ctx's error.
func (c *Client) Publish(ctx context.Context, output string, m Message, done func(error)) error {
	o, err := c.newOutgoing(output, m)
	if err != nil {
		return fmt.Errorf("publish to %q: %w", output, err)
	}
	for before := c.connection(); ; {
		conn, err := c.ready(ctx)
		switch {
		case err != nil:
		case before != nil && before != conn && before.lost.Load():
			err = ErrConnectionLost
		default:
			err = conn.publish(ctx, &o, done)
		}
		if err == nil {
			return nil
		}
		if !errors.Is(err, errPaused) && !errors.Is(err, errEnded) {
			return fmt.Errorf("publish to %q: %w", output, err)
		}
	}
}

// Send is Publish and the wait for done's error. When ctx ends it returns at once, with ctx's error;
// whether edgeHub gets the message is then not known.
func (c *Client) Send(ctx context.Context, output string, m Message) error {
	result := make(chan error, 1)
	if err := c.Publish(ctx, output, m, func(err error) { result <- err }); err != nil {
		return err
	}
	select {
	case err := <-result:
		if err != nil {
			return fmt.Errorf("publish to %q: %w", output, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("publish to %q: %w", output, ctx.Err())
	}
}

// publish takes a slot, then room, then an id: in this order, so that ids are in the order of the wire.
func (c *connection) publish(ctx context.Context, o *outgoing, done func(error)) error {
	select {
	case c.slots <- struct{}{}:
	default:
		select {
		case c.slots <- struct{}{}:
		case <-c.ctx.Done():
			return errEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := c.lockWithRoom(ctx); err != nil {
		<-c.slots
		return err
	}
	c.pending = appendPublish(c.pending, o, c.publishes.add(done))
	c.unlock()
	return nil
}
