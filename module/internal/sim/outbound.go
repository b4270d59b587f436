package sim

import (
	"fmt"
	"net"
	"sync"
	"time"
)

const (
	// unwrittenHigh is how many bytes may wait to be written before the client is not read any more.
	unwrittenHigh = 1 << 20
	// unwrittenMax is how many may wait at all: a client that lets it come so far is cut off. A window of 64 of the
	// largest inputs fits.
	unwrittenMax = 32 << 20
	// writeTimeout is how long a client may take to accept what is written.
	writeTimeout = 30 * time.Second
)

// outbound gathers what is to be written to a client. Whoever adds never waits for the client; what has gathered
// while the last write was under way leaves in one. Any goroutine may add; one goroutine writes.
type outbound struct {
	ready chan struct{} // of capacity 1: there is something to write; the writer takes all there is
	flush func() error  // makes sure of what is told before it is told

	mu     sync.Mutex // guards the fields below
	room   sync.Cond  // on mu: fewer than unwrittenHigh bytes wait, or closed
	buf    []byte
	spare  []byte // what buf was before it was last written
	closed bool
}

func newOutbound(flush func() error) *outbound {
	o := &outbound{ready: make(chan struct{}, 1), flush: flush}
	o.room.L = &o.mu
	return o
}

// add gathers what encode appends to its argument. It says no once the client has let too much pile up.
func (o *outbound) add(encode func([]byte) []byte) bool {
	o.mu.Lock()
	o.buf = encode(o.buf)
	ok := len(o.buf) <= unwrittenMax
	o.mu.Unlock()
	select {
	case o.ready <- struct{}{}:
	default:
	}
	return ok
}

// wait returns when little enough waits to be written that the client may be read on, or when the connection ends.
func (o *outbound) wait() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for len(o.buf) > unwrittenHigh && !o.closed {
		o.room.Wait()
	}
}

// take returns all there is to write. What it returned before is free for reuse.
func (o *outbound) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if cap(o.spare) > unwrittenHigh {
		o.spare = nil // one burst must not keep its memory for ever
	}
	o.buf, o.spare = o.spare[:0], o.buf
	o.room.Broadcast()
	return o.spare
}

// close lets go of whoever waits.
func (o *outbound) close() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	o.room.Broadcast()
}

// write writes to conn what is added until done closes or a write goes wrong.
func (o *outbound) write(conn net.Conn, done <-chan struct{}) error {
	for {
		select {
		case <-done:
			return nil
		case <-o.ready:
		}
		packets := o.take()
		if err := o.flush(); err != nil {
			return err
		}
		if err := conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
			return fmt.Errorf("write packets: %w", err)
		}
		if _, err := conn.Write(packets); err != nil {
			return fmt.Errorf("write packets: %w", err)
		}
	}
}
