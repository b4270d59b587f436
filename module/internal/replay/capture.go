package replay

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// systemNames are the names of system properties in captures: those of AMQP, which monitor-events prints, and those of
// routing to storage (learn.microsoft.com, "IoT Hub message routing query syntax").
var systemNames = [...]struct{ wire, amqp, routing string }{
	{module.PropertyMessageID, "message_id", "messageId"},
	{module.PropertyCorrelationID, "correlation_id", "correlationId"},
	{module.PropertyContentType, "content_type", "contentType"},
	{module.PropertyContentEncoding, "content_encoding", "contentEncoding"},
}

// event reads what monitor-events prints of an event. Its payload is JSON where the content type says so, and else text:
// the CLI shows no bytes that are not UTF-8, and gives JSON spaces of its own (azext_iot/monitor/parsers/common_parser.py).
func event(value json.RawMessage) (module.Message, error) {
	var e struct {
		Properties struct {
			System      map[string]json.RawMessage `json:"system"`
			Application map[string]json.RawMessage `json:"application"`
		} `json:"properties"`
		Payload json.RawMessage `json:"payload"`
	}
	if err := json.Unmarshal(value, &e); err != nil {
		return module.Message{}, fmt.Errorf("event of monitor-events: %w", err)
	}
	m := message(e.Properties.System, e.Properties.Application)
	if m.Body = []byte(text(e.Payload)); isJSON(m) && !json.Valid(m.Body) {
		m.Body = compact(e.Payload) // a JSON string
	}
	return m, nil
}

// record reads a record of a storage endpoint. Its body is base64, or JSON where the content is JSON in UTF-8; tools that
// make JSON of Avro write bytes as base64 too, or as {"bytes": …} with a character for each.
func record(value json.RawMessage) (module.Message, error) {
	var r struct {
		Properties       map[string]json.RawMessage
		SystemProperties map[string]json.RawMessage
		Body             json.RawMessage
	}
	if err := json.Unmarshal(value, &r); err != nil {
		return module.Message{}, fmt.Errorf("record of a storage endpoint: %w", err)
	}
	m := message(r.SystemProperties, r.Properties)
	if m.Properties.Value(prefix+"reason") == "" {
		return m, nil // no letter: its body is of no interest
	}
	body, err := recordBody(r.Body, isJSON(m))
	if err != nil {
		return module.Message{}, fmt.Errorf("body of a record of a storage endpoint: %w", err)
	}
	m.Body = body
	return m, nil
}

func recordBody(raw json.RawMessage, isJSON bool) ([]byte, error) {
	decoded, ok := recordBytes(raw)
	switch {
	case ok && (!isJSON || json.Valid(decoded)):
		return decoded, nil
	case isJSON:
		return compact(raw), nil
	}
	return nil, errors.New("it is not base64, and the content type does not say that it is JSON")
}

// recordBytes decodes base64, and what Avro's own encoding in JSON makes of bytes and of nothing.
func recordBytes(raw json.RawMessage) ([]byte, bool) {
	var encoded string
	if len(raw) == 0 || string(raw) == "null" {
		return nil, true
	}
	if json.Unmarshal(raw, &encoded) == nil {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		return decoded, err == nil
	}
	var union map[string]string
	if json.Unmarshal(raw, &union) != nil || len(union) != 1 {
		return nil, false
	}
	characters, ok := union["bytes"]
	decoded := make([]byte, 0, len(characters))
	for _, c := range characters {
		if c > 0xff {
			return nil, false
		}
		decoded = append(decoded, byte(c))
	}
	return decoded, ok
}

// message makes a message of a capture's properties, without its body. Captures do not keep their order; it is by name.
func message(system, application map[string]json.RawMessage) (m module.Message) {
	for _, name := range systemNames {
		for _, spelling := range []string{name.amqp, name.routing} {
			if value, there := system[spelling]; there && string(value) != "null" {
				m.Properties.Set(name.wire, property(value))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(application)) {
		m.Properties = append(m.Properties, struct{ Name, Value string }{name, property(application[name])})
	}
	return m
}

// property returns the text of a property: of a string, of one in a union of Avro's, or as it is written.
func property(raw json.RawMessage) string {
	var union map[string]json.RawMessage
	if json.Unmarshal(raw, &union) == nil && len(union) == 1 {
		for _, value := range union {
			raw = value
		}
	}
	return text(raw)
}

// text returns what a JSON string says, and other values as they are.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(compact(raw))
}

func compact(raw json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return raw // there was nothing
	}
	return b.Bytes()
}

func isJSON(m module.Message) bool {
	return strings.Contains(strings.ToLower(m.Properties.Value(module.PropertyContentType)), "application/json")
}
