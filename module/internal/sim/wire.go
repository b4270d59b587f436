package sim

import (
	"encoding/binary"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// maxTopic is the longest topic that fits an MQTT string, in bytes.
const maxTopic = 65535

// packetID is the packet id of every QoS 1 PUBLISH that edgeHub sends: always the same one, never with DUP.
const packetID = 1

// appendPublish appends a PUBLISH as edgeHub sends it.
func appendPublish(b []byte, qos byte, topic string, body []byte) []byte {
	length := 2 + len(topic) + len(body)
	if qos > 0 {
		length += 2
	}
	b = append(b, packets.Publish<<4|qos<<1)
	b = appendLength(b, length)
	b = binary.BigEndian.AppendUint16(b, uint16(len(topic)))
	b = append(b, topic...)
	if qos > 0 {
		b = binary.BigEndian.AppendUint16(b, packetID)
	}
	return append(b, body...)
}

// appendLength appends a remaining length in MQTT's variable form.
func appendLength(b []byte, length int) []byte {
	for ; length > 127; length >>= 7 {
		b = append(b, byte(length)|0x80)
	}
	return append(b, byte(length))
}

func appendConnack(b []byte, sessionPresent bool, code byte) []byte {
	present := byte(0)
	if sessionPresent {
		present = 1
	}
	return append(b, packets.Connack<<4, 2, present, code)
}

func appendPuback(b []byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, packets.Puback<<4, 2), id)
}

func appendSuback(b []byte, id uint16, granted []byte) []byte {
	b = appendLength(append(b, packets.Suback<<4), 2+len(granted))
	return append(binary.BigEndian.AppendUint16(b, id), granted...)
}

func appendUnsuback(b []byte, id uint16) []byte {
	return binary.BigEndian.AppendUint16(append(b, packets.Unsuback<<4, 2), id)
}

func appendPingresp(b []byte) []byte { return append(b, packets.Pingresp<<4, 0) }
