package sim

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

var _ link = (*connection)(nil)

func (c *connection) wantsInputs() bool { return c.session.inputs }

// free reports whether the window has room. It is one for all inputs of the module (serializeMessagesLock of edgeHub,
// which belongs to the connection).
func (c *connection) free() bool { return c.inFlight < c.hub.cfg.InFlight }

func (c *connection) deliver(d *delivery, m *message) outcome {
	qos, ok := c.session.input(c.peer.inputsFilter, m.topic)
	if !ok {
		return rejected
	}
	c.send(qos, m.topic, m.body, d)
	if qos == 0 {
		return finished
	}
	c.inFlight++
	return delivered
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
