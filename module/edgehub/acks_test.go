package edgehub

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestPubacksLeaveInOrderOfArrivalWhateverTheOrderOfAcks(t *testing.T) {
	a := newAcks()
	for range 4 {
		a.arrive(1)
	}
	puback := "\x40\x02\x00\x01"
	assert.Empty(t, a.give(3, nil), "1 and 2 come first")
	assert.Empty(t, a.give(2, nil))
	assert.Equal(t, puback+puback+puback, string(a.give(1, nil)))
	assert.Equal(t, puback, string(a.give(4, nil)))
}

func TestACopyIsAcknowledgedOnce(t *testing.T) {
	a := newAcks()
	a.arrive(1)
	a.arrive(1)
	assert.Len(t, a.give(1, nil), 4)
	assert.Empty(t, a.give(1, nil))
	assert.Empty(t, a.give(9, nil), "never arrived")
	assert.Len(t, a.give(2, nil), 4)
	assert.Empty(t, a.give(2, nil))
}

func TestThePacketIDIsEchoedAndNothingElse(t *testing.T) {
	a := newAcks()
	first, second := a.arrive(0x1234), a.arrive(0x1234)
	assert.NotEqual(t, first, second, "equal ids are different deliveries")
	assert.Equal(t, "\x40\x02\x12\x34", string(a.give(first, nil)))
}

func TestAcksInAnyOrderMakeAsManyPubacksAsArrivals(t *testing.T) {
	a := newAcks()
	var sent []byte
	var waiting []uint64
	for i := range 10000 {
		waiting = append(waiting, a.arrive(uint16(i)))
		if rand.N(3) > 0 {
			k := rand.N(len(waiting))
			sent = a.give(waiting[k], sent)
			waiting[k] = waiting[len(waiting)-1]
			waiting = waiting[:len(waiting)-1]
		}
	}
	for _, number := range waiting {
		sent = a.give(number, sent)
	}
	assert.Len(t, sent, 4*10000)
	for i := range 10000 {
		if id := int(sent[4*i+2])<<8 | int(sent[4*i+3]); id != i {
			t.Fatalf("PUBACK %d carries id %d", i, id)
		}
	}
}
