package edgehub

import (
	"context"
	"encoding/json"
	"fmt"
)

// maxMethodResponse is what IoT Hub takes from a direct method, in bytes.
const maxMethodResponse = 128 << 10

// deliverMethod starts the answer to a direct method, unless there are too many at work.
func (c *connection) deliverMethod(topic string, payload []byte) {
	name, rid, ok := ParseMethodTopic(topic)
	switch {
	case !ok:
		c.client.emit(PacketIgnored{Topic: topic, Reason: "not a direct method"})
		return
	case c.client.cfg.OnMethod == nil:
		c.respond(rid, 404, errorResponse("this module has no direct methods"))
		return
	}
	select {
	case c.client.methods <- struct{}{}:
	default:
		c.respond(rid, 429, errorResponse(fmt.Sprintf("%d direct methods are at work", maxMethods)))
		return
	}
	// Run waits for it, not the connection: a method that is slow to end must not hold up a reconnect.
	c.client.answering.Go(func() {
		defer func() { <-c.client.methods }()
		status, response := c.client.answer(c.ctx, name, payload)
		c.respond(rid, status, response)
	})
}

// answer calls the method and makes sure that edgeHub can pass on what it returns: it puts the response
// into JSON of its own as it is.
func (c *Client) answer(ctx context.Context, name string, payload []byte) (status int, response []byte) {
	status, response = c.cfg.OnMethod(ctx, name, payload)
	if len(response) > maxMethodResponse {
		return 500, errorResponse(fmt.Sprintf("response of %d bytes exceeds %d", len(response), maxMethodResponse))
	}
	if len(response) > 0 && !json.Valid(response) {
		return 500, errorResponse("response is not JSON")
	}
	return status, response
}

// respond sends the answer to a direct method over the connection that the call came by; no other will do.
func (c *connection) respond(rid string, status int, response []byte) {
	c.send(string(appendRequest(nil, MethodResponseTopic(status, rid), response)))
}

func errorResponse(message string) []byte {
	b, _ := json.Marshal(map[string]string{"message": message}) // strings always encode
	return b
}
