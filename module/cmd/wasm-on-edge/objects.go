package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// objects prints one JSON object a line; what is meant for people goes to standard error.
type objects struct {
	mu     sync.Mutex // guards what follows
	stdout *json.Encoder
	stderr io.Writer
}

// messageLine is a message that reached $upstream.
type messageLine struct {
	Type       string            `json:"type"` // "message"
	Time       time.Time         `json:"time"`
	Module     string            `json:"module"`
	Output     string            `json:"output"`
	Properties map[string]string `json:"properties"`
	Body       json.RawMessage   `json:"body,omitempty"`
	BodyBase64 string            `json:"bodyBase64,omitempty"` // where the body is not JSON
}

// faultLine is a fault that was made on command.
type faultLine struct {
	Type   string    `json:"type"` // "fault"
	Time   time.Time `json:"time"`
	Fault  string    `json:"fault"`
	Module string    `json:"module"`
}

// reportedLine is a change of the module's reported properties.
type reportedLine struct {
	Type     string          `json:"type"` // "reported"
	Version  int64           `json:"version"`
	Reported json.RawMessage `json:"reported"`
}

func (o *objects) message(u sim.Upstream) {
	line := messageLine{Type: "message", Time: u.Time.UTC(), Module: u.Module, Output: u.Output, Properties: make(map[string]string, len(u.Message.Properties))}
	for _, p := range u.Message.Properties {
		line.Properties[p.Name] = p.Value
	}
	if json.Valid(u.Message.Body) {
		line.Body = u.Message.Body
	} else {
		line.BodyBase64 = base64.StdEncoding.EncodeToString(u.Message.Body)
	}
	o.print(line)
}

func (o *objects) fault(f sim.Fault) {
	o.print(faultLine{Type: "fault", Time: f.Time.UTC(), Fault: f.Text, Module: f.Module})
}

func (o *objects) reported(version int64, document json.RawMessage) {
	o.print(reportedLine{Type: "reported", Version: version, Reported: document})
}

func (o *objects) end(s summary) { o.print(s) }

func (o *objects) print(line any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = o.stdout.Encode(line) // whoever closed it does not want to know
}

func (o *objects) Write(log []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.stderr.Write(log)
}

func (o *objects) printf(format string, args ...any) { _, _ = fmt.Fprintf(o, format, args...) }

func (o *objects) entered(string) {}

func (o *objects) show(snapshot) {} // the objects tell what happens, not what is

func (o *objects) follow(ctx context.Context, _ func() snapshot) { <-ctx.Done() }
