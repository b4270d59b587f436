package edgehub

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnInputCarriesItsNameBodyAndProperties(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.publish(1, "devices/edge-1/modules/filter/inputs/sen%20sors/%24.cdid=edge-1&%24.cmid=sensor&a%2Bb=c+d&poison=%zz", "21")
		in := <-h.inputs
		assert.Equal(t, "sen sors", in.Name)
		assert.Equal(t, "21", string(in.Body))
		assert.Equal(t, properties("$.cdid", "edge-1", "$.cmid", "sensor", "a+b", "c+d", "poison", "%zz"), in.Properties)
		assert.Equal(t, time.Now(), in.Received)
		assert.EqualValues(t, 1, in.Connection)
	})
}

func TestNoPubackLeavesBeforeAck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.input("in", "a")
		p.input("in", "b")
		a, b := <-h.inputs, <-h.inputs
		b.Ack()
		b.Ack()
		synctest.Wait()
		assert.Empty(t, p.got, "b came after a")

		a.Ack()
		expect[*packets.PubackPacket](p)
		expect[*packets.PubackPacket](p)
		a.Ack()
		synctest.Wait()
		assert.Empty(t, p.got, "one PUBACK for each copy")
	})
}

func TestOtherPacketsAtQoS1DoNotOvertakeAnInputsPuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.input("in", "a")
		// A session of another SDK may have it at QoS 1 until our SUBSCRIBE is through.
		p.publish(1, DesiredTopic(2), `{"$version":2}`)
		assert.Equal(t, `{"$version":2}`, <-h.desired)
		synctest.Wait()
		assert.Empty(t, p.got)
		(<-h.inputs).Ack()
		expect[*packets.PubackPacket](p)
		expect[*packets.PubackPacket](p)
	})
}

func TestWhatIsNotKnownIsAcknowledgedAndTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.publish(1, "devices/other/messages/devicebound/", "")
		assert.Equal(t, "devices/other/messages/devicebound/", awaitEvent[PacketIgnored](h).Topic)
		expect[*packets.PubackPacket](p)
	})
}

func TestAnAckAfterTheEndOfItsConnectionDoesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.input("in", "a")
		old := <-h.inputs
		p.close()

		p = h.connected()
		p.input("in", "a")
		again := <-h.inputs
		assert.EqualValues(t, 2, again.Connection)
		old.Ack()
		synctest.Wait()
		assert.Empty(t, p.got)
		again.Ack()
		expect[*packets.PubackPacket](p)
	})
}

func TestARefusedInputDropsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var refused atomic.Bool
		h := run(t, func(c *Config) {
			c.OnInput = func(*Input) error {
				if refused.Swap(true) {
					return nil
				}
				return errTest
			}
		})
		p := h.connected()
		p.input("in", "a")
		assert.Empty(t, p.expectClosed(), "no PUBACK")
		lost := awaitEvent[Disconnected](h)
		assert.ErrorIs(t, lost.Err, errTest)
		assert.ErrorContains(t, lost.Err, `input "in" refused`)
		h.connected()
	})
}

func TestAnInputForNobodyStaysWithEdgeHub(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.OnInput = nil })
		p := h.next()
		p.acceptConnect(true)
		p.input("in", "a")
		for range 3 {
			s := expect[*packets.SubscribePacket](p)
			p.grant(s.MessageID, s.Qoss[0])
		}
		assert.Equal(t, "no OnInput", awaitEvent[PacketIgnored](h).Reason)
		synctest.Wait()
		assert.Empty(t, p.got)
	})
}

func TestAnInputAtQoS0OwesNoPuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.publish(0, "devices/edge-1/modules/filter/inputs/in/mqtt-qos=0", "a")
		(<-h.inputs).Ack()
		synctest.Wait()
		assert.Empty(t, p.got)
	})
}

func TestAnInputMadeByATestCanBeAcknowledged(t *testing.T) {
	assert.NotPanics(t, (&Input{Name: "in"}).Ack)
}

func TestAServerThatNeverWaitsForPubacksIsDropped(t *testing.T) {
	client := testClient(t)
	c := &connection{client: client, acks: newAcks()}
	for range maxUnackedInputs {
		_, err := c.arrive(1)
		require.NoError(t, err)
	}
	_, err := c.arrive(1)
	assert.ErrorContains(t, err, "without an acknowledgement")
}
