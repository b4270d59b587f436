package sim

import (
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

var _ link = (*connection)(nil)

// qosProperty is the property by which a sender says at which QoS its message is delivered.
const qosProperty = "mqtt-qos"

func (c *connection) wantsInputs() bool { return c.session.inputs }

// free reports whether the window has room. It is one for all inputs of the module (serializeMessagesLock of edgeHub,
// which belongs to the connection).
func (c *connection) free() bool { return c.inFlight < c.hub.cfg.InFlight }

func (c *connection) deliver(d *delivery, m *message) outcome {
	qos, ok := c.session.input(c.peer.inputsFilter, m.topic)
	if !ok {
		return rejected
	}
	most, ok := mostQoS(m.topic)
	if !ok { // edgeHub fails over it, and the message waits for an acknowledgement that does not come
		c.end(errEmptyQoS)
		c.inFlight++
		return delivered
	}
	qos = min(qos, most)
	c.send(qos, m.topic, m.body, d)
	if qos == 0 {
		return finished
	}
	c.inFlight++
	return delivered
}

// mostQoS is the most at which an input's message goes out: what its sender says by the property mqtt-qos, else 1
// (DeriveQos in Util.cs of the protocol gateway). It is not ok where the property is empty.
func mostQoS(topic string) (qos byte, ok bool) {
	if !strings.Contains(topic, qosProperty+"=") {
		return 1, true
	}
	parsed, _ := edgehub.ParseInputTopic(topic) // the hub made it
	value, found := parsed.Properties.Get(qosProperty)
	if value == "0" {
		return 0, true
	}
	return 1, !found || value != ""
}

func (c *connection) release() { c.inFlight-- }

func (c *connection) patch(version int64, body []byte) {
	if qos, ok := c.session.desired(); ok {
		c.send(qos, edgehub.DesiredTopic(version), body, nil)
	}
}

func (c *connection) request(rid, method string, payload []byte) bool {
	qos, ok := c.session.methods()
	if ok {
		c.send(qos, edgehub.MethodTopic(method, rid), payload, nil)
	}
	return ok
}

func (c *connection) expires() time.Time {
	return c.hub.started.Add(time.Duration(c.heard.Load()) + c.silence)
}

func (c *connection) tokenExpires() time.Time { return c.token }

func (c *connection) close(cause error) { c.end(cause) }

// send publishes to the client. What goes at QoS 1 joins the queue of those that a PUBACK is to come for, inputs and
// everything else alike; d is the delivery that it acknowledges, nil for what is no input.
func (c *connection) send(qos byte, topic string, body []byte, d *delivery) {
	c.alive()
	reading := c.out.add(func(b []byte) []byte { return appendPublish(b, qos, topic, body) })
	if qos > 0 {
		c.unacked = append(c.unacked, d)
	}
	if !reading || len(c.unacked) > maxUnacked {
		c.end(errNotReading)
	}
}
