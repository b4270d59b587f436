package sim

import (
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/query"
)

// Lengths, in characters, of what edgeHub adds to a message: connectionDeviceId and connectionModuleId without their
// values, edgeMessageId with a GUID, edgeHubOriginInterface with "internal"; and outputName, where there is one.
const (
	addedLength  = 18 + 18 + 13 + 36 + 22 + 8
	outputLength = 10
)

// fewProperties is up to which number names are compared one by one.
const fewProperties = 16

// hubNames are edgeHub's own names for system properties, by those on the wire (Hub.Core/SystemProperties.cs). What is
// not among them is an application property, "$.cdid" from a module included.
var hubNames = map[string]string{
	"$.exp": "absolute-expiry-time", "$.cid": "cid", "$.mid": "messageId", "$.to": "to", "$.uid": "userId", "ack": "ack",
	"$.on": "outputName", "$.ct": "contentType", "$.ce": "contentEncoding", "$.schema": "messageSchema",
	"iothub-operation": "operation", "$.ctime": "creationTime", "$.ifid": "iothub-interface-id", "$.sub": "dt-subject",
}

// asQuery makes of a message what conditions look at.
func asQuery(sender, output string, m edgehub.Message) *query.Message {
	q := query.NewMessage(m.Body)
	for _, property := range m.Properties {
		if name, ok := hubNames[property.Name]; ok {
			q.SetSystem(name, property.Value)
		} else {
			q.Set(property.Name, property.Value)
		}
	}
	q.SetSystem("connectionDeviceId", deviceID)
	q.SetSystem("connectionModuleId", sender)
	q.SetSystem("edgeHubOriginInterface", "internal")
	if output != "" {
		q.SetSystem("outputName", output)
	}
	return q
}

// checkMessage says why edgeHub cannot handle a message, which it then acknowledges and throws away: what goes wrong
// before the message is routed is logged and forgotten (MessagingServiceClient.cs ProcessMessageAsync).
func checkMessage(sender, output string, m edgehub.Message) error {
	if name, ok := repeated(m.Properties); ok {
		return fmt.Errorf("property %q: edgeHub takes names that differ in case only for the same one", name)
	}
	if size := hubSize(sender, output, m); size > edgehub.MaxMessage {
		return fmt.Errorf("message is %d bytes to edgeHub, at most %d are possible", size, edgehub.MaxMessage)
	}
	return nil
}

// repeated returns the name of an application property that comes a second time, whatever the case (EdgeMessage.cs).
func repeated(properties edgehub.Properties) (name string, ok bool) {
	if len(properties) > fewProperties {
		return repeatedOfMany(properties)
	}
	for i, property := range properties {
		for _, other := range properties[:i] {
			if strings.EqualFold(property.Name, other.Name) && hubNames[property.Name] == hubNames[other.Name] {
				return property.Name, true
			}
		}
	}
	return "", false
}

func repeatedOfMany(properties edgehub.Properties) (name string, ok bool) {
	seen := make(map[string]struct{}, len(properties))
	for _, property := range properties {
		key := hubNames[property.Name]
		if key == "" {
			key = "application " + strings.ToLower(property.Name)
		}
		if _, known := seen[key]; known {
			return property.Name, true
		}
		seen[key] = struct{}{}
	}
	return "", false
}

// hubSize is how large a message is by edgeHub's account: bytes of the body and characters of the properties (Size of
// Routing.Core/Message.cs, ValidateMessageSize of RoutingEdgeHub.cs).
func hubSize(sender, output string, m edgehub.Message) int {
	n := len(m.Body) + addedLength + characters(deviceID) + characters(sender)
	if output != "" {
		n += outputLength + characters(output)
	}
	for _, property := range m.Properties {
		name := property.Name
		if own, ok := hubNames[name]; ok {
			name = own
		}
		n += characters(name) + characters(property.Value)
	}
	return n
}

// characters counts as .NET does.
func characters(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}
