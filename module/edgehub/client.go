package edgehub

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Client is a module's line to its edgeHub. Make it with New and keep it connected with Run; all other
// methods may be called from any goroutine at any time.
type Client struct {
	cfg           Config
	outputPrefix  string // of the topics of this module's outputs
	inputPrefix   string // of the topics of its inputs
	subscriptions []subscription

	running     atomic.Bool
	connections atomic.Uint64 // accepted so far
	requests    atomic.Uint64 // twin requests so far: their $rid is never used twice
	methods     chan struct{} // one element for each direct method at work; full means 429
	answering   sync.WaitGroup

	// callbacks makes OnInput, OnDesired and done functions come one at a time, also in the moment of a
	// renewal, when two connections are read.
	callbacks sync.Mutex
	events    sync.Mutex // makes OnEvent come one at a time

	mu       sync.Mutex    // guards the fields below
	current  *connection   // takes publishes and requests; nil while there is none
	handover chan struct{} // closed when a renewal is over; nil while there is none
	changed  chan struct{} // closed, and replaced, when current changes

	// The boundary to the outside, replaced by tests.
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	wall func() time.Time
}

// maxMethods is how many direct methods are answered at the same time.
const maxMethods = 16

// New checks the configuration. It does not connect yet.
func New(cfg Config) (*Client, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("configure edgeHub client: %w", err)
	}
	c := &Client{
		cfg:          cfg,
		outputPrefix: outputPrefix(cfg.Identity.DeviceID, cfg.Identity.ModuleID),
		inputPrefix:  inputPrefix(cfg.Identity.DeviceID, cfg.Identity.ModuleID),
		methods:      make(chan struct{}, maxMethods),
		changed:      make(chan struct{}),
		dial:         new(net.Dialer).DialContext,
		wall:         time.Now,
	}
	c.subscriptions = c.wanted()
	return c, nil
}

// WaitConnected returns nil as soon as there is a connection, or ctx's error.
func (c *Client) WaitConnected(ctx context.Context) error {
	for {
		c.mu.Lock()
		conn, changed := c.current, c.changed
		c.mu.Unlock()
		if conn != nil && conn.ctx.Err() == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ready returns the connection to use. It waits for the end of a renewal, but not for a connection.
func (c *Client) ready(ctx context.Context) (*connection, error) {
	for {
		c.mu.Lock()
		conn, handover := c.current, c.handover
		c.mu.Unlock()
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case handover != nil:
			select {
			case <-handover:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		case conn == nil || conn.ctx.Err() != nil:
			return nil, ErrNotConnected
		default:
			return conn, nil
		}
	}
}

// connection returns the one that publishes go to, or nil.
func (c *Client) connection() *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// use makes conn the one that publishes go to; nil means that there is none.
func (c *Client) use(conn *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = conn
	close(c.changed)
	c.changed = make(chan struct{})
}

// beginHandover makes new publishes and requests wait until endHandover.
func (c *Client) beginHandover() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handover = make(chan struct{})
}

func (c *Client) endHandover() {
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.handover)
	c.handover = nil
}

func (c *Client) emit(e Event) {
	c.events.Lock()
	defer c.events.Unlock()
	c.cfg.OnEvent(e)
}
