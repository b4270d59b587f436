package edgehub

import (
	"fmt"
	"time"
)

// Input is one copy of a message that edgeHub delivered to an input. The same message may come again, on
// the same or a later connection, until a copy is acknowledged in time; edgeHub gives copies nothing in
// common but the sender's own "$.mid".
type Input struct {
	Name string // of the input
	Message
	Connection uint64    // which connection of this process delivered the copy, from 1
	Received   time.Time // when

	from   *connection
	number uint64 // among the connection's deliveries; 0 at QoS 0, which is not acknowledged
}

// Ack tells edgeHub that the message is finished. It may be called in any order, from any goroutine and
// more than once: the PUBACK leaves, once, as soon as all copies that came before on the same connection are
// acknowledged too. After the end of that connection it does nothing; the message comes again. It does not
// block.
func (i *Input) Ack() {
	if i.from != nil {
		i.from.ack(i.number)
	}
}

// maxUnackedInputs bounds what a server that does not wait for PUBACKs can make us remember.
const maxUnackedInputs = 65535

// arrive notes that a PUBACK is owed.
func (c *connection) arrive(packetID uint16) (number uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.acks.owed.len() >= maxUnackedInputs {
		return 0, fmt.Errorf("more than %d deliveries without an acknowledgement", maxUnackedInputs)
	}
	return c.acks.arrive(packetID), nil
}

// ack gives the PUBACK of a delivery.
func (c *connection) ack(number uint64) {
	if number == 0 {
		return
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	before := len(c.pending)
	c.pending = c.acks.give(number, c.pending)
	after := len(c.pending)
	c.mu.Unlock()
	if after > before {
		c.written(after)
	}
}
