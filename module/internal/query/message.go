package query

import "strings"

// Message is what conditions look at. Names of properties are the same in any case.
type Message struct {
	applicationProperties, systemProperties map[string]string // by name in lower case

	raw    []byte
	parsed bool
	object map[string]any // of the body, once parsed
	err    error          // why there is none
}

// NewMessage makes a message without properties. The body must not be changed while the message is in use.
func NewMessage(body []byte) *Message {
	return &Message{applicationProperties: map[string]string{}, systemProperties: map[string]string{}, raw: body}
}

// Set gives the message an application property.
func (m *Message) Set(name, value string) { m.applicationProperties[strings.ToLower(name)] = value }

// SetSystem gives the message a system property, by edgeHub's name for it: "contentType", not "$.ct".
func (m *Message) SetSystem(name, value string) {
	m.systemProperties[strings.ToLower(name)] = value
}

// BodyError says why a condition could not look into the body; nil where it could, or none tried.
func (m *Message) BodyError() error { return m.err }

func (m *Message) application(name string) value { return lookUp(m.applicationProperties, name) }

func (m *Message) system(name string) value { return lookUp(m.systemProperties, name) }

func lookUp(properties map[string]string, name string) value {
	if s, ok := properties[strings.ToLower(name)]; ok {
		return text(s)
	}
	return value{}
}
