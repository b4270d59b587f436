package edgehub

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// answers notes in which order done functions are popped.
type answers struct{ order []int }

func (a *answers) done(i int) func(error) { return func(error) { a.order = append(a.order, i) } }

func popAll(p *publishes) {
	for done, ok := p.pop(); ok; done, ok = p.pop() {
		done(nil)
	}
}

func TestPublishesAreDoneInOrderEvenIfPubacksAreNot(t *testing.T) {
	var p publishes
	var got answers
	for i := 1; i <= 3; i++ {
		assert.EqualValues(t, i, p.add(got.done(i)))
	}
	p.ack(2)
	popAll(&p)
	assert.Empty(t, got.order)
	p.ack(1)
	popAll(&p)
	assert.Equal(t, []int{1, 2}, got.order)
	p.ack(3)
	popAll(&p)
	assert.Equal(t, []int{1, 2, 3}, got.order)
}

func TestUnknownPubacksAreIgnored(t *testing.T) {
	var p publishes
	p.ack(1)
	p.add(nil)
	for _, id := range []uint16{0, 2, 3, 65535} {
		p.ack(id)
		_, ok := p.pop()
		assert.False(t, ok, "id %d", id)
	}
	p.ack(1)
	_, ok := p.pop()
	assert.True(t, ok)
	p.ack(1)
	_, ok = p.pop()
	assert.False(t, ok, "a second PUBACK")
}

func TestPacketIDsWrapFrom65535To1AndSkipThoseInUse(t *testing.T) {
	var p publishes
	const open = 1000
	inUse := make(map[uint16]bool)
	var ids []uint16
	for range 3 * maxPacketID {
		id := p.add(nil)
		assert.NotZero(t, id)
		if inUse[id] {
			t.Fatalf("id %d is in use", id)
		}
		inUse[id] = true
		if ids = append(ids, id); len(ids) > open {
			p.ack(ids[0])
			_, ok := p.pop()
			assert.True(t, ok)
			delete(inUse, ids[0])
			ids = ids[1:]
		}
	}
}

func TestAllIDsMayBeOutstanding(t *testing.T) {
	var p publishes
	p.last = 40000
	for range maxPacketID {
		p.add(nil)
	}
	p.ack(40000) // the last of all
	_, ok := p.pop()
	assert.False(t, ok)
	p.ack(40001) // the first
	_, ok = p.pop()
	assert.True(t, ok)
}
