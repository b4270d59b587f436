package portal

import (
	"net/http"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/check"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Flow is how data goes through the deployment: what the drawing is made of.
type Flow struct {
	Module   string             `json:"module"`
	Version  string             `json:"version"`
	Desired  int64              `json:"desired"`  // version that it is of
	InModule bool               `json:"inModule"` // the module runs in the simulator's process
	Routes   []Route            `json:"routes"`
	Sources  []Endpoint         `json:"sources"` // where messages for the module come from
	Signals  []module.Signal    `json:"signals"`
	Guests   []module.GuestSpec `json:"guests"`
	Findings []Finding          `json:"findings"`
}

// Route is a route of edgeHub's.
type Route struct {
	Name      string `json:"name"`
	From      string `json:"from"` // as it is written
	Condition bool   `json:"condition,omitempty"`
	Upstream  bool   `json:"upstream,omitempty"`
	Module    string `json:"module,omitempty"`
	Input     string `json:"input,omitempty"`
}

// Endpoint is an output of a module from which a route leads to an input of ours.
type Endpoint struct {
	Module string `json:"module"`
	Output string `json:"output"`
	Input  string `json:"input"`
}

// Finding is one thing that is wrong with a twin.
type Finding struct {
	Severity string `json:"severity"` // refused, ignored, warning
	Path     string `json:"path"`
	Reason   string `json:"reason"`
	Hint     string `json:"hint,omitempty"`
}

func (p *Portal) getFlow(w http.ResponseWriter, _ *http.Request) {
	document, version := p.config.Hub.Desired(p.config.Name)
	answer(w, http.StatusOK, p.flow(twin.Parse(document, p.config.Twin), version))
}

func (p *Portal) flow(desired module.Desired, version int64) Flow {
	f := Flow{Module: p.config.Name, Version: p.config.Version, Desired: version, InModule: p.config.Module != nil,
		Routes: []Route{}, Sources: []Endpoint{}, Signals: sorted(desired.Signals), Guests: sorted(desired.Guests),
		Findings: findingsOf(desired.Findings)}
	for _, r := range p.config.Manifest.Routes {
		f.Routes = append(f.Routes, Route{r.Name, r.Source, r.Condition != nil, r.Sink.Upstream, r.Sink.Module, r.Sink.Input})
		if r.Sink.Module == p.config.Name {
			f.Sources = append(f.Sources, p.sourceOf(r.Source, r.Sink.Input))
		}
	}
	if !desired.DocumentRefused() {
		f.Findings = append(f.Findings, findingsOf(check.Routes(p.config.Manifest, p.config.Name, desired))...)
	}
	return f
}
