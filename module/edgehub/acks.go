package edgehub

// acks are the PUBACKs that a connection owes for what it received at QoS 1, in order of arrival.
//
// edgeHub gives every delivery packet id 1 and matches PUBACKs to deliveries by their order alone
// (PG:RequestAckPairProcessor). So one leaves only when it and all before it are given: an early one would
// be credited to an older message, and one left out would shift all that follow.
type acks struct {
	owed  fifo[ack]
	first uint64 // number of the first in owed; deliveries of a connection are numbered from 1
}

type ack struct {
	packetID uint16
	given    bool
}

func newAcks() acks { return acks{first: 1} }

// arrive notes a delivery and returns its number.
func (a *acks) arrive(packetID uint16) uint64 {
	a.owed.push(ack{packetID: packetID})
	return a.first + uint64(a.owed.len()) - 1
}

// give acknowledges the delivery of that number and appends the PUBACKs that may leave now. Given again it
// does nothing.
func (a *acks) give(number uint64, b []byte) []byte {
	if number < a.first || number-a.first >= uint64(a.owed.len()) {
		return b
	}
	a.owed.at(int(number - a.first)).given = true
	for a.owed.len() > 0 && a.owed.at(0).given {
		b = appendPuback(b, a.owed.pop().packetID)
		a.first++
	}
	return b
}
