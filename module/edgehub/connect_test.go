package edgehub

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestConnectIsWhatEdgeHubExpects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.ProductInfo = "contoso filter/1.0" })
		connect := expect[*packets.ConnectPacket](h.next())

		assert.Equal(t, "MQTT", connect.ProtocolName)
		assert.EqualValues(t, 4, connect.ProtocolVersion)
		assert.False(t, connect.CleanSession, "a clean session loses inputs")
		assert.False(t, connect.WillFlag)
		assert.EqualValues(t, 60, connect.Keepalive)
		assert.Equal(t, "edge-1/filter", connect.ClientIdentifier)
		assert.Equal(t, "hub.azure-devices.net/edge-1/filter/?api-version=2021-04-12&DeviceClientType=contoso%20filter%2F1.0", connect.Username)

		token, err := ParseSASToken(string(connect.Password))
		require.NoError(t, err)
		assert.NoError(t, token.Verify(testKey, time.Now()))
		assert.Equal(t, time.Now().Add(time.Hour).Unix(), token.Expires)
		assert.Equal(t, []string{"edgehub.test:8883"}, h.dialed)
	})
}

func TestSubscriptionsAreMadeEvenWhenEdgeHubRemembersTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.next()
		p.acceptConnect(true)
		assert.Equal(t, map[string]byte{
			"devices/edge-1/modules/filter/inputs/#":  1,
			"$iothub/twin/res/#":                      0,
			"$iothub/twin/PATCH/properties/desired/#": 0,
			"$iothub/methods/POST/#":                  0,
		}, p.grantAll())
		assert.True(t, awaitEvent[Connected](h).SessionPresent)
	})
}

func TestNilCallbacksAreNotSubscribedTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.OnInput, c.OnDesired, c.OnMethod = nil, nil, nil })
		p := h.next()
		p.acceptConnect(false)
		subscribe := expect[*packets.SubscribePacket](p)
		assert.Equal(t, []string{TwinResponseFilter}, subscribe.Topics)
		p.grant(subscribe.MessageID, 0)
		awaitEvent[Connected](h)
		assert.Empty(t, p.got)
	})
}

func TestInputsMayComeRightAfterConnackBeforeAnySuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.next()
		p.acceptConnect(true)
		p.input("sensors", "early")
		in := <-h.inputs
		assert.Equal(t, "early", string(in.Body))
		assert.EqualValues(t, 1, in.Connection)
		assert.Empty(t, h.events, "not connected yet")

		p.grantAll()
		in.Ack()
		assert.EqualValues(t, 1, expect[*packets.PubackPacket](p).MessageID)
	})
}

func TestConnectedComesAfterTheLastSuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.next()
		p.acceptConnect(false)
		for range 3 {
			s := expect[*packets.SubscribePacket](p)
			p.grant(s.MessageID, s.Qoss[0])
		}
		last := expect[*packets.SubscribePacket](p)
		synctest.Wait()
		assert.Empty(t, h.events)
		assert.ErrorIs(t, h.client.Publish(t.Context(), "out", Message{}, nil), ErrNotConnected)

		p.grant(last.MessageID, last.Qoss[0])
		awaitEvent[Connected](h)
		assert.NoError(t, h.client.WaitConnected(t.Context()))
	})
}

func TestARefusedSubscriptionDropsTheConnection(t *testing.T) {
	for name, code := range map[string]byte{"failure": 0x80, "less than asked": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := run(t, nil)
				p := h.next()
				p.acceptConnect(false)
				for range 4 {
					s := expect[*packets.SubscribePacket](p)
					if strings.Contains(s.Topics[0], "inputs") {
						p.grant(s.MessageID, code)
					} else {
						p.grant(s.MessageID, s.Qoss[0])
					}
				}
				p.expectClosed()
				assert.ErrorContains(t, awaitEvent[Retrying](h).Err, `subscribe to "devices/edge-1/modules/filter/inputs/#"`)
				h.connected()
			})
		})
	}
}

func TestEveryRefusalIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		for _, code := range []byte{5, 3, 1, 2, 4} {
			h.next().refuseConnect(code)
			retrying := awaitEvent[Retrying](h)
			var refused *RefusedError
			require.ErrorAs(t, retrying.Err, &refused)
			assert.Equal(t, code, refused.Code)
		}
		h.setRefuse(errTest)
		assert.ErrorIs(t, awaitEvent[Retrying](h).Err, errTest)
		h.setRefuse(nil)
		h.connected()
	})
}

func TestAConnackThatNeverComesIsWaitedForNoLongerThanConnectTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.next() // TLS has succeeded
		expect[*packets.ConnectPacket](p)
		began := time.Now()
		p.expectClosed()
		assert.Equal(t, 30*time.Second, time.Since(began))
		assert.ErrorContains(t, awaitEvent[Retrying](h).Err, "wait for CONNACK")
	})
}

func TestAServerThatSpeaksNonsenseIsDroppedAndRetried(t *testing.T) {
	for name, bytes := range map[string]string{
		"before CONNACK":                "\x40\x02\x00\x01",
		"second CONNACK":                "\x20\x02\x00\x00\x20\x02\x00\x00",
		"QoS 2":                         "\x20\x02\x00\x00\x34\x05\x00\x01a\x00\x01",
		"a length of five bytes":        "\x20\x02\x00\x00\x30\xFF\xFF\xFF\xFF\x01",
		"a packet of 200 MB":            "\x20\x02\x00\x00\x30\xFF\xFF\xFF\x7F",
		"a SUBACK of a kilobyte":        "\x20\x02\x00\x00\x90\x80\x08",
		"a topic longer than itself":    "\x20\x02\x00\x00\x30\x03\x00\x09a",
		"a topic that is not UTF-8":     "\x20\x02\x00\x00\x30\x03\x00\x01\xFF",
		"a PUBLISH without a packet id": "\x20\x02\x00\x00\x32\x03\x00\x01a",
		"a client's packet":             "\x20\x02\x00\x00\xC0\x00",
		"reserved flags":                "\x20\x02\x00\x00\x41\x02\x00\x01",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := run(t, nil)
				p := h.next()
				expect[*packets.ConnectPacket](p)
				_, err := p.link.Write([]byte(bytes))
				require.NoError(t, err)
				p.expectClosed()
				assert.ErrorIs(t, awaitEvent[Retrying](h).Err, errProtocol)
				h.connected()
			})
		})
	}
}

func TestAnAnswerCountsEvenIfTheConnectionEndsWithIt(t *testing.T) {
	ctx, end := context.WithCancelCause(t.Context())
	end(io.EOF)
	answers := make(chan connack, 1)
	for range 100 {
		answers <- connack{code: 5}
		answer, err := await(t.Context(), &connection{ctx: ctx}, answers)
		require.NoError(t, err)
		assert.EqualValues(t, 5, answer.code)
	}
	_, err := await(t.Context(), &connection{ctx: ctx}, answers)
	assert.ErrorIs(t, err, io.EOF)
}
