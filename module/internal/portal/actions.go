package portal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// actionTime bounds what the page waits for; a direct method may take 30 s.
const actionTime = 35 * time.Second

func (p *Portal) postMethod(w http.ResponseWriter, r *http.Request) {
	var call struct {
		Method  string          `json:"method"`
		Payload json.RawMessage `json:"payload"`
	}
	if !read(w, r, &call) {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), actionTime)
	defer cancel()
	began := time.Now()
	status, response, err := p.config.Hub.Invoke(ctx, p.config.Name, call.Method, call.Payload)
	if err != nil {
		answer(w, http.StatusBadGateway, refusal{Error: err.Error()})
		return
	}
	if !json.Valid(response) {
		response, _ = json.Marshal(string(response)) // a text always encodes
	}
	answer(w, http.StatusOK, map[string]any{"status": status, "response": json.RawMessage(response), "tookUs": time.Since(began).Microseconds()})
}

// getFaults lists the faults that can be made, a line each.
func getFaults(w http.ResponseWriter, _ *http.Request) {
	lines := strings.Split(strings.TrimSpace(sim.FaultHelp()), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimPrefix(strings.TrimSpace(line), "fault ")
	}
	answer(w, http.StatusOK, lines)
}

func (p *Portal) postFault(w http.ResponseWriter, r *http.Request) {
	var fault struct {
		Line string `json:"line"`
	}
	if !read(w, r, &fault) {
		return
	}
	made, err := p.config.Hub.Fault(r.Context(), p.config.Name, fault.Line)
	if err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	answer(w, http.StatusOK, map[string]string{"made": made})
}

// postMessage sends a message as if another module had sent it.
func (p *Portal) postMessage(w http.ResponseWriter, r *http.Request) {
	var m struct {
		Module     string            `json:"module"`
		Output     string            `json:"output"`
		Body       string            `json:"body"`
		Base64     bool              `json:"base64"`
		Properties map[string]string `json:"properties"`
	}
	if !read(w, r, &m) {
		return
	}
	message := edgehub.Message{Body: []byte(m.Body)}
	if m.Base64 {
		var err error
		if message.Body, err = base64.StdEncoding.DecodeString(m.Body); err != nil {
			refuse(w, http.StatusBadRequest, "read body: "+err.Error(), "")
			return
		}
	}
	for name, value := range m.Properties {
		message.Properties.Set(name, value)
	}
	ctx, cancel := context.WithTimeout(r.Context(), methodTime) // it waits while the input is full
	defer cancel()
	if err := p.config.Hub.Publish(ctx, m.Module, m.Output, message); err != nil {
		refuse(w, http.StatusBadRequest, err.Error(), "")
		return
	}
	answer(w, http.StatusOK, map[string]bool{"sent": true})
}

// linesTold is how many lines of a guest's log are told where the page does not say.
const linesTold = 100

func (p *Portal) getLogs(w http.ResponseWriter, r *http.Request) {
	lines, err := strconv.Atoi(r.URL.Query().Get("lines"))
	if err != nil || lines < 1 || lines > 200 {
		lines = linesTold
	}
	logged, err := p.detail.logs(r.Context(), module.GuestName(r.URL.Query().Get("guest")), lines)
	if err != nil {
		refuse(w, http.StatusBadGateway, err.Error(), "")
		return
	}
	answer(w, http.StatusOK, logged)
}
