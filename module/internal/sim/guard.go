package sim

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// maxPacket is edgeHub's MaxInboundMessageSize: bytes of a packet with its fixed header. It closes the connection on
// a larger one, without a word.
const maxPacket = 262144

// errProtocol is wrapped by every error about what a client may not send. The connection is closed for it.
var errProtocol = errors.New("protocol violation")

// readPacket reads one packet that a client may send. It looks at the fixed header before the codec does, because
// the codec allocates whatever a header claims, and at the strings after it, because the codec pads short ones.
func readPacket(r *bufio.Reader) (packets.ControlPacket, error) {
	kind, length, err := peekHeader(r)
	if err != nil {
		return nil, err
	}
	if err := checkHeader(kind, length); err != nil {
		return nil, err
	}
	packet, err := packets.ReadPacket(r)
	if err != nil {
		return nil, err
	}
	if err := checkPacket(packet, length); err != nil {
		return nil, err
	}
	return packet, nil
}

// peekHeader returns the first byte of the next packet and its remaining length, and leaves both to be read.
func peekHeader(r *bufio.Reader) (kind byte, length int, err error) {
	for n := 2; ; n++ {
		header, err := r.Peek(n)
		if err != nil {
			return 0, 0, err
		}
		digit := header[n-1]
		length |= int(digit&0x7f) << (7 * (n - 2))
		if digit&0x80 == 0 {
			if n+length > maxPacket {
				return 0, 0, fmt.Errorf("%w: packet of %d bytes", errProtocol, n+length)
			}
			return header[0], length, nil
		}
		if n == 5 {
			return 0, 0, fmt.Errorf("%w: remaining length of more than four bytes", errProtocol)
		}
	}
}

// checkHeader refuses types, flags and lengths that no client may send (MQTT 3.1.1, 2.2.2), and QoS 2, which edgeHub
// does not have.
func checkHeader(first byte, length int) error {
	kind, flags := first>>4, first&0x0f
	wantFlags, wantLength := byte(0), -1
	switch kind {
	case packets.Publish:
		if qos := flags >> 1 & 3; qos > 1 {
			return fmt.Errorf("%w: publish at QoS %d", errProtocol, qos)
		}
		return nil
	case packets.Connect:
	case packets.Subscribe, packets.Unsubscribe:
		wantFlags = 2
	case packets.Puback:
		wantLength = 2
	case packets.Pingreq, packets.Disconnect:
		wantLength = 0
	default:
		return fmt.Errorf("%w: packet of type %d", errProtocol, kind)
	}
	if flags != wantFlags || wantLength >= 0 && length != wantLength {
		return fmt.Errorf("%w: malformed %s", errProtocol, packets.PacketNames[kind])
	}
	return nil
}

// checkPacket refuses a packet whose fields do not add up to its length, and texts that are none.
func checkPacket(packet packets.ControlPacket, length int) error {
	ok := true
	switch p := packet.(type) {
	case *packets.ConnectPacket:
		ok = connectLength(p) == length && validTexts(p.ClientIdentifier, p.Username, p.WillTopic)
	case *packets.PublishPacket:
		ok = validTopic(p.TopicName) && (p.Qos == 0 || p.MessageID != 0)
	case *packets.SubscribePacket:
		ok = p.MessageID != 0 && listLength(p.Topics, 1) == length && validTexts(p.Topics...)
		for _, qos := range p.Qoss {
			ok = ok && qos <= 2
		}
	case *packets.UnsubscribePacket:
		ok = p.MessageID != 0 && listLength(p.Topics, 0) == length && validTexts(p.Topics...)
	}
	if !ok {
		return fmt.Errorf("%w: malformed %T", errProtocol, packet)
	}
	return nil
}

// connectLength is the remaining length of a CONNECT with these fields.
func connectLength(p *packets.ConnectPacket) int {
	n := 2 + len(p.ProtocolName) + 1 + 1 + 2 + 2 + len(p.ClientIdentifier)
	if p.WillFlag {
		n += 2 + len(p.WillTopic) + 2 + len(p.WillMessage)
	}
	if p.UsernameFlag {
		n += 2 + len(p.Username)
	}
	if p.PasswordFlag {
		n += 2 + len(p.Password)
	}
	return n
}

// listLength is the remaining length of a packet of an id and topics with extra bytes each; 0 where there is none,
// which no packet may have.
func listLength(topics []string, extra int) int {
	if len(topics) == 0 {
		return 0
	}
	n := 2
	for _, topic := range topics {
		n += 2 + len(topic) + extra
	}
	return n
}

func validTopic(topic string) bool {
	return topic != "" && validTexts(topic) && !strings.ContainsAny(topic, "#+")
}

func validTexts(texts ...string) bool {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return false
		}
	}
	return true
}
