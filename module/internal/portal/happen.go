package portal

import (
	"encoding/base64"
	"time"
	"unicode/utf8"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// shownBody is how many bytes of a body are kept to be shown.
const shownBody = 4 << 10

// Message is a message as the page shows it.
type Message struct {
	N          uint64            `json:"n,omitempty"` // of upstream messages and dead letters, from 1
	Time       int64             `json:"time"`        // in milliseconds since 1970
	Module     string            `json:"module,omitempty"`
	Output     string            `json:"output,omitempty"`
	Body       string            `json:"body"`             // 4 KiB at most
	Base64     bool              `json:"base64,omitempty"` // the body is no text
	Bytes      int               `json:"bytes"`            // of the whole body
	Properties map[string]string `json:"properties,omitempty"`
}

// Event is something that happened to the hub or the module.
type Event struct {
	Time int64  `json:"time"` // in milliseconds since 1970
	Kind string `json:"kind"` // fault, connected, disconnected, desired, reported
	Text string `json:"text"`
}

// Upstream takes a message that reached IoT Hub.
func (p *Portal) Upstream(u sim.Upstream) {
	m := messageOf(u.Output, u.Message.Body, len(u.Message.Body), module.Properties(u.Message.Properties))
	m.Time, m.Module = u.Time.UnixMilli(), u.Module
	ours := u.Module == p.config.Name
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, has := u.Message.Properties.Get(edgehub.PropertyMessageID); ours && has {
		p.seen.add(id)
	}
	if ours && u.Output == string(module.OutputDeadLetter) {
		p.gone++
		m.N = p.letters.next + 1
		p.letters.add(m)
		return
	}
	m.N = p.upstream.next + 1
	p.upstream.add(m)
}

// Fault takes a fault that was made.
func (p *Portal) Fault(f sim.Fault) { p.happened("fault", f.Text) }

// Connected takes that a module has a connection.
func (p *Portal) Connected(name string) {
	if name == p.config.Name {
		p.happened("connected", "the module is connected")
	}
}

// Disconnected takes that a connection ended.
func (p *Portal) Disconnected(name string, err error) {
	if name != p.config.Name {
		return
	}
	text := "the module is not connected any more"
	if err != nil {
		text += ": " + err.Error()
	}
	p.happened("disconnected", text)
}

func (p *Portal) happened(kind, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events.add(Event{time.Now().UnixMilli(), kind, text})
}

// messageOf returns a message to be shown, of which bytes were sent.
func messageOf(output string, body []byte, bytes int, properties module.Properties) Message {
	m := Message{Output: output, Bytes: bytes}
	m.Body, m.Base64 = shown(body)
	if len(properties) > 0 {
		m.Properties = make(map[string]string, len(properties))
		for _, property := range properties {
			m.Properties[property.Name] = property.Value
		}
	}
	return m
}

// shown returns the begin of a body as text, or in base 64 where it is none.
func shown(body []byte) (text string, encoded bool) {
	cut := body[:min(len(body), shownBody)]
	for end := len(cut); end > max(0, len(cut)-utf8.UTFMax); end-- {
		if utf8.Valid(cut[:end]) {
			return string(cut[:end]), false
		}
	}
	if len(cut) == 0 {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(cut), true
}
