package sim

import (
	"bufio"
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWhatAClientMayNotSendClosesTheConnectionWithoutAWord(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	header := func(first byte, length int) []byte { return appendLength([]byte{first}, length) }
	for name, bytes := range map[string][]byte{
		"publish at QoS 2":              header(0x34, 10),
		"publish at QoS 3":              header(0x36, 10),
		"one byte too many":             header(0x30, maxPacket-4+1),
		"length of 256 MB":              {0x30, 0xff, 0xff, 0xff, 0x7f},
		"length of five bytes":          {0x30, 0x80, 0x80, 0x80, 0x80, 0x01},
		"type 0":                        {0x00, 0x00},
		"type 15":                       {0xf0, 0x00},
		"CONNACK":                       {0x20, 0x02, 0, 0},
		"PUBREL":                        {0x62, 0x02, 0, 1},
		"flags of SUBSCRIBE":            append(header(0x80, 6), 0, 1, 0, 1, 'a', 0),
		"SUBSCRIBE without an id":       append(header(0x82, 6), 0, 0, 0, 1, 'a', 0),
		"SUBSCRIBE to nothing":          append(header(0x82, 2), 0, 1),
		"SUBSCRIBE at QoS 3":            append(header(0x82, 6), 0, 1, 0, 1, 'a', 3),
		"SUBSCRIBE with a short filter": append(header(0x82, 6), 0, 1, 0, 9, 'a', 0),
		"UNSUBSCRIBE of a short filter": append(header(0xa2, 5), 0, 1, 0, 9, 'a'),
		"PUBACK of three bytes":         append(header(0x40, 3), 0, 1, 0),
		"PINGREQ with a body":           append(header(0xc0, 1), 0),
		"publish with a short topic":    append(header(0x30, 3), 0, 9, 'a'),
		"publish without a topic":       append(header(0x30, 2), 0, 0),
		"publish without an id":         append(header(0x32, 5), 0, 1, 'a', 0, 0),
		"publish with half an id":       append(header(0x32, 4), 0, 1, 'a', 0),
		"publish to a wildcard":         append(header(0x30, 5), 0, 3, 'a', '/', '#'),
		"topic that is no UTF-8":        append(header(0x30, 3), 0, 1, 0xff),
		"topic with a zero":             append(header(0x30, 3), 0, 1, 0),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := connect(t, h, "filter")
			c.write(bytes...)
			c.closed()
		})
	}
}

func TestConnectWithAShortStringIsNotAnswered(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	var b bytes.Buffer
	require.NoError(t, connectPacket(h, "filter").Write(&b))
	at := bytes.Index(b.Bytes(), []byte("SharedAccessSignature"))
	b.Bytes()[at-2] = 0x7f // the password's length
	c := dial(t, h)
	c.write(b.Bytes()...)
	c.closed()
}

func TestLargestPacketIsTaken(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, filterToUpstream)})
	c, _ := connect(t, h, "filter")
	topic := output("filter", "o")
	c.publish(1, 1, topic, strings.Repeat("x", 262136-len(topic)))
	assert.EqualValues(t, 1, c.puback())
	// The header is enough: the hub may close before it has read the rest.
	_ = publishPacket(1, 2, topic, strings.Repeat("x", 262136-len(topic)+1)).Write(c.conn)
	c.closed()
}

func FuzzReadPacket(f *testing.F) {
	f.Add([]byte{0x30, 0x03, 0, 1, 'a'})
	f.Add([]byte{0x82, 0x06, 0, 1, 0, 1, 'a', 0})
	f.Add([]byte{0xa2, 0x05, 0, 1, 0, 1, 'a'})
	f.Add([]byte("\x10\x11\x00\x04MQTT\x04\xc2\x00\x00\x00\x01c\x00\x01u\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		p, err := readPacket(r)
		if err != nil {
			return
		}
		var again bytes.Buffer
		require.NoError(t, p.Write(&again))
		if len(data) < r.Size() { // it has read all, and knows what is left
			assert.LessOrEqual(t, again.Len(), len(data)-r.Buffered(), "the codec made nothing up")
		}
	})
}
