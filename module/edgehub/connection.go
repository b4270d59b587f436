package edgehub

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Why a connection ends by our own doing.
var (
	errStopped  = errors.New("client stopped")
	errReplaced = errors.New("replaced by a connection with a new token")
	errSilent   = errors.New("edgeHub has been silent for more than one and a half keepalive intervals")
	errStalled  = errors.New("edgeHub does not read what it is sent")
)

// What publish and request return when another connection may do. They never leave the package.
var (
	errPaused = errors.New("connection is handing over")
	errEnded  = errors.New("connection has ended")
)

// connection is one MQTT connection from its TLS handshake to its end, with what it owes (acks) and what
// it is owed (publishes, requests). It is never reused: the Client makes another.
//
//	start ── CONNECT, CONNACK, SUBSCRIBE, SUBACK ──▶ open ──▶ disconnect, or end(reason) by anyone
//
// It has four goroutines, which stop waits for: read, write, keepAlive and one that closes the link. ctx is
// their common life; its cause is why the connection ended.
type connection struct {
	client *Client // for its callbacks and configuration; the connection never takes client.mu
	link   *tls.Conn
	token  token
	number uint64    // set by read at CONNACK
	began  time.Time // when it was open

	ctx   context.Context
	end   context.CancelCauseFunc
	tasks sync.WaitGroup

	accepted chan connack // capacity 1; read allows one
	granted  chan suback  // capacity as many as subscriptions; read allows no more
	heard    atomic.Bool  // a packet came since keepAlive last looked
	lost     atomic.Bool  // it ended with publishes that were not acknowledged

	wake  chan struct{} // capacity 1: there is something to write; the writer takes all there is
	room  chan struct{} // capacity 1: there may be room in pending; one waiter takes it and passes it on
	slots chan struct{} // one element for each unacknowledged publish; full makes Publish wait

	mu        sync.Mutex    // guards the fields below
	pending   []byte        // packets that are not yet written
	closed    bool          // DISCONNECT is pending, or the connection ended: nothing more is sent
	paused    bool          // a renewal is under way: publishes and requests go to the next connection
	drained   chan struct{} // closed once nothing is outstanding; nil unless pause waits for that
	acks      acks
	publishes publishes
	requests  map[string]chan<- twinResponse // by $rid; each has capacity 1
}

// start takes over a link after its TLS handshake and starts to read, before CONNECT is sent: edgeHub may
// deliver inputs right after CONNACK.
func (c *Client) start(link *tls.Conn, token token) *connection {
	ctx, end := context.WithCancelCause(context.Background())
	conn := &connection{
		client:   c,
		link:     link,
		token:    token,
		ctx:      ctx,
		end:      end,
		accepted: make(chan connack, 1),
		granted:  make(chan suback, len(c.subscriptions)),
		wake:     make(chan struct{}, 1),
		room:     make(chan struct{}, 1),
		slots:    make(chan struct{}, c.cfg.MaxUnacked),
		acks:     newAcks(),
		requests: make(map[string]chan<- twinResponse),
	}
	conn.tasks.Go(conn.read)
	conn.tasks.Go(conn.write)
	conn.tasks.Go(func() {
		<-ctx.Done()
		// The link below TLS: TLS would wait for a peer that does not read to take its farewell.
		_ = link.NetConn().Close()
	})
	return conn
}

// open does what leads to an open connection: CONNECT and the subscriptions. They are made anew each time,
// whatever session edgeHub remembers: it is known to forget subscriptions that it says it has.
func (c *connection) open(ctx context.Context) (sessionPresent bool, err error) {
	connect, err := c.client.connectPacket(c.token.Encode())
	if err != nil {
		return false, err
	}
	c.send(connect)
	answer, err := await(ctx, c, c.accepted)
	if err != nil {
		return false, fmt.Errorf("wait for CONNACK: %w", err)
	}
	if answer.code != 0 {
		return false, &RefusedError{Code: answer.code}
	}
	c.tasks.Go(c.keepAlive)
	if err := c.subscribe(ctx); err != nil {
		return false, err
	}
	c.began = time.Now()
	return answer.sessionPresent, nil
}

// await returns what comes over ch, unless ctx or the connection end before.
func await[T any](ctx context.Context, c *connection, ch <-chan T) (v T, err error) {
	select {
	case v = <-ch:
		return v, nil
	case <-ctx.Done():
		return v, ctx.Err()
	case <-c.ctx.Done():
	}
	select {
	case v = <-ch: // it came with the connection's last bytes
		return v, nil
	default:
		return v, context.Cause(c.ctx)
	}
}

// keepAlive sends a PINGREQ each half keepalive interval and ends the connection after three of them
// without a packet, which is the measure by which edgeHub gives up a client. Less would not do: edgeHub
// stops reading while a twin request in front of a hundred publishes waits for the cloud, a minute or so.
func (c *connection) keepAlive() {
	ticker := time.NewTicker(c.client.cfg.KeepAlive / 2)
	defer ticker.Stop()
	for silent := 0; ; {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		if c.heard.Swap(false) {
			silent = 0
		} else if silent++; silent == 3 {
			c.end(errSilent)
			return
		}
		c.send(pingreq)
	}
}

// silence is how long a connection may stand still.
func (c *connection) silence() time.Duration { return c.client.cfg.KeepAlive * 3 / 2 }

// stop ends the connection, unless it has ended, and waits for its goroutines. After it every publish is
// done.
func (c *connection) stop(reason error) {
	c.end(reason)
	c.tasks.Wait()
}

// disconnectTimeout is how long edgeHub has to close the connection after DISCONNECT.
const disconnectTimeout = time.Second

// disconnect ends the connection in order: what is pending and DISCONNECT are written, and edgeHub closes.
// Closing first could make the kernel throw away what edgeHub has not read.
func (c *connection) disconnect() {
	c.mu.Lock()
	if !c.closed {
		c.pending = append(c.pending, disconnect...)
		c.closed = true
	}
	c.mu.Unlock()
	signal(c.wake)
	timer := time.NewTimer(disconnectTimeout)
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
	case <-timer.C:
	}
	c.stop(errStopped)
}

// pause makes publish and request return errPaused, and returns a channel that is closed when nothing of
// either is outstanding.
func (c *connection) pause() (drained <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	empty := make(chan struct{})
	c.paused, c.drained = true, empty
	c.checkDrained()
	return empty
}

func (c *connection) resume() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.paused, c.drained = false, nil
}

// checkDrained is called, with mu held, when something is no longer outstanding.
func (c *connection) checkDrained() {
	if c.drained != nil && c.publishes.open.len() == 0 && len(c.requests) == 0 {
		close(c.drained)
		c.drained = nil
	}
}

// signal makes sure that the one that waits on a channel of capacity 1 looks again.
func signal(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
