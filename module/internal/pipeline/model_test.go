package pipeline

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// TestRandomLives lets an edgeHub, connections and signals do at random what they may do, and holds the pipeline to the
// guarantee at each step. A failure names the seed; run that one with -run 'TestRandomLives/window_1/seed_7$'.
func TestRandomLives(t *testing.T) {
	for _, window := range []int{1, 64} {
		t.Run(fmt.Sprintf("window %d", window), func(t *testing.T) {
			for seed := range uint64(60) {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { newModel(t, window, seed).live(400) })
				})
			}
		})
	}
}

// model is the world around a pipeline: an edgeHub with two inputs, a client's connection, and three signals. The signal
// a reads in1, b reads both inputs, c reads what a sends.
type model struct {
	t *testing.T
	*rand.Rand
	*rig
	window int
	order  sync.Mutex // see handOver

	queues    map[module.InputName][]*reading // what edgeHub has to deliver, until it is acknowledged
	next      map[module.InputName]int        // of the queue, on this connection
	link      []*copyOf                       // delivered on this connection, until edgeHub reads the acknowledgement
	up        bool                            // there is a connection
	announced bool                            // and the pipeline was told of it
	number    uint64                          // of the connection
	told      uint64                          // connections that the pipeline was told of
	delivered uint64                          // highest number of a connection that delivered something

	sent    int
	classes map[string]*class
	bodies  map[*byte]*life     // by the copy's own body
	results map[string]*life    // by message id
	made    []string            // message ids in the order in which they went into the outbox
	stored  map[uint64]bool     // by their number among them: those that were finished by being stored
	sending map[*Share][]string // message ids of what is sent when the share is finished
	waiting map[module.SignalName][]*Share
	begun   []*Share // sent from, and not yet finished
}

// reading is a message as edgeHub has it.
type reading struct {
	number     int
	input      module.InputName
	body       string
	properties []string
	class      *class
}

// class is what readings have in common that cannot be told apart. One with an identity is alone in it.
type class struct {
	anonymous bool
	readings  int
	lives     []*life
	repeats   int // acknowledgements that edgeHub may not have read, while nothing showed it
	acked     int // readings that edgeHub knows as finished
}

// life is a reading as the pipeline works on it.
type life struct {
	reading *reading
	open    int // shares and results that are not finished
}

// copyOf is a copy that was delivered.
type copyOf struct {
	reading    *reading
	connection uint64
	acks       int
	stale      bool // edgeHub gave up waiting for its acknowledgement
}

func newModel(t *testing.T, window int, seed uint64) *model {
	m := &model{t: t, Rand: rand.New(rand.NewPCG(seed, uint64(window))), window: window, rig: start(t, nil), up: true, announced: true, number: 1, told: 1,
		queues: map[module.InputName][]*reading{}, next: map[module.InputName]int{}, classes: map[string]*class{}, bodies: map[*byte]*life{},
		results: map[string]*life{}, stored: map[uint64]bool{}, sending: map[*Share][]string{}, waiting: map[module.SignalName][]*Share{}}
	queue := func(name module.SignalName) Route {
		return Route{Signal: name, Consumer: consumer(func(s *Share) bool { m.waiting[name] = append(m.waiting[name], s); return true })}
	}
	m.SetRoutes(&Routes{
		Inputs:  map[module.InputName][]Route{"in1": {queue("a"), queue("b")}, "in2": {queue("b")}},
		Signals: map[module.SignalName][]Route{"a": {queue("c")}},
	})
	return m
}

// live takes random steps and then lets all come to its end.
func (m *model) live(steps int) {
	for range steps {
		m.step(m.IntN(20))
		synctest.Wait()
	}
	for m.unfinished() {
		if kind := m.IntN(20); kind > 2 && kind != 17 { // no new readings, no loss
			m.step(kind)
			synctest.Wait()
		}
	}
	m.judge()
}

func (m *model) step(kind int) {
	input := [...]module.InputName{"in1", "in2"}[m.IntN(2)]
	switch kind {
	case 0, 1, 2:
		m.send(input)
	case 3, 4, 5, 6:
		m.deliverNext(input)
	case 7, 8, 9, 10:
		m.work([...]module.SignalName{"a", "b", "c"}[m.IntN(3)])
	case 11, 12:
		m.finishOne()
	case 13, 14:
		m.ackResults(1 + m.IntN(3))
	case 15, 16:
		m.readAcks()
	case 17:
		m.disconnect()
	case 18:
		m.reconnect()
	case 19:
		m.giveUpWaiting()
	}
}

// send gives edgeHub a reading: on or off, with an identity or without.
func (m *model) send(input module.InputName) {
	m.sent++
	r := &reading{number: m.sent, input: input, body: [...]string{"on", "off"}[m.IntN(2)]}
	name := string(input) + r.body
	switch m.IntN(4) {
	case 0:
		r.properties = []string{mid, strconv.Itoa(m.sent)}
	case 1:
		r.properties = []string{propertyBatchID, "b", propertySequence, strconv.Itoa(m.sent)}
	}
	if r.properties != nil {
		name += strconv.Itoa(m.sent)
	}
	if m.classes[name] == nil {
		m.classes[name] = &class{anonymous: r.properties == nil}
	}
	r.class = m.classes[name]
	r.class.readings++
	m.queues[input] = append(m.queues[input], r)
}

// deliverNext delivers what comes next on an input, where the window has room: also before the pipeline is told of the
// connection.
func (m *model) deliverNext(input module.InputName) {
	inFlight := 0
	for _, c := range m.link {
		if !c.stale {
			inFlight++
		}
	}
	if !m.up || inFlight >= m.window || m.next[input] >= len(m.queues[input]) {
		return
	}
	c := &copyOf{reading: m.queues[input][m.next[input]], connection: m.number}
	m.next[input]++
	m.link = append(m.link, c)
	m.delivered = m.number
	d := newDelivery(input, m.number, c.reading.body, func() { m.acked(c) }, c.reading.properties...)
	m.bodies[&d.Message.Body[0]] = &life{reading: c.reading, open: len(m.routes.Load().Inputs[input])}
	require.NoError(m.t, m.Deliver(d))
}

// acked is a copy's acknowledgement.
func (m *model) acked(c *copyOf) {
	m.handOver()
	m.noteStored()
	c.acks++
	require.Equal(m.t, 1, c.acks, "a copy of reading %d is acknowledged once", c.reading.number)
	if c.connection >= max(m.told, m.delivered) {
		c.reading.class.repeats++
	}
	finished := 0
	for _, l := range c.reading.class.lives {
		if l.open == 0 {
			finished++
		}
	}
	require.Greater(m.t, finished, 0, "reading %d is acknowledged before all that comes of it is", c.reading.number)
}

// handOver orders what the test did before it slept before what the journal's goroutine does meanwhile.
func (m *model) handOver() {
	m.order.Lock()
	defer m.order.Unlock()
}

// readAcks lets edgeHub read the acknowledgements that left: in order of arrival.
func (m *model) readAcks() {
	for len(m.link) > 0 && m.link[0].acks == 1 {
		c := m.link[0]
		m.link = m.link[1:]
		if c.stale {
			continue
		}
		class := c.reading.class
		class.acked++
		finished := 0
		for _, l := range class.lives {
			if l.open == 0 {
				finished++
			}
		}
		require.LessOrEqual(m.t, class.acked, finished, "edgeHub forgets reading %d, and nothing came of it", c.reading.number)
		queue := m.queues[c.reading.input]
		i := slices.Index(queue, c.reading)
		m.queues[c.reading.input] = slices.Delete(queue, i, i+1)
		m.next[c.reading.input]--
	}
}

// disconnect loses what is under way in both directions.
func (m *model) disconnect() {
	m.up, m.announced, m.link = false, false, nil
	clear(m.next)
	m.lose()
}

// reconnect makes a connection, and tells the pipeline of it at another time; some end before.
func (m *model) reconnect() {
	if !m.up {
		m.up = true
		m.number++
		return
	}
	if !m.announced {
		m.announced = true
		m.told++
		m.rig.connect()
	}
}

// giveUpWaiting lets time go by until edgeHub sends again what is not acknowledged.
func (m *model) giveUpWaiting() {
	m.readAcks()
	m.handOver()
	time.Sleep(inputTime + 2*look) // what edgeHub has not acknowledged is stored by then
	synctest.Wait()
	m.readAcks()
	m.handOver()
	time.Sleep(ackTimeout - inputTime)
	synctest.Wait()
	for _, c := range m.link {
		if !c.stale {
			c.stale = true
			m.next[c.reading.input] = 0
		}
	}
}

// work lets a signal work on its next share: it sends what comes of it, and finishes it now or later.
func (m *model) work(name module.SignalName) {
	if len(m.waiting[name]) == 0 {
		return
	}
	s := m.waiting[name][0]
	m.waiting[name] = m.waiting[name][1:]
	l := m.lifeOf(s)
	switch m.IntN(4) {
	case 0: // drops it
	case 1:
		id := MessageID(s.Identity, string(name)+"/deadletter", s.index)
		m.expect(l, id)
		m.sending[s] = append(m.sending[s], id)
		s.DeadLetter(module.DeadLetter{Reason: "trap"})
	default:
		for range 1 + m.IntN(2) {
			if name == "a" {
				l.open++ // c's share
			}
			id := MessageID(s.Identity, string(name), s.index)
			m.expect(l, id)
			m.sending[s] = append(m.sending[s], id)
			s.Send("out", module.Message{Body: []byte(id)}, true)
		}
	}
	if m.begun = append(m.begun, s); m.IntN(2) == 0 {
		m.finish(len(m.begun) - 1)
	}
}

// lifeOf returns the life that a share belongs to, and notes its first share.
func (m *model) lifeOf(s *Share) *life {
	l := m.bodies[&s.Message.Body[0]]
	if l == nil {
		l = m.results[string(s.Message.Body)]
	}
	if class := l.reading.class; !slices.Contains(class.lives, l) {
		class.lives = append(class.lives, l)
	}
	return l
}

// expect notes a result, whose id no other may have.
func (m *model) expect(l *life, id string) {
	require.Nil(m.t, m.results[id], "no two results have the same id")
	m.results[id] = l
	l.open++
}

func (m *model) finishOne() {
	if len(m.begun) > 0 {
		m.finish(m.IntN(len(m.begun)))
	}
}

func (m *model) finish(i int) {
	s := m.begun[i]
	m.begun = slices.Delete(m.begun, i, i+1)
	m.lifeOf(s).open--
	m.made = append(m.made, m.sending[s]...)
	s.Finish()
}

func (m *model) ackResults(n int) {
	for _, p := range m.pick(n) {
		if m.noteStored(); !m.stored[uint64(1+slices.Index(m.made, p.properties.Value(mid)))] {
			m.results[p.properties.Value(mid)].open--
		}
		p.acked = true
		p.done(nil)
	}
}

// noteStored notes which results nothing waits for because they are stored.
func (m *model) noteStored() {
	m.outbox.mu.Lock()
	defer m.outbox.mu.Unlock()
	for _, r := range m.outbox.queue {
		if r.stored == stored && !r.acked && !m.stored[r.sequence] {
			m.stored[r.sequence] = true
			m.results[m.made[r.sequence-1]].open--
		}
	}
}

func (m *model) unfinished() bool {
	return len(m.queues["in1"])+len(m.queues["in2"])+len(m.begun)+len(m.waiting["a"])+len(m.waiting["b"])+len(m.waiting["c"])+m.outbox.waiting() > 0
}

// judge looks back.
func (m *model) judge() {
	counts := m.Counts()
	require.Zero(m.t, counts.InFlight)
	require.Zero(m.t, counts.Outbox)
	for name, class := range m.classes {
		require.Equal(m.t, class.readings, class.acked, name)
		if class.anonymous {
			require.LessOrEqual(m.t, len(class.lives), class.readings+class.repeats, "%s runs again where it is known", name)
		} else {
			require.Len(m.t, class.lives, 1, "%s has an identity and runs once", name)
		}
	}
	var acked []string
	onConnection := map[string]bool{}
	for _, p := range m.written {
		id := p.properties.Value(mid)
		key := fmt.Sprint(p.connection, id)
		require.False(m.t, onConnection[key], "nothing is sent twice on a connection")
		onConnection[key] = true
		if p.acked {
			acked = append(acked, id)
		}
	}
	require.Equal(m.t, m.made, acked, "every result reaches edgeHub, in order, with the id that it was given")
}
