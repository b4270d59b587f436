package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// output is how a simulation shows itself. Write takes the log. All of it may be called from any goroutine.
type output interface {
	io.Writer
	message(sim.Upstream)
	reported(version int64, document []byte)
	follow(ctx context.Context, look func() snapshot) // shows the state until ctx ends
	printf(format string, args ...any)
	end(summary)
	deadLetters() int64
}

func newOutput(c simulateCommand, env *environment) output {
	if c.JSON {
		return &jsonOutput{stdout: json.NewEncoder(env.stdout), stderr: env.stderr}
	}
	file, ok := env.stdout.(*os.File)
	return &screen{stdout: env.stdout, terminal: ok && term.IsTerminal(int(file.Fd()))}
}

// jsonOutput prints one object a line.
type jsonOutput struct {
	stderr io.Writer

	mu      sync.Mutex // guards what follows
	stdout  *json.Encoder
	letters int64
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

// reportedLine is a change of the module's reported properties.
type reportedLine struct {
	Type     string          `json:"type"` // "reported"
	Version  int64           `json:"version"`
	Reported json.RawMessage `json:"reported"`
}

func (o *jsonOutput) message(u sim.Upstream) {
	line := messageLine{Type: "message", Time: u.Time.UTC(), Module: u.Module, Output: u.Output, Properties: make(map[string]string, len(u.Message.Properties))}
	for _, p := range u.Message.Properties {
		line.Properties[p.Name] = p.Value
	}
	if json.Valid(u.Message.Body) {
		line.Body = u.Message.Body
	} else {
		line.BodyBase64 = base64.StdEncoding.EncodeToString(u.Message.Body)
	}
	o.print(line, u.Output == string(module.OutputDeadLetter))
}

func (o *jsonOutput) reported(version int64, document []byte) {
	o.print(reportedLine{Type: "reported", Version: version, Reported: document}, false)
}

func (o *jsonOutput) end(s summary) { o.print(s, false) }

func (o *jsonOutput) print(line any, letter bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if letter {
		o.letters++
	}
	_ = o.stdout.Encode(line) // whoever closed it does not want to know
}

func (o *jsonOutput) deadLetters() int64 {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.letters
}

func (o *jsonOutput) Write(log []byte) (int, error) { return o.stderr.Write(log) }

func (o *jsonOutput) printf(format string, args ...any) { fmt.Fprintf(o.stderr, format, args...) }

func (o *jsonOutput) follow(ctx context.Context, _ func() snapshot) { <-ctx.Done() }
