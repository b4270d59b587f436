package edgehub

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// errProtocol is what edgeHub must not send. The connection is dropped.
var errProtocol = errors.New("protocol violation")

// maxSmallPacket bounds the remaining length of all packets but PUBLISH that a server sends.
const maxSmallPacket = 16

// packet is one packet of the server: CONNACK, PUBLISH, PUBACK, SUBACK or PINGRESP.
type packet struct {
	kind  byte // packets.Publish, …
	flags byte
	body  []byte // after the fixed header; a PUBLISH's is the receiver's, the others' is valid until the next read
}

// packetReader reads packets and trusts nothing: it looks at the fixed header before it takes memory for
// what the header claims.
type packetReader struct {
	r     *bufio.Reader
	small [maxSmallPacket]byte
}

func newPacketReader(r io.Reader) *packetReader {
	return &packetReader{r: bufio.NewReaderSize(r, 16<<10)}
}

func (p *packetReader) next() (packet, error) {
	first, err := p.r.ReadByte()
	if err != nil {
		return packet{}, err
	}
	pk := packet{kind: first >> 4, flags: first & 0x0F}
	if err := checkHeader(pk); err != nil {
		return packet{}, err
	}
	length, err := p.length()
	if err != nil {
		return packet{}, err
	}
	switch {
	case pk.kind == packets.Publish && length <= maxInbound:
		pk.body = make([]byte, length)
	case pk.kind != packets.Publish && length <= maxSmallPacket:
		pk.body = p.small[:length]
	default:
		return packet{}, fmt.Errorf("%w: %s of %d bytes", errProtocol, packets.PacketNames[pk.kind], length)
	}
	_, err = io.ReadFull(p.r, pk.body)
	return pk, err
}

// length reads the remaining length: up to four bytes, seven bits each, low ones first.
func (p *packetReader) length() (int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := p.r.ReadByte()
		if err != nil {
			return 0, err
		}
		n |= int(b&0x7F) << shift
		if b < 0x80 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("%w: remaining length of more than four bytes", errProtocol)
}

func checkHeader(pk packet) error {
	switch pk.kind {
	case packets.Publish:
		if qos := pk.flags >> 1 & 3; qos > 1 {
			return fmt.Errorf("%w: PUBLISH with QoS %d", errProtocol, qos)
		}
		return nil
	case packets.Connack, packets.Puback, packets.Suback, packets.Pingresp:
		if pk.flags == 0 {
			return nil
		}
	}
	return fmt.Errorf("%w: packet of type %d with flags %#x", errProtocol, pk.kind, pk.flags)
}

// delivery is a PUBLISH of the server.
type delivery struct {
	topic    string
	packetID uint16 // with QoS 1 only
	qos      byte
	body     []byte
}

// parseDelivery reads a PUBLISH. The delivery's body is a part of the packet's.
func parseDelivery(pk packet) (delivery, error) {
	d := delivery{qos: pk.flags >> 1 & 3}
	rest := pk.body
	if len(rest) < 2 {
		return d, fmt.Errorf("%w: PUBLISH without a topic", errProtocol)
	}
	n := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if n > len(rest) {
		return d, fmt.Errorf("%w: topic longer than its packet", errProtocol)
	}
	d.topic, rest = string(rest[:n]), rest[n:]
	if !isText(d.topic) {
		return d, fmt.Errorf("%w: topic is not UTF-8 without NUL", errProtocol)
	}
	if d.qos > 0 {
		if len(rest) < 2 {
			return d, fmt.Errorf("%w: PUBLISH without a packet id", errProtocol)
		}
		d.packetID, rest = binary.BigEndian.Uint16(rest), rest[2:]
	}
	d.body = rest
	return d, nil
}

// lengthBytes is the number of bytes of an encoded remaining length.
func lengthBytes(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

func appendLength(b []byte, n int) []byte {
	for n >= 0x80 {
		b = append(b, byte(n)|0x80)
		n >>= 7
	}
	return append(b, byte(n))
}

func appendPuback(b []byte, id uint16) []byte {
	return append(b, packets.Puback<<4, 2, byte(id>>8), byte(id))
}

// appendPublish appends a message's PUBLISH: QoS 1, never DUP, which edgeHub would turn into a property.
func appendPublish(b []byte, o *outgoing, id uint16) []byte {
	b = append(b, packets.Publish<<4|1<<1)
	b = appendLength(b, o.remaining)
	b = binary.BigEndian.AppendUint16(b, uint16(o.topic))
	b = append(b, o.prefix...)
	b = appendOutputBag(b, o.output, o.Properties)
	b = binary.BigEndian.AppendUint16(b, id)
	return append(b, o.Body...)
}

// appendRequest appends a PUBLISH of QoS 0.
func appendRequest(b []byte, topic string, body []byte) []byte {
	b = append(b, packets.Publish<<4)
	b = appendLength(b, 2+len(topic)+len(body))
	b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
	b = append(b, topic...)
	return append(b, body...)
}
