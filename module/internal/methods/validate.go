package methods

import (
	"context"
	"encoding/json"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

type validateRequest struct {
	Desired json.RawMessage `json:"desired"`
}

// ValidateAnswer is what the module would say of a desired document.
type ValidateAnswer struct {
	Accepted  bool      `json:"accepted"` // nothing of it would be refused
	Guests    int       `json:"guests"`   // that would be taken
	Signals   int       `json:"signals"`
	Findings  []Finding `json:"findings"`
	Truncated bool      `json:"truncated,omitempty"`
}

// Finding is one thing that is wrong with a document, or worth saying.
type Finding struct {
	Severity string `json:"severity"` // refused, ignored, warning
	Path     string `json:"path,omitempty"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint,omitempty"`
}

func (a *ValidateAnswer) shorten() bool { a.Truncated = true; return halve(&a.Findings) }

var severities = [...]string{module.Refused: "refused", module.Ignored: "ignored", module.Warning: "warning"}

// validate reads a desired document as the module would on this device, with its variables and files, and takes nothing of it.
func (m *Methods) validate(_ context.Context, payload []byte) (any, error) {
	var q validateRequest
	if err := decode(payload, &q); err != nil {
		return nil, err
	}
	if len(q.Desired) == 0 {
		return nil, badRequest("desired is missing", `the payload is {"desired":{…}}, with what stands under properties.desired`)
	}
	d := m.config.Validate(q.Desired)
	a := &ValidateAnswer{Accepted: true, Guests: len(d.Guests), Signals: len(d.Signals), Findings: []Finding{}}
	for _, f := range d.Findings {
		a.Accepted = a.Accepted && f.Severity != module.Refused
		a.Findings = append(a.Findings, Finding{severities[f.Severity], f.Path, f.Reason, f.Hint})
	}
	return a, nil
}
