package sim

import (
	"context"
	"fmt"
	"strings"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// What edgeHub takes for no message (MessagingServiceClient.cs). Any other topic, "$iothub/…" or not, is that of a
// message, and malformed.
const (
	twinOperations  = "$iothub/twin/"
	methodResponses = "$iothub/methods/res/"
	twinReports     = twinOperations + "PATCH/properties/reported/"
)

// publish handles a client's publish. An error closes the connection, and the publish stays unacknowledged.
func (c *connection) publish(ctx context.Context, p *packets.PublishPacket) error {
	if strings.HasPrefix(p.TopicName, twinOperations) || strings.HasPrefix(p.TopicName, methodResponses) {
		return c.operate(ctx, p)
	}
	topic, err := parseOutput(p.TopicName)
	if err != nil { // edgeHub logs it, acknowledges it and throws it away
		c.peer.discard(err)
		return nil
	}
	addFlags(&topic.Properties, p)
	return c.hub.route(ctx, c.peer, topic.Name, edgehub.Message{Body: p.Payload, Properties: topic.Properties})
}

// parseOutput reads the topic of a message, which .NET takes for a URI and so for shorter than MQTT would let it be.
func parseOutput(topic string) (edgehub.MessageTopic, error) {
	if len(topic) > edgehub.MaxTopic {
		return edgehub.MessageTopic{}, fmt.Errorf("topic of %d bytes, at most %d are possible", len(topic), edgehub.MaxTopic)
	}
	return edgehub.ParseOutputTopic(topic)
}

// operate handles a publish under $iothub: a twin operation or the answer to a direct method.
func (c *connection) operate(ctx context.Context, p *packets.PublishPacket) error {
	if rid, ok := edgehub.ParseTwinGetTopic(p.TopicName); ok {
		c.peer.getTwin(ctx, c, rid)
		return nil
	}
	if rid, ok := edgehub.ParseTwinReportTopic(p.TopicName); ok && !hasResource(p.TopicName[len(twinReports):]) {
		c.peer.patchReported(c, rid, p.Payload)
		return nil
	}
	if rest, ok := strings.CutPrefix(p.TopicName, methodResponses); ok {
		if rid, a, ok := parseMethodResponse(rest, p.Payload); ok {
			c.peer.respond(c, rid, a)
		}
		return nil
	}
	return fmt.Errorf("%w: unknown operation %q", errProtocol, p.TopicName)
}

// hasResource tells whether something stands between an operation and its properties, which edgeHub does not have.
func hasResource(rest string) bool { return rest != "" && rest[0] != '?' }

// addFlags adds what edgeHub makes of a publish's flags: application properties (Util.cs of the protocol gateway).
func addFlags(properties *edgehub.Properties, p *packets.PublishPacket) {
	if p.Retain {
		properties.Set("mqtt-retain", "true")
	}
	if p.Dup {
		properties.Set("mqtt-dup", "true")
	}
}
