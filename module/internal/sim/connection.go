package sim

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

const (
	// maxPublishes is how many of a client's publishes may wait for their turn before it is not read any more
	// (MaxPendingMessages of edgeHub). Acknowledgements and pings behind them are still seen until then.
	maxPublishes = 100
	// maxUnacked bounds the PUBACKs that a client owes, given up ones included, and those withheld from it.
	maxUnacked = 65535
)

// connection is one MQTT connection of a module. Three goroutines serve it: the one that reads, which handles all but
// publishes; one that handles publishes, strictly one after the other as edgeHub does; and one that writes.
type connection struct {
	hub       *Hub
	conn      net.Conn
	reader    *bufio.Reader
	out       *outbound
	publishes chan *packets.PublishPacket // of capacity maxPublishes; full: the client is not read
	end       context.CancelCauseFunc     // ends the connection
	silence   time.Duration               // after which it ends
	token     time.Time                   // when its token expires
	heard     atomic.Int64                // when it was last alive, since hub.started

	// Known once the client has said who it is; the peer's lock guards them.
	peer     *peer
	session  *session
	unacked  []*delivery       // PUBACKs to come, in the order of what they acknowledge; nil for what is no input
	inFlight int               // inputs among them that are not given up
	held     [heldKinds][]held // answers that a fault keeps back
	password string            // that let the client in
}

// serve serves a client until it, or ctx, ends.
func (h *Hub) serve(ctx context.Context, conn net.Conn) {
	ctx, end := context.WithCancelCause(ctx)
	c := &connection{
		hub: h, conn: conn, end: end, out: newOutbound(h.flush),
		reader:    bufio.NewReaderSize(conn, 16<<10),
		publishes: make(chan *packets.PublishPacket, maxPublishes),
	}
	stop := context.AfterFunc(ctx, func() {
		c.out.close()
		conn.Close()
	})
	defer stop()
	defer end(nil)
	if err := c.connect(); err != nil {
		h.cfg.Log.Info().Err(err).Stringer("client", conn.RemoteAddr()).Msg("connection refused")
		return
	}
	c.run(ctx)
}

// run serves a client that has been let in.
func (c *connection) run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { c.end(c.out.write(c.conn, ctx.Done())) })
	wg.Go(func() { c.end(c.handlePublishes(ctx)) })
	err := c.read(ctx)
	close(c.publishes)
	if !errors.Is(err, errDisconnected) { // a client that says goodbye has what it sent before handled
		c.end(err)
	}
	wg.Wait()
	cause := context.Cause(ctx)
	c.peer.detach(c, cause)
	c.peer.log.Info().Err(cause).Msg("module disconnected")
}

// read handles what the client sends until the connection ends.
func (c *connection) read(ctx context.Context) error {
	for {
		c.out.wait()
		packet, err := readPacket(c.reader)
		if errors.Is(err, io.EOF) {
			return errHungUp
		}
		if err != nil {
			return fmt.Errorf("read packet: %w", err)
		}
		c.alive()
		if err := c.handle(ctx, packet); err != nil {
			return err
		}
	}
}

func (c *connection) handle(ctx context.Context, packet packets.ControlPacket) error {
	switch p := packet.(type) {
	case *packets.PublishPacket:
		select {
		case c.publishes <- p:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	case *packets.PubackPacket:
		c.acknowledge()
		return nil
	case *packets.SubscribePacket:
		return c.subscribe(p)
	case *packets.UnsubscribePacket:
		c.unsubscribe(p)
		return nil
	case *packets.PingreqPacket:
		c.out.add(appendPingresp)
		return nil
	case *packets.DisconnectPacket:
		return errDisconnected
	default:
		return fmt.Errorf("%w: unexpected %T", errProtocol, p)
	}
}

// handlePublishes handles the client's publishes in order until the channel is closed or one goes wrong.
func (c *connection) handlePublishes(ctx context.Context) error {
	for p := range c.publishes {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := c.publish(ctx, p); err != nil {
			return err
		}
		if p.Qos > 0 {
			c.puback(p.MessageID)
		}
		c.out.wait()
	}
	return errDisconnected
}

// puback acknowledges a publish, or keeps the acknowledgement back while a fault says so.
func (c *connection) puback(id uint16) {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	if c.holding(heldAcks) {
		c.keep(heldAcks, func() { c.sendPuback(id) })
		return
	}
	c.sendPuback(id)
}

func (c *connection) sendPuback(id uint16) {
	c.out.add(func(b []byte) []byte { return appendPuback(b, id) })
}

// acknowledge takes a PUBACK for the oldest publish that awaits one. Its packet id says nothing: all are the same.
func (c *connection) acknowledge() {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	if len(c.unacked) == 0 {
		return
	}
	d := c.unacked[0]
	c.unacked[0] = nil
	c.unacked = c.unacked[1:]
	if d != nil && !d.given && c.peer.link == c {
		c.inFlight--
		c.peer.acked(d)
	}
}

func (c *connection) subscribe(p *packets.SubscribePacket) error {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	granted := make([]byte, len(p.Topics))
	for i, filter := range p.Topics {
		qos, ok := c.session.subscribe(filter, p.Qoss[i])
		if !ok {
			return fmt.Errorf("%w: more than %d subscriptions", errProtocol, maxFilters)
		}
		granted[i] = qos
	}
	if _, ok := c.session.methods(); ok {
		c.peer.listens()
	}
	c.subscribed()
	c.out.add(func(b []byte) []byte { return appendSuback(b, p.MessageID, granted) })
	return nil
}

func (c *connection) unsubscribe(p *packets.UnsubscribePacket) {
	c.peer.mu.Lock()
	defer c.peer.mu.Unlock()
	for _, filter := range p.Topics {
		c.session.unsubscribe(filter)
	}
	c.subscribed()
	c.out.add(func(b []byte) []byte { return appendUnsuback(b, p.MessageID) })
}

// subscribed keeps the session's subscriptions, if it is to outlive the connection. The peer's lock is held.
func (c *connection) subscribed() {
	if c.session == c.peer.session {
		c.hub.journal.append(c.peer.sessionRecord())
	}
}

// alive takes note of a sign of life.
func (c *connection) alive() { c.heard.Store(int64(time.Since(c.hub.started))) }
