package edgehub

import (
	"bytes"
	"strings"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAPublishIsReadBackByTheCodec(t *testing.T) {
	for _, size := range []int{0, 1, 100, 1 << 14, 1 << 17} {
		c, err := New(Config{Identity: testIdentity()})
		require.NoError(t, err)
		body := strings.Repeat("x", size)
		o, err := c.newOutgoing("out", Message{Body: []byte(body), Properties: properties("$.mid", "1", "k", "ü")})
		require.NoError(t, err)

		raw := appendPublish(nil, &o, 0xBEEF)
		read, err := packets.ReadPacket(bytes.NewReader(raw))
		require.NoError(t, err)
		p := read.(*packets.PublishPacket)
		assert.Equal(t, "devices/edge-1/modules/filter/messages/events/%24.on=out&%24.mid=1&k=%C3%BC/", p.TopicName)
		assert.EqualValues(t, 0xBEEF, p.MessageID)
		assert.EqualValues(t, 1, p.Qos)
		assert.False(t, p.Dup, "edgeHub makes a property of it")
		assert.False(t, p.Retain, "edgeHub makes a property of it")
		assert.Equal(t, body, string(p.Payload))
		assert.Equal(t, len(raw), 1+lengthBytes(o.remaining)+o.remaining)
	}
}

func TestAckAndRequestAreReadBackByTheCodec(t *testing.T) {
	read, err := packets.ReadPacket(bytes.NewReader(appendPuback(nil, 0x0102)))
	require.NoError(t, err)
	assert.EqualValues(t, 0x0102, read.(*packets.PubackPacket).MessageID)

	read, err = packets.ReadPacket(bytes.NewReader(appendRequest(nil, "$iothub/x", []byte("body"))))
	require.NoError(t, err)
	p := read.(*packets.PublishPacket)
	assert.Equal(t, "$iothub/x", p.TopicName)
	assert.Equal(t, "body", string(p.Payload))
	assert.EqualValues(t, 0, p.Qos)
}

func TestAHeaderIsNotBelievedBeforeItIsLookedAt(t *testing.T) {
	for name, raw := range map[string]string{
		"PUBLISH over the limit":     "\x30\x81\x80\x80\x01",
		"PUBLISH of 256 MB":          "\x30\xFF\xFF\xFF\x7F",
		"fifth length byte":          "\x30\x80\x80\x80\x80\x01",
		"QoS 2":                      "\x34\x05\x00\x01a\x00\x01",
		"QoS 3":                      "\x36\x05\x00\x01a\x00\x01",
		"large CONNACK":              "\x20\x11",
		"client's packet":            "\x10\x00",
		"type 0":                     "\x00\x00",
		"type 15":                    "\xF0\x00",
		"PUBACK with reserved flags": "\x42\x02\x00\x01",
	} {
		// Not io.ErrUnexpectedEOF: it was refused before its content was waited for.
		_, err := newPacketReader(strings.NewReader(raw)).next()
		assert.ErrorIs(t, err, errProtocol, name)
	}
}

func TestTheLargestInputIsTaken(t *testing.T) {
	body := make([]byte, MaxPacket+65536)
	raw := appendRequest(nil, "t", body)
	pk, err := newPacketReader(bytes.NewReader(raw)).next()
	require.NoError(t, err)
	d, err := parseDelivery(pk)
	require.NoError(t, err)
	assert.Len(t, d.body, len(body))
}

func FuzzPacketReader(f *testing.F) {
	f.Add([]byte("\x20\x02\x00\x00\x32\x07\x00\x01a\x00\x01bc\x40\x02\x00\x01\xD0\x00"))
	f.Add([]byte("\x30\xFF\xFF\x7F"))
	f.Add([]byte("\x90\x03\x00\x01\x80"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		reader := newPacketReader(bytes.NewReader(raw))
		for {
			pk, err := reader.next()
			if err != nil {
				return
			}
			if pk.kind != packets.Publish {
				assert.LessOrEqual(t, len(pk.body), maxSmallPacket)
				continue
			}
			if d, err := parseDelivery(pk); err == nil {
				assert.True(t, isText(d.topic))
				assert.LessOrEqual(t, len(d.topic)+len(d.body), len(pk.body))
			}
		}
	})
}

// FuzzHandle feeds a connection that is open, and all its callbacks.
func FuzzHandle(f *testing.F) {
	seed := func(topic, body string) {
		f.Add(byte(packets.Publish), byte(2), appendRequest(nil, topic, []byte(body))[2:])
	}
	seed("devices/edge-1/modules/filter/inputs/a/%zz=%zz", "\x00\x01body")
	seed("$iothub/methods/POST/x/?$rid=1", "")
	seed("$iothub/twin/res/200/?$rid=1", "{}")
	seed("$iothub/twin/PATCH/properties/desired/?$version=1", "{}")
	f.Add(byte(packets.Puback), byte(0), []byte{0, 1})
	f.Fuzz(func(t *testing.T, kind, flags byte, body []byte) {
		client, err := New(Config{
			Identity:  testIdentity(),
			OnInput:   func(in *Input) error { in.Ack(); in.Ack(); return nil },
			OnDesired: func([]byte) {},
		})
		require.NoError(t, err)
		c := &connection{client: client, number: 1, acks: newAcks(), requests: make(map[string]chan<- twinResponse)}
		c.wake, c.room = make(chan struct{}, 1), make(chan struct{}, 1)
		c.granted, c.accepted = make(chan suback, 4), make(chan connack, 1)
		pk := packet{kind: kind & 15, flags: flags & 15, body: body}
		if checkHeader(pk) == nil {
			_ = c.handle(pk)
			assert.Zero(t, c.acks.owed.len(), "everything that came is acknowledged")
		}
	})
}
