package edgehub

import (
	"context"
	"fmt"
	"time"
)

const (
	// roomLimit makes Publish wait while so many bytes are not yet written. It is two TLS records and
	// less than one large message.
	roomLimit = 32 << 10

	// stallLimit ends the connection: small packets do not wait for room, and this many of them pile up
	// only where the peer does not read.
	stallLimit = 8 << 20

	// keepBuffer is how large a buffer is kept for reuse.
	keepBuffer = 128 << 10
)

// write puts what is pending on the link, all there is at a time: packets that come while a write is under
// way share the next one.
func (c *connection) write() {
	var out []byte
	for {
		select {
		case <-c.wake:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		out, c.pending = c.pending, out[:0]
		c.mu.Unlock()
		signal(c.room)
		if len(out) == 0 {
			continue
		}
		if err := c.writeAll(out); err != nil {
			c.end(fmt.Errorf("write packets: %w", err))
			return
		}
		if cap(out) > keepBuffer {
			out = nil
		}
	}
}

// writeAll gives a stalled peer as long as a silent one.
func (c *connection) writeAll(b []byte) error {
	if err := c.link.SetWriteDeadline(time.Now().Add(c.silence())); err != nil {
		return err
	}
	_, err := c.link.Write(b)
	return err
}

// send appends a small packet to what is pending. It does not wait for room.
func (c *connection) send(packet string) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.pending = append(c.pending, packet...)
	n := len(c.pending)
	c.mu.Unlock()
	c.written(n)
}

// written wakes the writer; pending is the number of bytes that are waiting.
func (c *connection) written(pending int) {
	if pending > stallLimit {
		c.end(errStalled)
	}
	signal(c.wake)
}

// lockWithRoom takes c.mu once less than roomLimit is pending. Without an error the caller unlocks it.
func (c *connection) lockWithRoom(ctx context.Context) error {
	for {
		c.mu.Lock()
		if err := c.usable(); err != nil {
			c.mu.Unlock()
			signal(c.room) // the next one that waits is to see it too
			return err
		}
		if len(c.pending) < roomLimit {
			return nil
		}
		c.mu.Unlock()
		select {
		case <-c.room:
		case <-c.ctx.Done():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// usable tells, with c.mu held, whether publishes and requests may be added.
func (c *connection) usable() error {
	switch {
	case c.closed || c.ctx.Err() != nil:
		return errEnded
	case c.paused:
		return errPaused
	}
	return nil
}

// unlock releases what lockWithRoom took after a packet was appended, and passes the room on.
func (c *connection) unlock() {
	n := len(c.pending)
	c.mu.Unlock()
	if n < roomLimit {
		signal(c.room)
	}
	c.written(n)
}

// lostError is what those get whose answer did not come.
func (c *connection) lostError() error {
	return fmt.Errorf("%w: %w", ErrConnectionLost, context.Cause(c.ctx))
}
