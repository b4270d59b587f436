package pipeline

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// hub is an edgeHub that does what a test says: it takes publishes while it is connected, and acknowledges or loses them
// on demand.
type hub struct {
	refuse func(module.OutputName, module.Message) *UnsendableError // nil: takes everything
	prompt bool                                                     // acknowledges before Publish returns

	mu         sync.Mutex
	connected  bool
	connection int
	written    []*publish // all there ever were
	flying     []*publish // neither acknowledged nor lost
}

type publish struct {
	connection int
	output     module.OutputName
	body       string
	properties module.Properties
	acked      bool
	done       func(error)
}

var errNoConnection = errors.New("no connection")

func (h *hub) Publish(_ context.Context, output module.OutputName, m module.Message, done func(error)) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.prompt && h.connected {
		defer done(nil)
	}
	if h.refuse != nil {
		if err := h.refuse(output, m); err != nil {
			return err
		}
	}
	if !h.connected {
		return errNoConnection
	}
	p := &publish{connection: h.connection, output: output, body: string(m.Body), properties: m.Properties.Clone(0), done: done}
	h.written = append(h.written, p)
	if p.acked = h.prompt; !h.prompt {
		h.flying = append(h.flying, p)
	}
	return nil
}

// It returns the connection's number.
func (h *hub) open() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.connection++
	h.connected = true
	return uint64(h.connection)
}

// pick removes up to n publishes from those that fly, in order.
func (h *hub) pick(n int) []*publish {
	h.mu.Lock()
	defer h.mu.Unlock()
	n = min(n, len(h.flying))
	taken := h.flying[:n]
	h.flying = h.flying[n:]
	return taken
}

// ack acknowledges the next n publishes.
func (h *hub) ack(n int) {
	for _, p := range h.pick(n) {
		p.acked = true
		p.done(nil)
	}
}

const all = 1 << 30

// lose ends the connection with all that was not acknowledged on it.
func (h *hub) lose() {
	h.mu.Lock()
	h.connected = false
	h.mu.Unlock()
	for _, p := range h.pick(all) {
		p.done(errors.New("connection lost"))
	}
}

// bodies returns what was written on a connection, in order.
func (h *hub) bodies(connection int) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	var bodies []string
	for _, p := range h.written {
		if p.connection == connection {
			bodies = append(bodies, p.body)
		}
	}
	return bodies
}

func (h *hub) last(t *testing.T) *publish {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	require.NotEmpty(t, h.written, "something was published")
	return h.written[len(h.written)-1]
}

// consumer is a signal that does its work at once.
type consumer func(*Share) bool

func (c consumer) Take(s *Share) bool { return c(s) }

// passes sends each message on to an output and counts them.
func passes(output module.OutputName, runs *atomic.Int32) consumer {
	return func(s *Share) bool {
		runs.Add(1)
		s.Send(output, module.Message{Body: s.Message.Body}, true)
		s.Finish()
		return true
	}
}

// holder keeps shares until the test deals with them.
type holder struct{ shares chan *Share }

func newHolder() *holder { return &holder{make(chan *Share, 1024)} }

func (h *holder) Take(s *Share) bool {
	h.shares <- s
	return true
}

// rig is a pipeline that runs, with its hub.
type rig struct {
	*Pipeline
	*hub
	disk *fullJournal
	stop context.CancelFunc // of the dispatcher
}

// start runs a pipeline until the test ends. It has room, and may send ten dead letters a minute.
func start(t *testing.T, folder Folder) *rig {
	return startOn(t, &fullJournal{Journal: openJournal(t)}, folder)
}

// startOn runs one life of a pipeline over a journal.
func startOn(t *testing.T, disk *fullJournal, folder Folder) *rig {
	h := &hub{}
	p := New(Config{Publisher: h, Journal: disk, Folder: folder, OnError: func(error) {}})
	p.SetLimits(Limits{Outbox: 1 << 20, DeadLettersPerMinute: 10, Spool: 1 << 20})
	ctx, stop := context.WithCancel(t.Context())
	go p.Dispatch(ctx)
	go p.SendResults(t.Context())
	go p.SealGroups(ctx)
	r := &rig{p, h, disk, stop}
	r.connect()
	return r
}

// openJournal runs a journal in memory until the test ends.
func openJournal(t testing.TB) *journal.Journal {
	j, damage, err := journal.Open(journal.Config{Limit: 64 << 20})
	require.NoError(t, err)
	require.Empty(t, damage)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		j.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		require.NoError(t, j.Close())
	})
	return j
}

// fullJournal takes nothing but removals while it is full.
type fullJournal struct {
	Journal
	is atomic.Bool
}

func (j *fullJournal) Submit(tx *journal.Tx, done func(error)) {
	if j.is.Load() && done != nil {
		done(journal.ErrFull)
		return
	}
	j.Journal.Submit(tx, done)
}

func (r *rig) connect() {
	r.Connected(r.open())
}

// route gives the input "in" to a signal called "a".
func (r *rig) route(c Consumer) {
	r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: c}}}})
}

// receipt is how a copy fared.
type receipt struct{ acks atomic.Int32 }

func (r *receipt) acked() bool { return r.acks.Load() == 1 }

// deliver delivers a message with the given properties, name after value, on a connection to the input "in", and waits
// until the pipeline rests.
func (r *rig) deliver(t *testing.T, connection uint64, body string, properties ...string) *receipt {
	t.Helper()
	copy := &receipt{}
	require.NoError(t, r.Deliver(newDelivery("in", connection, body, func() { copy.acks.Add(1) }, properties...)))
	synctest.Wait()
	return copy
}

func newDelivery(input module.InputName, connection uint64, body string, ack func(), properties ...string) Delivery {
	p := module.Properties{{Name: module.PropertySenderDevice, Value: "dev"}, {Name: module.PropertySenderModule, Value: "sensor"}}
	for i := 0; i+1 < len(properties); i += 2 {
		p.Set(properties[i], properties[i+1])
	}
	return Delivery{Input: input, Message: module.Message{Body: []byte(body), Properties: p}, Connection: connection, Received: time.Now(), Ack: ack}
}
