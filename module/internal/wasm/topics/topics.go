// Package topics is where guests of 2022 publish and read: queues in memory by name, which the guests of one module share.
//
//	bus := topics.New()
//	sensor, gateway := bus.Join(), bus.Join()
//	err := sensor.Publish("telemetry", "21.5")
//	text, there, missed := gateway.Read("telemetry")
//
// A message is read once, by whoever comes first; a member that has subscribed to a topic reads every message from then on,
// and takes none from the others. Every member may publish to every topic and read it. A topic keeps its newest messages and
// nobody waits for room: who reads too late is told that it missed some. A topic is there for as long as the member is that
// first used it.
//
// # Concurrency
//
// A Bus may be used from any goroutine, a Member from one at a time. Nothing is started here.
package topics

import (
	"errors"
	"fmt"
	"sync"
)

// Bounds: the queues of all members together are as many as there are members, times these.
const (
	maxTopics        = 8         // that a member may add
	maxSubscriptions = 64        // of a member
	maxMessages      = 1000      // that a topic keeps
	maxBytes         = 128 << 10 // of them
	maxName          = 128       // bytes
)

// Errors of what a member asks.
var (
	ErrName    = fmt.Errorf("the name of a topic has 1 to %d bytes", maxName)
	ErrTooLong = fmt.Errorf("the message is longer than the %d bytes that a topic keeps", maxBytes)
	ErrTopics  = fmt.Errorf("a guest may add %d topics, and this would be one more", maxTopics)
	ErrMany    = fmt.Errorf("a guest may subscribe to %d topics, and this would be one more", maxSubscriptions)
	ErrLeft    = errors.New("the member has left")
)

// Bus is the topics of a module.
type Bus struct {
	mu     sync.Mutex // guards what follows, in topics and members too
	topics map[string]*topic
	next   uint64 // number of the message that is published next, whatever its topic
}

// topic is what is left of what was published on it, oldest first.
type topic struct {
	messages []message
	bytes    int
	shared   uint64 // number from which those read that have not subscribed
	dropped  uint64 // number after the last message that made room
}

type message struct {
	number uint64
	text   string
}

// New returns a Bus without topics.
func New() *Bus { return &Bus{topics: make(map[string]*topic)} }

// Member is one of those who share a Bus.
type Member struct {
	bus        *Bus
	added      []string          // topics
	subscribed map[string]uint64 // number from which it reads, by topic
	left       bool
}

// Join adds a member, which Leave takes off.
func (b *Bus) Join() *Member { return &Member{bus: b, subscribed: make(map[string]uint64)} }

// Leave gives back the topics that the member added, with what is in them.
func (m *Member) Leave() {
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	for _, name := range m.added {
		delete(m.bus.topics, name)
	}
	m.added, m.left = nil, true
}

// Publish puts a message on a topic, which is added where it is missing.
func (m *Member) Publish(name, text string) error {
	if len(text) > maxBytes {
		return ErrTooLong
	}
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	t, err := m.topic(name)
	if err != nil {
		return err
	}
	t.add(message{m.bus.next, text})
	m.bus.next++
	return nil
}

// Subscribe lets the member read every message of a topic that is published from now on, and no earlier one. Once more it
// changes nothing.
func (m *Member) Subscribe(name string) error {
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	if _, already := m.subscribed[name]; already {
		return nil
	}
	if len(m.subscribed) == maxSubscriptions {
		return ErrMany
	}
	if _, err := m.topic(name); err != nil {
		return err
	}
	m.subscribed[name] = m.bus.next
	return nil
}

// Read returns the next message of a topic, if there is one, and whether others before it had to make room.
func (m *Member) Read(name string) (text string, there, missed bool) {
	m.bus.mu.Lock()
	defer m.bus.mu.Unlock()
	t := m.bus.topics[name]
	if t == nil {
		return "", false, false
	}
	if from, subscribed := m.subscribed[name]; subscribed {
		text, from, there, missed = t.read(from)
		m.subscribed[name] = from
		return text, there, missed
	}
	text, t.shared, there, missed = t.read(t.shared)
	return text, there, missed
}

// topic returns a topic, which the member adds where it is missing. It is called with the mutex held.
func (m *Member) topic(name string) (*topic, error) {
	t := m.bus.topics[name]
	switch {
	case m.left:
		return nil, ErrLeft
	case t != nil:
		return t, nil
	case name == "" || len(name) > maxName:
		return nil, ErrName
	case len(m.added) == maxTopics:
		return nil, ErrTopics
	}
	t = &topic{shared: m.bus.next}
	m.bus.topics[name] = t
	m.added = append(m.added, name)
	return t, nil
}

// add appends a message, for which the oldest make room.
func (t *topic) add(m message) {
	t.messages = append(t.messages, m)
	t.bytes += len(m.text)
	for len(t.messages) > maxMessages || t.bytes > maxBytes {
		oldest := &t.messages[0]
		t.bytes -= len(oldest.text)
		t.dropped = oldest.number + 1
		oldest.text = "" // append copies what is left at some time, and the text is not to wait for that
		t.messages = t.messages[1:]
	}
}

// read returns the first message that is not before a number, and from which number to read on.
func (t *topic) read(from uint64) (text string, next uint64, there, missed bool) {
	missed = from < t.dropped
	for _, m := range t.messages {
		if m.number >= from {
			return m.text, m.number + 1, true, missed
		}
	}
	return "", max(from, t.dropped), false, missed
}
