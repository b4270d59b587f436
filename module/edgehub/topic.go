package edgehub

import (
	"fmt"
	"strings"
)

// MessageTopic is what the topic of a message says: a message that a module sends to one of its outputs,
// or one that edgeHub delivers to one of its inputs.
type MessageTopic struct {
	DeviceID, ModuleID string
	Name               string     // the output or input; an output may be "", which only the route source "*" takes
	Properties         Properties // all but "$.on"
}

// Output returns the topic on which a module publishes:
// "devices/d/modules/m/messages/events/%24.on=name&k=v/".
func (t MessageTopic) Output() string {
	b := []byte(outputPrefix(t.DeviceID, t.ModuleID))
	if t.Name == "" && len(t.Properties) == 0 {
		return string(b)
	}
	return string(appendOutputBag(b, t.Name, t.Properties))
}

// Input returns the topic on which edgeHub delivers: "devices/d/modules/m/inputs/name/k=v". The slash after
// the name is there even without properties; the official SDKs throw a message away without it.
func (t MessageTopic) Input() string {
	b := []byte(inputPrefix(t.DeviceID, t.ModuleID))
	b = append(appendEscaped(b, t.Name), '/')
	return string(appendProperties(b, t.Properties))
}

// ParseOutputTopic reads the topic of a message from a module as edgeHub does. An error, *PropertyError
// where the bag is to blame, means that edgeHub would acknowledge the message and throw it away.
func ParseOutputTopic(topic string) (MessageTopic, error) {
	t, rest, ok := parseModule(topic)
	if ok {
		rest, ok = strings.CutPrefix(rest, "messages/events")
	}
	if !ok || rest != "" && rest[0] != '/' {
		return MessageTopic{}, fmt.Errorf("topic %q is not a module's telemetry topic", topic)
	}
	properties, err := ParsePropertiesStrict(strings.TrimPrefix(rest, "/"))
	if err != nil {
		return MessageTopic{}, err
	}
	for i := range properties {
		if properties[i].Name == propertyOutput {
			t.Name = properties[i].Value
			properties = append(properties[:i], properties[i+1:]...)
			break
		}
	}
	t.Properties = properties
	return t, nil
}

// ParseInputTopic reads the topic of a message to a module. The bag is read as ParseProperties reads it.
func ParseInputTopic(topic string) (MessageTopic, error) {
	t, rest, ok := parseModule(topic)
	if ok {
		rest, ok = strings.CutPrefix(rest, "inputs/")
	}
	if !ok {
		return MessageTopic{}, fmt.Errorf("topic %q is not an input's topic", topic)
	}
	t.Name, t.Properties = parseInput(rest)
	return t, nil
}

// parseInput reads what follows "inputs/".
func parseInput(rest string) (name string, p Properties) {
	name, bag, _ := strings.Cut(rest, "/")
	return unescape(name), ParseProperties(bag)
}

// InputsFilter is the subscription for all inputs of a module. edgeHub does not know narrower ones, and
// loses messages when it is withdrawn on a live connection.
func InputsFilter(deviceID, moduleID string) string {
	return inputPrefix(deviceID, moduleID) + "#"
}

func inputPrefix(deviceID, moduleID string) string {
	return "devices/" + deviceID + "/modules/" + moduleID + "/inputs/"
}

func outputPrefix(deviceID, moduleID string) string {
	return "devices/" + deviceID + "/modules/" + moduleID + "/messages/events/"
}

// outputBagLen is len(appendOutputBag(nil, output, p)).
func outputBagLen(output string, p Properties) int {
	n := len("%24.on=") + escapedLen(output) + len("/")
	for i := range p {
		n += len("&=") + escapedLen(p[i].Name) + escapedLen(p[i].Value)
	}
	return n
}

// appendOutputBag appends the bag with the output's name first, and the slash that ends the topic.
func appendOutputBag(b []byte, output string, p Properties) []byte {
	if output != "" {
		b = append(b, "%24.on="...)
		b = appendEscaped(b, output)
		if len(p) > 0 {
			b = append(b, '&')
		}
	}
	return append(appendProperties(b, p), '/')
}

// parseModule reads "devices/{d}/modules/{m}/" and returns what follows.
func parseModule(topic string) (t MessageTopic, rest string, ok bool) {
	rest, ok = strings.CutPrefix(topic, "devices/")
	if !ok {
		return t, "", false
	}
	t.DeviceID, rest, _ = strings.Cut(rest, "/")
	rest, ok = strings.CutPrefix(rest, "modules/")
	t.ModuleID, rest, _ = strings.Cut(rest, "/")
	return t, rest, ok && t.DeviceID != "" && t.ModuleID != ""
}
