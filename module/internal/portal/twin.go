package portal

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
	"github.com/wasm-on-edge/wasm-on-edge/schema"
)

// Twin is both sides of the module's twin.
type Twin struct {
	Desired         json.RawMessage `json:"desired"`
	DesiredVersion  int64           `json:"desiredVersion"`
	DesiredBytes    int             `json:"desiredBytes"` // as IoT Hub counts them
	Reported        json.RawMessage `json:"reported"`
	ReportedVersion int64           `json:"reportedVersion"`
	ReportedBytes   int             `json:"reportedBytes"`
	MaxBytes        int             `json:"maxBytes"`
}

func (p *Portal) getTwin(w http.ResponseWriter, _ *http.Request) {
	t := Twin{MaxBytes: twin.MaxSection}
	t.Desired, t.DesiredVersion = p.config.Hub.Desired(p.config.Name)
	t.Reported, t.ReportedVersion = p.config.Hub.Reported(p.config.Name)
	t.DesiredBytes, t.ReportedBytes = size(t.Desired), size(t.Reported)
	answer(w, http.StatusOK, t)
}

// getSchema answers with the schema of the desired properties, which the editor proposes from.
func getSchema(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, json.RawMessage(schema.Desired()))
}

// size counts a section that the hub holds. It holds objects only.
func size(section []byte) int {
	bytes, err := twin.Size(section)
	if err != nil {
		return 0
	}
	return bytes
}

// twinChange is a change of the desired properties.
type twinChange struct {
	Patch   json.RawMessage `json:"patch"`   // to be merged, or
	Replace json.RawMessage `json:"replace"` // the whole
	Base    int64           `json:"base"`    // version that it was made from; 0: any
	Force   bool            `json:"force"`   // send it to the module even if that will refuse it
}

// postTwin changes the desired properties, unless the module would refuse some of them or somebody else was faster.
func (p *Portal) postTwin(w http.ResponseWriter, r *http.Request) {
	var c twinChange
	if !read(w, r, &c) {
		return
	}
	document, version := p.config.Hub.Desired(p.config.Name)
	if c.Base != 0 && c.Base != version {
		refuse(w, http.StatusConflict, "the desired properties were changed meanwhile", "load them anew, and make the change again")
		return
	}
	whole := []byte(c.Replace)
	if c.Replace == nil {
		var err error
		if whole, err = twin.Merge(document, c.Patch); err != nil {
			refuse(w, http.StatusBadRequest, err.Error(), "a patch is a JSON object")
			return
		}
	}
	if report := check.Twin(whole, p.config.Twin); report.Refused() && !c.Force {
		answer(w, http.StatusUnprocessableEntity, refusal{Error: "the module would refuse it", Findings: findingsOf(report.Findings)})
		return
	}
	p.change(w, c)
}

func (p *Portal) change(w http.ResponseWriter, c twinChange) {
	var version int64
	var err error
	if c.Replace != nil {
		version, err = p.config.Hub.ReplaceDesired(p.config.Name, c.Replace)
	} else {
		version, err = p.config.Hub.PatchDesired(p.config.Name, c.Patch)
	}
	if err != nil {
		status := http.StatusBadRequest
		if errors.Is(err, sim.ErrStopped) {
			status = http.StatusServiceUnavailable
		}
		refuse(w, status, err.Error(), "")
		return
	}
	answer(w, http.StatusOK, map[string]int64{"version": version})
}

// Checked is what the module would say of a desired document.
type Checked struct {
	Findings []Finding `json:"findings"`
	Bytes    int       `json:"bytes"`
	Refused  bool      `json:"refused"`
}

func (p *Portal) postCheck(w http.ResponseWriter, r *http.Request) {
	document, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil {
		refuse(w, http.StatusBadRequest, "read document: "+err.Error(), "")
		return
	}
	report := check.Twin(document, p.config.Twin)
	answer(w, http.StatusOK, Checked{findingsOf(report.Findings), report.Bytes, report.Refused()})
}
