package sim

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// door is a TCP listener that can be shut for a time, as that of a hub that is restarted is. Accept opens it again.
type door struct {
	address net.Addr
	ended   chan struct{} // closed by Close

	mu       sync.Mutex    // guards the fields below
	listener net.Listener  // nil while shut
	until    time.Time     // when it opens again
	open     chan struct{} // closed while open
	closed   bool
}

var _ net.Listener = (*door)(nil)

func openDoor(address string) (*door, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	d := &door{address: listener.Addr(), listener: listener, ended: make(chan struct{}), open: make(chan struct{})}
	close(d.open)
	return d, nil
}

func (d *door) Addr() net.Addr { return d.address }

// Accept returns the next connection. While the door is shut there is none.
func (d *door) Accept() (net.Conn, error) {
	for {
		listener, wait, err := d.current()
		switch {
		case err != nil:
			return nil, err
		case listener == nil:
			d.sleep(wait)
			continue
		}
		conn, err := listener.Accept()
		if err == nil || !d.isShut() {
			return conn, err
		}
	}
}

// current returns what to accept from, and opens it if it is time, or how long that is to be waited for.
func (d *door) current() (net.Listener, time.Duration, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	wait := time.Until(d.until)
	if d.closed || d.listener != nil || wait > 0 {
		if d.closed {
			return nil, 0, net.ErrClosed
		}
		return d.listener, wait, nil
	}
	listener, err := net.Listen("tcp", d.address.String())
	if err != nil {
		return nil, 0, fmt.Errorf("listen again: %w", err)
	}
	d.listener = listener
	close(d.open)
	return listener, 0, nil
}

func (d *door) sleep(wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.ended:
	}
}

func (d *door) isShut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.closed && d.listener == nil
}

// shut refuses connections for a time, from now on.
func (d *door) shut(wait time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || wait <= 0 {
		return
	}
	d.until = time.Now().Add(wait)
	if d.listener != nil {
		_ = d.listener.Close()
		d.listener = nil
		d.open = make(chan struct{})
	}
}

// pass waits while the door is shut.
func (d *door) pass(ctx context.Context) error {
	d.mu.Lock()
	open := d.open
	d.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-d.ended:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close shuts the door for ever.
func (d *door) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return net.ErrClosed
	}
	d.closed = true
	close(d.ended)
	if d.listener == nil {
		return nil
	}
	return d.listener.Close()
}
