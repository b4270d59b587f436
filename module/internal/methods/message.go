package methods

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Message is a message in a request or an answer. Of Body, Text and Base64 one is there: the body as JSON where it is that,
// as text where it is UTF-8, else encoded.
type Message struct {
	Output     string            `json:"output,omitempty"`
	Body       json.RawMessage   `json:"body,omitempty"`
	Text       *string           `json:"text,omitempty"`
	Base64     []byte            `json:"base64,omitempty"`
	Properties map[string]string `json:"properties,omitempty"`
	Cut        int               `json:"cut,omitempty"` // how many bytes of the body were left out at its end
}

// messageOf shows a message of which at most limit bytes of the body are shown, of bytes in all.
func messageOf(output module.OutputName, body []byte, bytes, limit int, properties module.Properties) Message {
	m := Message{Output: string(output), Properties: shown(properties)}
	part := body[:min(len(body), limit)]
	m.Cut = bytes - len(part)
	if m.Cut > 0 { // a character may be cut in two
		for n := 0; n < utf8.UTFMax && len(part) > 0 && !utf8.Valid(part); n++ {
			part = part[:len(part)-1]
		}
		m.Cut = bytes - len(part)
	}
	switch {
	case m.Cut == 0 && json.Valid(part):
		m.Body = part
	case utf8.Valid(part):
		text := string(part)
		m.Text = &text
	default:
		m.Base64 = part
	}
	return m
}

// Bytes returns the body.
func (m *Message) Bytes() ([]byte, error) {
	given := 0
	var body []byte
	if len(m.Body) > 0 {
		given, body = given+1, m.Body
	}
	if m.Text != nil {
		given, body = given+1, []byte(*m.Text)
	}
	if len(m.Base64) > 0 {
		given, body = given+1, m.Base64
	}
	if given > 1 {
		return nil, badRequest("body, text and base64 exclude each other", "")
	}
	return body, nil
}

// List returns the properties.
func (m *Message) List() module.Properties {
	var all module.Properties
	for _, name := range slices.Sorted(maps.Keys(m.Properties)) {
		all.Set(name, m.Properties[name])
	}
	return all
}

// secretWords are those in the names of properties whose values are not shown. "key" alone is none: a property of that name
// is more often one of data.
var secretWords = []string{"authorization", "token", "password", "secret", "sharedaccess", "apikey", "api-key", "api_key", "credential"}

// shown returns properties without the values of those that seem to be secrets, each cut to 1 KiB.
func shown(properties module.Properties) map[string]string {
	if len(properties) == 0 {
		return nil
	}
	all := make(map[string]string, len(properties))
	for _, p := range properties {
		value := clip(p.Value, 1<<10)
		for _, word := range secretWords {
			if strings.Contains(strings.ToLower(p.Name), word) || strings.Contains(p.Value, "SharedAccessSignature") {
				value = "(not shown)"
			}
		}
		all[p.Name] = value
	}
	return all
}

// Line is a line that a guest logged.
type Line struct {
	Time   string `json:"time,omitempty"`
	Level  string `json:"level"`
	Signal string `json:"signal,omitempty"`
	Text   string `json:"text"`
}

var levels = [...]string{"trace", "debug", "info", "warn", "error", "critical"}

func levelOf(level int) string { return levels[min(max(level, 0), len(levels)-1)] }
