package edgehub

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
)

func pingresp() *packets.PingrespPacket {
	return packets.NewControlPacket(packets.Pingresp).(*packets.PingrespPacket)
}

func TestAnIdleConnectionIsKeptAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.TokenTTL = 24 * time.Hour })
		p := h.connected()
		for range 100 {
			last := time.Now()
			expect[*packets.PingreqPacket](p)
			assert.LessOrEqual(t, time.Since(last), time.Minute)
			p.write(pingresp())
		}
		assert.Empty(t, h.events)
	})
}

func TestAHalfOpenConnectionIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		h.connected() // and nothing more is ever heard
		lost := awaitEvent[Disconnected](h)
		assert.ErrorIs(t, lost.Err, errSilent)
		assert.LessOrEqual(t, lost.After, 2*time.Minute)
		assert.GreaterOrEqual(t, lost.After, 90*time.Second)
		h.connected()
	})
}

func TestAnyPacketCountsAsASignOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		for range 10 {
			time.Sleep(80 * time.Second)
			p.publish(0, DesiredTopic(1), "{}")
		}
		assert.Empty(t, h.events)
	})
}
