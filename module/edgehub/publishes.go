package edgehub

// maxPacketID is the number of packet ids: 1 to 65535.
const maxPacketID = 65535

// publishes are what a connection sent at QoS 1 and is not acknowledged, in order of sending.
//
// Ids are given one after the other and taken back in the same order, so those in use are always a
// contiguous range (of a circle): an id's place in the queue is its distance from the first's, and with
// fewer than 65535 outstanding the next id is free.
type publishes struct {
	open fifo[publish]
	last uint16 // the id given last; 0 before the first
}

type publish struct {
	done  func(error) // may be nil
	acked bool
}

// add takes the next id. The caller sees to it that fewer than maxPacketID are open.
func (p *publishes) add(done func(error)) (id uint16) {
	p.last = p.last%maxPacketID + 1
	p.open.push(publish{done: done})
	return p.last
}

// ack notes a PUBACK. Ids that are not outstanding are ignored.
func (p *publishes) ack(id uint16) {
	first := (int(p.last) - p.open.len() + maxPacketID) % maxPacketID // the id before the first open one
	place := (int(id) - first - 1 + maxPacketID) % maxPacketID
	if id != 0 && place < p.open.len() {
		p.open.at(place).acked = true
	}
}

// pop takes the first publish from the queue if it is acknowledged.
func (p *publishes) pop() (done func(error), ok bool) {
	if p.open.len() == 0 || !p.open.at(0).acked {
		return nil, false
	}
	return p.open.pop().done, true
}
