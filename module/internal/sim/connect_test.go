package sim

import (
	"bytes"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

func TestModuleIsLetInByItsToken(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	for _, host := range []string{iotHub, "SIMULATED.azure-devices.net", gatewayHost} {
		c := dial(t, h)
		p := connectPacket(h, "filter")
		p.Password = []byte(token(host, deviceID, "filter", h.peers["filter"].key, time.Now().Add(time.Hour)))
		c.connect(p)
	}
}

func TestModuleIsRefusedWithEdgeHubsCodes(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	key, later := h.peers["filter"].key, time.Now().Add(time.Hour)
	sas := func(host, device, module string, key []byte, expires time.Time) func(*packets.ConnectPacket) {
		return func(p *packets.ConnectPacket) { p.Password = []byte(token(host, device, module, key, expires)) }
	}
	for name, c := range map[string]struct {
		code  byte
		spoil func(*packets.ConnectPacket)
	}{
		"MQTT 3.1":       {packets.ErrRefusedBadProtocolVersion, func(p *packets.ConnectPacket) { p.ProtocolVersion = 3 }},
		"MQTT 5":         {packets.ErrRefusedBadProtocolVersion, func(p *packets.ConnectPacket) { p.ProtocolVersion = 5 }},
		"user name":      {packets.ErrRefusedServerUnavailable, func(p *packets.ConnectPacket) { p.Username = "filter" }},
		"no api-version": {packets.ErrRefusedServerUnavailable, func(p *packets.ConnectPacket) { p.Username = iotHub + "/" + deviceID + "/filter/?x=1" }},
		"unknown module": {packets.ErrRefusedNotAuthorised, func(p *packets.ConnectPacket) {
			p.Username = edgehub.Username{DeviceID: deviceID, ModuleID: "nobody"}.Encode()
		}},
		"other device": {packets.ErrRefusedNotAuthorised, func(p *packets.ConnectPacket) {
			p.Username = edgehub.Username{DeviceID: "other", ModuleID: "filter"}.Encode()
		}},
		"client id":             {packets.ErrRefusedNotAuthorised, func(p *packets.ConnectPacket) { p.ClientIdentifier = deviceID + "/Filter" }},
		"no token":              {packets.ErrRefusedNotAuthorised, func(p *packets.ConnectPacket) { p.PasswordFlag = false }},
		"token of another":      {packets.ErrRefusedNotAuthorised, sas(iotHub, deviceID, "sink", key, later)},
		"token for another hub": {packets.ErrRefusedNotAuthorised, sas("contoso.azure-devices.net", deviceID, "filter", key, later)},
		"token of other key":    {packets.ErrRefusedNotAuthorised, sas(iotHub, deviceID, "filter", []byte("other"), later)},
		"token expired":         {packets.ErrRefusedNotAuthorised, sas(iotHub, deviceID, "filter", key, time.Now().Add(-clockSkew-time.Second))},
	} {
		t.Run(name, func(t *testing.T) {
			p := connectPacket(h, "filter")
			c.spoil(p)
			client := dial(t, h)
			client.send(p)
			assert.Equal(t, c.code, client.connack().ReturnCode)
			client.closed()
		})
	}
}

func TestConnectThatIsNoneIsNotAnswered(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	old := connectPacket(h, "filter")
	old.ProtocolName, old.ProtocolVersion = "MQIsdp", 3
	for name, p := range map[string]packets.ControlPacket{
		"another packet first": publishPacket(0, 0, "devices/x", ""),
		"ping first":           packets.NewControlPacket(packets.Pingreq),
		"MQIsdp":               old,
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, h)
			c.send(p)
			c.closed()
		})
	}
}

func TestSecondConnectClosesTheConnection(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c, _ := connect(t, h, "filter")
	c.send(connectPacket(h, "filter"))
	c.closed()
}

func TestPacketsMayFollowConnectWithoutWaiting(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	var all bytes.Buffer
	require.NoError(t, connectPacket(h, "filter").Write(&all))
	require.NoError(t, publishPacket(1, 3, output("filter", "o"), "x").Write(&all))
	c := dial(t, h)
	c.write(all.Bytes()...)
	c.connack()
	assert.EqualValues(t, 3, c.puback())
}

func TestConnectsAreRefusedOnDemand(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	h.RefuseConnects(2)
	for range 2 {
		c := dial(t, h)
		c.send(connectPacket(h, "filter"))
		assert.EqualValues(t, packets.ErrRefusedServerUnavailable, c.connack().ReturnCode)
		c.closed()
	}
	connect(t, h, "filter")
}

func TestClientMustConnectInTime(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.write(0x10)
		after(t, connectTimeout, c.closed)
	})
}

func TestSilentClientIsDroppedAfterOneAndAHalfKeepAlives(t *testing.T) {
	for keepAlive, limit := range map[uint16]time.Duration{60: 90 * time.Second, 0: 10 * time.Minute, 3600: 10 * time.Minute} {
		bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
			c := dial()
			p := connectPacket(h, "filter")
			p.Keepalive = keepAlive
			c.connect(p)
			c.subscribeAll("filter")
			time.Sleep(limit - time.Second)
			c.nothing() // a PINGREQ is a sign of life
			time.Sleep(limit - time.Second)
			_, err := h.PatchDesired("filter", []byte(`{}`)) // so is a PUBLISH to the client
			require.NoError(t, err)
			c.published()
			after(t, limit, c.closed)
		})
	}
}

func TestTokenPassesForFiveMinutesAfterItHasExpired(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	p := connectPacket(h, "filter")
	p.Password = []byte(token(iotHub, deviceID, "filter", h.peers["filter"].key, time.Now().Add(-clockSkew+time.Minute)))
	dial(t, h).connect(p)
}

func TestClientWithAnExpiredTokenIsSweptAway(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		p := connectPacket(h, "filter")
		p.Password = []byte(token(iotHub, deviceID, "filter", h.peers["filter"].key, time.Now().Add(6*time.Minute)))
		p.Keepalive = 0
		c.connect(p)
		time.Sleep(9 * time.Minute)
		c.nothing()
		time.Sleep(5 * time.Minute)
		c.nothing() // expired for eight minutes, and looked at four minutes ago, when it still passed
		after(t, time.Minute, c.closed)
	})
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		_, err := h.PatchDesired("filter", []byte(`{}`))
		require.NoError(t, err)
		time.Sleep(writeTimeout - time.Second)
		synctest.Wait()
		assert.True(t, h.Stats().Modules["filter"].Connected)
		time.Sleep(time.Second)
		synctest.Wait()
		assert.False(t, h.Stats().Modules["filter"].Connected)
	})
}

func TestClientThatDoesNotReadIsNotReadEither(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbound(func() error { return nil })
		require.True(t, o.add(func(b []byte) []byte { return append(b, make([]byte, unwrittenHigh+1)...) }))
		waiting := atomic.Bool{}
		waiting.Store(true)
		go func() {
			o.wait()
			waiting.Store(false)
		}()
		synctest.Wait()
		assert.True(t, waiting.Load())
		assert.Len(t, o.take(), unwrittenHigh+1)
		synctest.Wait()
		assert.False(t, waiting.Load())

		assert.False(t, o.add(func(b []byte) []byte { return append(b, make([]byte, unwrittenMax+1)...) }))
		o.close()
		o.wait() // for nothing any more
	})
}
