package edgehub

// Limits of edgeHub. It answers a packet over MaxPacket by closing the connection without a word
// (DotNetty's MqttDecoder), and sent again the packet closes the next one; what is over the other two it
// acknowledges and throws away. Publish refuses all three.
const (
	// MaxPacket is the largest PUBLISH in bytes, fixed header included.
	MaxPacket = 262144

	// MaxMessage bounds what edgeHub itself makes of a message: the body in bytes and the characters of all
	// properties, its own included, under its own long names (RoutingEdgeHub.cs ValidateMessageSize,
	// Routing.Core/Message.cs Size). With a short topic this is the tighter one.
	MaxMessage = 262144

	// MaxTopic is the longest topic in bytes. MQTT allows 65,535; .NET's Uri, which reads the topic, does not.
	MaxTopic = 65519
)

// maxInbound is the largest packet taken from edgeHub, which itself has no limit: an input may exceed
// MaxPacket by the properties that edgeHub adds, a twin by its $metadata.
const maxInbound = 2 << 20

// hubOverhead is what edgeHub adds to a message: connectionDeviceId, connectionModuleId and outputName
// without their values, edgeMessageId with a GUID, edgeHubOriginInterface with "downstream".
const hubOverhead = 18 + 18 + 10 + 13 + 36 + 22 + 10

// Below this packet size MaxMessage need not be looked at: edgeHub's names and overhead add less.
const surelyFits = MaxMessage - 512

// outgoing is a message on its way out, checked and measured.
type outgoing struct {
	prefix string // of the topic
	output string
	Message
	topic     int // bytes of the topic
	remaining int // remaining length of the packet
}

// newOutgoing refuses what edgeHub would not take, with a *PropertyError or a *TooLargeError.
func (c *Client) newOutgoing(output string, m Message) (outgoing, error) {
	if err := checkOutgoing(output, m.Properties); err != nil {
		return outgoing{}, err
	}
	o := outgoing{prefix: c.outputPrefix, output: output, Message: m}
	o.topic = len(o.prefix) + outputBagLen(output, m.Properties)
	o.remaining = 2 + o.topic + 2 + len(m.Body)
	packet := 1 + lengthBytes(o.remaining) + o.remaining
	switch {
	case packet > MaxPacket:
		return outgoing{}, &TooLargeError{Size: packet, Limit: MaxPacket}
	case o.topic > MaxTopic:
		return outgoing{}, &TooLargeError{Size: o.topic, Limit: MaxTopic}
	case packet > surelyFits:
		if size := c.hubSize(output, m); size > MaxMessage {
			return outgoing{}, &TooLargeError{Size: size, Limit: MaxMessage}
		}
	}
	return o, nil
}

// checkOutgoing refuses names and values that edgeHub would misread.
func checkOutgoing(output string, p Properties) error {
	if output == "" || !isText(output) {
		return &PropertyError{Name: propertyOutput, Reason: "needs the name of an output, UTF-8 text without NUL"}
	}
	for i := range p {
		if p[i].Name == propertyOutput {
			return &PropertyError{Name: propertyOutput, Reason: "is set by the name of the output"}
		}
		if err := checkProperty(p[i].Name, p[i].Value); err != nil {
			return err
		}
	}
	return checkRepeated(p)
}

// hubSize is the size of a message by edgeHub's own account.
func (c *Client) hubSize(output string, m Message) int {
	n := hubOverhead + utf16Len(c.cfg.Identity.DeviceID) + utf16Len(c.cfg.Identity.ModuleID) + utf16Len(output) + len(m.Body)
	for i := range m.Properties {
		n += hubNameLen(m.Properties[i].Name) + utf16Len(m.Properties[i].Value)
	}
	return n
}

// hubNameLen is the length of a property's name inside edgeHub (Hub.Core/SystemProperties.cs).
func hubNameLen(name string) int {
	switch name {
	case PropertyMessageID:
		return len("messageId")
	case PropertyUserID:
		return len("userId")
	case PropertyContentType:
		return len("contentType")
	case PropertyContentEncoding:
		return len("contentEncoding")
	case PropertySchema:
		return len("messageSchema")
	case PropertyCreationTime:
		return len("creationTime")
	case "$.exp":
		return len("absolute-expiry-time")
	case "$.ifid":
		return len("iothub-interface-id")
	}
	return utf16Len(name) // the others keep their name or get a shorter one
}

// utf16Len counts characters as .NET does.
func utf16Len(s string) int {
	n := 0
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
