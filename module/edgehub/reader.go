package edgehub

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
)

// read takes what edgeHub sends, in order, until the connection ends; then it tells all who wait for an
// acknowledgement. It is the goroutine that calls OnInput, OnDesired and the done functions.
func (c *connection) read() {
	reader := newPacketReader(c.link)
	for {
		pk, err := reader.next()
		if err != nil {
			err = fmt.Errorf("read packet: %w", err)
		} else {
			c.heard.Store(true)
			err = c.handle(pk)
		}
		if err != nil {
			c.end(err)
			break
		}
	}
	c.abandon()
}

func (c *connection) handle(pk packet) error {
	if c.number == 0 && pk.kind != packets.Connack {
		return fmt.Errorf("%w: %s before CONNACK", errProtocol, packets.PacketNames[pk.kind])
	}
	switch pk.kind {
	case packets.Publish:
		d, err := parseDelivery(pk)
		if err != nil {
			return err
		}
		return c.deliver(d)
	case packets.Puback:
		return c.handlePuback(pk.body)
	case packets.Connack:
		return c.handleConnack(pk.body)
	case packets.Suback:
		return c.handleSuback(pk.body)
	}
	return nil // PINGRESP: that it came is all it says
}

func (c *connection) handleConnack(body []byte) error {
	if len(body) != 2 || c.number != 0 {
		return fmt.Errorf("%w: malformed or second CONNACK", errProtocol)
	}
	if body[1] == 0 {
		c.number = c.client.connections.Add(1)
	}
	c.accepted <- connack{sessionPresent: body[0]&1 != 0, code: body[1]}
	return nil
}

func (c *connection) handleSuback(body []byte) error {
	if len(body) != 3 {
		return fmt.Errorf("%w: SUBACK of %d bytes", errProtocol, len(body))
	}
	select {
	case c.granted <- suback{packetID: binary.BigEndian.Uint16(body), code: body[2]}:
		return nil
	default:
		return fmt.Errorf("%w: more SUBACKs than subscriptions", errProtocol)
	}
}

func (c *connection) handlePuback(body []byte) error {
	if len(body) != 2 {
		return fmt.Errorf("%w: PUBACK of %d bytes", errProtocol, len(body))
	}
	c.mu.Lock()
	c.publishes.ack(binary.BigEndian.Uint16(body))
	done, ok := c.publishes.pop()
	c.checkDrained()
	c.mu.Unlock()
	for ok {
		<-c.slots
		c.client.finish(done, nil)
		c.mu.Lock()
		done, ok = c.publishes.pop()
		c.checkDrained()
		c.mu.Unlock()
	}
	return nil
}

// deliver passes a PUBLISH on to whom its topic names. What comes at QoS 1 owes a PUBACK, which for all but
// inputs is given at once.
func (c *connection) deliver(d delivery) error {
	var number uint64
	if d.qos == 1 {
		var err error
		if number, err = c.arrive(d.packetID); err != nil {
			return err
		}
	}
	if rest, ok := strings.CutPrefix(d.topic, c.client.inputPrefix); ok {
		return c.deliverInput(rest, d.body, number)
	}
	c.ack(number)
	switch {
	case strings.HasPrefix(d.topic, twinResponsePrefix):
		c.deliverTwinResponse(d.topic, d.body)
	case strings.HasPrefix(d.topic, desiredPrefix):
		c.deliverDesired(d.topic, d.body)
	case strings.HasPrefix(d.topic, methodPrefix):
		c.deliverMethod(d.topic, d.body)
	default:
		c.client.emit(PacketIgnored{Topic: d.topic, Reason: "not subscribed to"})
	}
	return nil
}

func (c *connection) deliverInput(rest string, body []byte, number uint64) error {
	input := &Input{Received: time.Now(), Connection: c.number, from: c, number: number}
	input.Body = body
	input.Name, input.Properties = parseInput(rest)
	if c.client.cfg.OnInput == nil {
		// A session of another program's time. Without a PUBACK the message stays with edgeHub.
		c.client.emit(PacketIgnored{Topic: c.client.inputPrefix + rest, Reason: "no OnInput"})
		return nil
	}
	c.client.callbacks.Lock()
	defer c.client.callbacks.Unlock()
	if err := c.client.cfg.OnInput(input); err != nil {
		return fmt.Errorf("input %q refused: %w", input.Name, err)
	}
	return nil
}

func (c *connection) deliverDesired(topic string, patch []byte) {
	if c.client.cfg.OnDesired == nil {
		c.client.emit(PacketIgnored{Topic: topic, Reason: "no OnDesired"})
		return
	}
	c.client.callbacks.Lock()
	defer c.client.callbacks.Unlock()
	c.client.cfg.OnDesired(patch)
}

// abandon ends what waits for edgeHub, in order. Nothing is added any more once closed is set.
func (c *connection) abandon() {
	c.mu.Lock()
	c.closed = true
	lost := c.publishes.open
	c.publishes.open = fifo[publish]{}
	c.mu.Unlock()
	if lost.len() == 0 {
		return
	}
	c.lost.Store(true)
	err := c.lostError()
	for lost.len() > 0 {
		c.client.finish(lost.pop().done, err)
	}
}

// finish calls a done function.
func (c *Client) finish(done func(error), err error) {
	if done == nil {
		return
	}
	c.callbacks.Lock()
	defer c.callbacks.Unlock()
	done(err)
}
