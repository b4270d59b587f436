package edgehub

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func testClient(t testing.TB) *Client {
	t.Helper()
	c, err := New(Config{Identity: testIdentity()})
	require.NoError(t, err)
	return c
}

// hubAccount is edgeHub's own sum, written down a second time: routing message properties and body.
func hubAccount(output string, m Message) int {
	names := map[string]string{"$.mid": "messageId", "$.ct": "contentType", "$.ce": "contentEncoding"}
	all := map[string]string{
		"connectionDeviceId": "edge-1", "connectionModuleId": "filter", "outputName": output,
		"edgeMessageId": "01234567-89ab-cdef-0123-456789abcdef", "edgeHubOriginInterface": "downstream",
	}
	for _, p := range m.Properties {
		name := p.Name
		if long := names[name]; long != "" {
			name = long
		}
		all[name] = p.Value
	}
	n := len(m.Body)
	for name, value := range all {
		n += len(utf16.Encode([]rune(name))) + len(utf16.Encode([]rune(value)))
	}
	return n
}

func TestWhatEdgeHubWouldCountAsTooLargeIsRefusedToTheByte(t *testing.T) {
	c := testClient(t)
	for _, p := range []Properties{nil, properties("$.mid", "id", "$.ct", "application/json", "$.ce", "utf-8", "smile", "😀")} {
		body := make([]byte, MaxPacket)
		largest := 0
		for n := MaxPacket - 2000; n < MaxPacket; n++ {
			if _, err := c.newOutgoing("out", Message{Body: body[:n], Properties: p}); err != nil {
				break
			}
			largest = n
		}
		assert.Equal(t, MaxMessage, hubAccount("out", Message{Body: body[:largest], Properties: p}), "no byte is given away")

		_, err := c.newOutgoing("out", Message{Body: body[:largest+1], Properties: p})
		var tooLarge *TooLargeError
		require.ErrorAs(t, err, &tooLarge)
		assert.Equal(t, MaxMessage+1, tooLarge.Size)
		assert.Equal(t, MaxMessage, tooLarge.Limit)
	}
}

func TestAPacketOver262144BytesIsRefused(t *testing.T) {
	c := testClient(t)
	// Escapes count three times in the packet and once in edgeHub's own sum.
	p := properties("escaped", strings.Repeat("/", 2000))
	size := func(n int) int {
		remaining := 2 + len(c.outputPrefix) + outputBagLen("out", p) + 2 + n
		return 1 + lengthBytes(remaining) + remaining
	}
	fits := MaxPacket - size(0) - 1 // the length takes a byte more at that size
	require.Equal(t, MaxPacket, size(fits))

	o, err := c.newOutgoing("out", Message{Body: make([]byte, fits), Properties: p})
	require.NoError(t, err)
	assert.Len(t, appendPublish(nil, &o, 1), MaxPacket)

	_, err = c.newOutgoing("out", Message{Body: make([]byte, fits+1), Properties: p})
	tooLarge, ok := errors.AsType[*TooLargeError](err)
	require.True(t, ok)
	assert.Equal(t, TooLargeError{Size: MaxPacket + 1, Limit: MaxPacket}, *tooLarge)
}

func TestATopicThatEdgeHubCannotReadIsRefused(t *testing.T) {
	c := testClient(t)
	room := MaxTopic - len(c.outputPrefix) - outputBagLen("out", properties("k", ""))
	o, err := c.newOutgoing("out", Message{Properties: properties("k", strings.Repeat("v", room))})
	require.NoError(t, err)
	assert.Equal(t, MaxTopic, o.topic)
	_, err = c.newOutgoing("out", Message{Properties: properties("k", strings.Repeat("v", room+1))})
	assert.ErrorContains(t, err, "65520 bytes exceeds edgeHub's limit of 65519")
}

func TestNamesThatEdgeHubWouldMisreadAreRefused(t *testing.T) {
	c := testClient(t)
	many := make(Properties, 0, 40)
	for i := range 40 {
		many = append(many, struct{ Name, Value string }{strings.Repeat("x", i+1), ""})
	}
	for reason, p := range map[string]Properties{
		"has no name":                    properties("", "x"),
		"name of the output":             properties("$.on", "x"),
		"occurs twice":                   properties("a", "1", "b", "2", "a", "3"),
		"property \"xxx\": occurs twice": append(many, many[2]),
		"property \"level\": differs from \"Level\" in case only": properties("Level", "1", "b", "2", "level", "3"),
		"property \"ⱥ\": differs from \"Ⱥ\" in case only":         properties("Ⱥ", "1", "ⱥ", "2"),
		"property \"$.CT\": differs from \"$.Ct\" in case only":   properties("$.Ct", "1", "$.CT", "2"),
		"property \"Xx\": differs from \"xx\" in case only":       append(many, struct{ Name, Value string }{Name: "Xx"}),
		"sender's identity": properties("deviceId", "x"),
		"value that is not": properties("a", "\x00"),
		"name that is not":  properties("\xFF", "x"),
	} {
		_, err := c.newOutgoing("out", Message{Properties: p})
		var property *PropertyError
		require.ErrorAs(t, err, &property, reason)
		assert.Contains(t, err.Error(), reason)
	}
	for _, output := range []string{"", "a\x00", "\xFF"} {
		_, err := c.newOutgoing(output, Message{})
		assert.ErrorContains(t, err, "needs the name of an output", output)
	}
	_, err := c.newOutgoing("ou+t#/", Message{Properties: many})
	assert.NoError(t, err, "anything else is escaped")
	for _, p := range []Properties{properties("$.mid", "m", "$.MID", "x", "ack", "full", "ACK", "x"), append(properties("$.mid", "m", "$.MID", "x"), many...)} {
		_, err = c.newOutgoing("out", Message{Properties: p})
		assert.NoError(t, err, "system properties are told apart to the letter")
	}
}
