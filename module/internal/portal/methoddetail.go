package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// methodDetail asks a module in another process, as anybody in the cloud could: by the direct methods status, trace and
// logs, and where it does not answer to those by what it has reported.
type methodDetail struct {
	hub  Hub
	name string
}

// methodTime is how long an answer may take that the page waits for.
const methodTime = 2 * time.Second

// ask calls a method and reads its answer.
func (d *methodDetail) ask(ctx context.Context, method string, request, response any) error {
	ctx, cancel := context.WithTimeout(ctx, methodTime)
	defer cancel()
	payload, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request of %s: %w", method, err)
	}
	status, body, err := d.hub.Invoke(ctx, d.name, method, payload)
	switch {
	case err != nil:
		return fmt.Errorf("call %s: %w", method, err)
	case status != 200:
		return fmt.Errorf("call %s: the module answered %d", method, status)
	}
	if err := json.Unmarshal(body, response); err != nil {
		return fmt.Errorf("read answer of %s: %w", method, err)
	}
	return nil
}

type statusRequest struct {
	After module.SignalName `json:"after,omitempty"`
	Limit int               `json:"limit"`
}

type statusAnswer struct {
	Signals []struct {
		Signal
		BusyMs       int64 `json:"busyMs"`
		RestartCount int64 `json:"restartCount"`
	} `json:"signals"`
	Next module.SignalName `json:"next"`
}

// statusPages bounds how much of a module with very many signals is asked for at a time.
const statusPages = 16

func (d *methodDetail) signals(ctx context.Context) ([]Signal, error) {
	var all []Signal
	request := statusRequest{Limit: 500}
	for range statusPages {
		var a statusAnswer
		if err := d.ask(ctx, "status", request, &a); err != nil {
			return d.reported(), nil
		}
		for _, s := range a.Signals {
			s.BusyUs, s.Restarts = s.BusyMs*1000, s.RestartCount
			all = append(all, s.Signal)
		}
		if request.After = a.Next; a.Next == "" {
			break
		}
	}
	return all, nil
}

// reported returns what the reported properties say of signals.
func (d *methodDetail) reported() []Signal {
	document, _ := d.hub.Reported(d.name)
	var reported module.Reported
	if json.Unmarshal(document, &reported) != nil { // it has reported nothing, or is another kind of module
		return nil
	}
	all := make(map[module.SignalName]Signal, len(reported.Signals))
	for name, entry := range reported.Signals {
		all[name] = Signal{Name: name, Status: entry.RuntimeStatus, Description: entry.StatusDescription, Digest: entry.Digest, Restarts: int64(entry.RestartCount)}
	}
	return sorted(all)
}

// tracedMessage is a message in an answer of trace: one of its three bodies is there.
type tracedMessage struct {
	Output     string            `json:"output"`
	Body       json.RawMessage   `json:"body"`
	Text       string            `json:"text"`
	Base64     []byte            `json:"base64"`
	Properties map[string]string `json:"properties"`
	Cut        int               `json:"cut"`
}

func (m *tracedMessage) bytes() []byte {
	switch {
	case m.Body != nil:
		return m.Body
	case m.Base64 != nil:
		return m.Base64
	}
	return []byte(m.Text)
}

func (m *tracedMessage) message() Message {
	body := m.bytes()
	shown := messageOf(m.Output, body, len(body)+m.Cut, nil)
	shown.Properties = m.Properties
	return shown
}

type traceAnswer struct {
	Messages []struct {
		Traced
		Time    time.Time       `json:"time"`
		Message tracedMessage   `json:"message"`
		Outputs []tracedMessage `json:"outputs"`
	} `json:"messages"`
}

func (d *methodDetail) traced(ctx context.Context, name module.SignalName) ([]Traced, error) {
	var a traceAnswer
	request := map[string]any{"signal": name, "messages": 50, "seconds": 0}
	if err := d.ask(ctx, "trace", request, &a); err != nil {
		return nil, err
	}
	all := make([]Traced, 0, len(a.Messages))
	for _, m := range a.Messages {
		t := m.Traced
		t.Time, t.Message, t.Outputs = m.Time.UnixMilli(), m.Message.message(), nil
		if m.Message.Cut == 0 {
			t.body = m.Message.bytes()
		}
		for name, value := range m.Message.Properties {
			t.properties.Set(name, value)
		}
		for _, o := range m.Outputs {
			t.Outputs = append(t.Outputs, o.message())
		}
		all = append(all, t)
	}
	return all, nil
}

// untrace does nothing: a trace that nobody asks for ends by itself.
func (d *methodDetail) untrace(module.SignalName) {}

func (d *methodDetail) logs(ctx context.Context, guest module.GuestName, n int) ([]Line, error) {
	var a struct {
		Lines []struct {
			Line
			Time time.Time `json:"time"`
		} `json:"lines"`
	}
	if err := d.ask(ctx, "logs", map[string]any{"guest": guest, "lines": n}, &a); err != nil {
		return nil, err
	}
	lines := make([]Line, 0, len(a.Lines))
	for _, l := range a.Lines {
		l.Line.Time = l.Time.UnixMilli()
		lines = append(lines, l.Line)
	}
	return lines, nil
}
