package module

import "strings"

// Message is what edgeHub delivers to an input and takes from an output, and what a guest sees.
type Message struct {
	Body       []byte
	Properties Properties
}

// Properties are a message's system properties (by their wire names, "$.mid") and application properties,
// in wire order. A name occurs once, and to edgeHub names of application properties that differ in case only are one:
// it throws a message away that has both. So Get and Set find a name whatever its case, unless it begins with "$".
//
// The underlying type has no name, so that the slice converts to and from the edgeHub client's without a copy.
type Properties []struct{ Name, Value string }

// System properties as edgeHub spells them on the wire.
const (
	PropertyMessageID       = "$.mid"
	PropertyCorrelationID   = "$.cid"
	PropertyContentType     = "$.ct"
	PropertyContentEncoding = "$.ce"
	PropertySchema          = "$.schema"
	PropertySenderDevice    = "$.cdid"
	PropertySenderModule    = "$.cmid"
)

// Get returns the value of the property called name and whether there is one.
func (p Properties) Get(name string) (string, bool) {
	if i := p.index(name); i >= 0 {
		return p[i].Value, true
	}
	return "", false
}

func (p Properties) index(name string) int {
	for i := range p {
		if p[i].Name == name {
			return i
		}
	}
	if strings.HasPrefix(name, "$") {
		return -1
	}
	for i := range p {
		if strings.EqualFold(p[i].Name, name) {
			return i
		}
	}
	return -1
}

// Value returns the value of the property called name, or "" where there is none.
func (p Properties) Value(name string) string {
	value, _ := p.Get(name)
	return value
}

// Set gives the property called name a value, and this spelling of the name, in its place or, where it is new, at the end.
func (p *Properties) Set(name, value string) {
	property := struct{ Name, Value string }{name, value}
	if i := p.index(name); i >= 0 {
		(*p)[i] = property
		return
	}
	*p = append(*p, property)
}

// Clone returns a copy that shares nothing with p, with room for extra more properties.
func (p Properties) Clone(extra int) Properties {
	return append(make(Properties, 0, len(p)+extra), p...)
}
