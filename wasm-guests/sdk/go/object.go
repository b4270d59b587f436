package edge

import (
	"math"
	"strconv"
	"unicode/utf8"
)

// Object writes a flat JSON object, member by member in the order of the calls, without encoding/json:
//
//	var o edge.Object
//	o.Text("signal", sample.Signal)
//	o.Number("value", value)
//	err := h.Emit(o.Message(edge.Properties{{"alert", "high"}}))
//
// The zero Object is empty and ready; [Object.Reset] makes a used one so again, with the memory it has.
type Object struct{ members []byte }

// Text adds a string. What is not valid UTF-8 becomes U+FFFD.
func (o *Object) Text(name, text string) {
	o.name(name)
	o.members = appendText(o.members, text)
}

// Number adds a number with the digits that it takes to read the same one back, in the form of encoding/json, or
// null where it is none that JSON knows: infinite or not a number.
func (o *Object) Number(name string, number float64) {
	o.name(name)
	if math.IsInf(number, 0) || math.IsNaN(number) {
		o.members = append(o.members, "null"...)
		return
	}
	o.members = appendNumber(o.members, number)
}

// Bool adds a boolean.
func (o *Object) Bool(name string, value bool) {
	o.name(name)
	o.members = strconv.AppendBool(o.members, value)
}

// Value adds a JSON value as it is, one of a sample for example.
func (o *Object) Value(name string, value Value) {
	o.name(name)
	o.members = append(o.members, value...)
}

// JSON returns the object. The bytes are valid until the next call of a method.
func (o *Object) JSON() []byte {
	if len(o.members) == 0 {
		return []byte("{}")
	}
	return append(o.members, '}')
}

// Message returns a message to the signal's own output that has the object as its body, declared as JSON in UTF-8
// so that IoT Hub can route on it. It is valid until the next call of a method.
func (o *Object) Message(properties Properties) Message {
	properties = append(properties[:len(properties):len(properties)],
		Properties{{ContentType, "application/json"}, {ContentEncoding, "utf-8"}}...)
	return Message{Body: o.JSON(), Properties: properties}
}

// Reset empties the object.
func (o *Object) Reset() { o.members = o.members[:0] }

func (o *Object) name(name string) {
	opening := byte(',')
	if len(o.members) == 0 {
		opening = '{'
	}
	o.members = appendText(append(o.members, opening), name)
	o.members = append(o.members, ':')
}

func appendNumber(out []byte, number float64) []byte {
	if size := math.Abs(number); size == 0 || 1e-6 <= size && size < 1e21 {
		return strconv.AppendFloat(out, number, 'f', -1, 64)
	}
	out = strconv.AppendFloat(out, number, 'e', -1, 64)
	if n := len(out); out[n-4] == 'e' && out[n-2] == '0' { // an exponent of one digit comes as two: e-07
		out = append(out[:n-2], out[n-1])
	}
	return out
}

func appendText(out []byte, text string) []byte {
	const hex = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range text { // invalid bytes come as U+FFFD
		switch {
		case c == '"', c == '\\':
			out = append(out, '\\', byte(c))
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = utf8.AppendRune(out, c)
		}
	}
	return append(out, '"')
}
