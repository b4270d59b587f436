package edgehub

import (
	"iter"
	"strings"
	"unicode/utf8"
)

// Message is what edgeHub delivers to an input and takes from an output.
type Message struct {
	Body       []byte
	Properties Properties
}

// Properties are a message's system properties, by their names on the wire ("$.mid", "$.ct"), and its
// application properties, in wire order. A name occurs once; edgeHub takes the names of application properties that
// differ in case only for one, and Publish refuses a message with two of them.
type Properties []struct{ Name, Value string }

// System properties that a module may set on what it sends. Routes with a condition on the body need
// PropertyContentType "application/json" and PropertyContentEncoding "utf-8".
const (
	PropertyMessageID       = "$.mid"
	PropertyCorrelationID   = "$.cid"
	PropertyContentType     = "$.ct"
	PropertyContentEncoding = "$.ce"
	PropertySchema          = "$.schema"
	PropertyCreationTime    = "$.ctime"
	PropertyUserID          = "$.uid"
)

// System properties that edgeHub adds to what it delivers: the sender. A leaf device has no module id.
const (
	PropertySenderDevice = "$.cdid"
	PropertySenderModule = "$.cmid"
)

// propertyOutput names the output. Publish sets it; edgeHub does not pass it on.
const propertyOutput = "$.on"

// Get returns the value of the property called name and whether there is one.
func (p Properties) Get(name string) (string, bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// Set gives the property called name a value, in its place or, where it is new, at the end.
func (p *Properties) Set(name, value string) {
	for i := range *p {
		if (*p)[i].Name == name {
			(*p)[i].Value = value
			return
		}
	}
	*p = append(*p, struct{ Name, Value string }{name, value})
}

// EncodeProperties returns the property bag of a topic: "%24.ct=text%2Fplain&line=3".
func EncodeProperties(p Properties) string {
	return string(appendProperties(nil, p))
}

func appendProperties(b []byte, p Properties) []byte {
	for i := range p {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendEscaped(b, p[i].Name)
		b = append(b, '=')
		b = appendEscaped(b, p[i].Value)
	}
	return b
}

// ParseProperties reads a property bag and makes the best of any text: a name without "=" has an empty
// value, a pair without a name is left out, a name that comes again overrides, an invalid escape stands for
// itself and the bag ends at the first "/".
func ParseProperties(bag string) Properties {
	set := propertySet{room: strings.Count(bag, "&") + 1}
	for name, value := range pairs(bag) {
		if name != "" {
			set.put(unescapeName(name), unescape(value))
		}
	}
	return set.list
}

// ParsePropertiesStrict reads a property bag as edgeHub reads what modules send. It returns a
// *PropertyError for a bag that makes edgeHub acknowledge the message and throw it away, or take it for
// another sender's.
func ParsePropertiesStrict(bag string) (Properties, error) {
	set := propertySet{room: strings.Count(bag, "&") + 1}
	for name, value := range pairs(bag) {
		if name == "" {
			return nil, &PropertyError{Name: name, Reason: "has no name"}
		}
		if strings.IndexByte(value, '=') >= 0 {
			return nil, &PropertyError{Name: unescape(name), Reason: `has a raw "=" in its value`}
		}
		name, value = unescapeName(name), unescape(value)
		if err := checkProperty(name, value); err != nil {
			return nil, err
		}
		if !set.put(name, value) {
			return nil, &PropertyError{Name: name, Reason: "occurs twice"}
		}
	}
	if err := checkRepeated(set.list); err != nil {
		return nil, err
	}
	return set.list, nil
}

// pairs walks the raw names and values of a bag, up to the first raw "/".
func pairs(bag string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		bag, _, _ = strings.Cut(bag, "/")
		for more := bag != ""; more; {
			var pair string
			pair, bag, more = strings.Cut(bag, "&")
			name, value, _ := strings.Cut(pair, "=")
			if !yield(name, value) {
				return
			}
		}
	}
}

// unescapeName spares an allocation for the names that come with every message.
func unescapeName(raw string) string {
	switch raw {
	case "%24.cdid":
		return PropertySenderDevice
	case "%24.cmid":
		return PropertySenderModule
	case "%24.mid":
		return PropertyMessageID
	case "%24.ct":
		return PropertyContentType
	case "%24.ce":
		return PropertyContentEncoding
	case "%24.on":
		return propertyOutput
	}
	return unescape(raw)
}

// checkProperty tells whether edgeHub can take a property for what it is.
func checkProperty(name, value string) error {
	switch {
	case name == "":
		return &PropertyError{Name: name, Reason: "has no name"}
	case name == "deviceId" || name == "moduleId":
		// edgeHub unpacks the bag into the map that holds these two of the topic, and believes the last
		// (MessageAddressConverter.cs, UrlEncodedDictionarySerializer.cs).
		return &PropertyError{Name: name, Reason: "would replace the sender's identity"}
	case !isText(name):
		return &PropertyError{Name: name, Reason: "has a name that is not UTF-8 text without NUL"}
	case !isText(value):
		return &PropertyError{Name: name, Reason: "has a value that is not UTF-8 text without NUL"}
	}
	return nil
}

// isText tells whether MQTT allows s in a string: UTF-8 without U+0000 (MQTT 3.1.1, 1.5.3).
func isText(s string) bool {
	return strings.IndexByte(s, 0) < 0 && utf8.ValidString(s)
}

// propertySet collects properties so that a name occurs once, without taking quadratic time over a bag of
// thousands.
type propertySet struct {
	list  Properties     // nil while it is empty
	room  int            // for how many properties list is made
	index map[string]int // used once list is longer than shortList
}

const shortList = 16

// put sets a property and returns whether its name is new.
func (s *propertySet) put(name, value string) bool {
	if i := s.find(name); i >= 0 {
		s.list[i].Value = value
		return false
	}
	if s.list == nil {
		s.list = make(Properties, 0, s.room)
	}
	s.list = append(s.list, struct{ Name, Value string }{name, value})
	if s.index != nil {
		s.index[name] = len(s.list) - 1
	}
	return true
}

func (s *propertySet) find(name string) int {
	if s.index == nil && len(s.list) > shortList {
		s.index = make(map[string]int, 2*len(s.list))
		for i := range s.list {
			s.index[s.list[i].Name] = i
		}
	}
	if s.index != nil {
		if i, ok := s.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range s.list {
		if s.list[i].Name == name {
			return i
		}
	}
	return -1
}
