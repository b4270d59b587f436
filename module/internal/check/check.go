// Package check looks at a desired twin or a deployment offline and tells what would be refused on the device, and
// what would be accepted but probably is not meant. It is pure.
//
// # Concurrency
//
// Its functions may be called from any goroutine.
package check

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Limits of IoT Hub and edgeHub.
const (
	twinLimit       = 32 << 10       // bytes of the desired section as IoT Hub counts them
	shortTimeToLive = 48 * time.Hour // what edgeHub should keep, so that a weekend without network loses nothing
)

// WarnBytes is from where on a desired section is told to be almost too large.
const WarnBytes = 28 << 10

// Report is what was found.
type Report struct {
	Findings []module.Finding // as in the twin; those of a deployment have no Entry
	Bytes    int              // of the desired section, as IoT Hub counts them
	Guests   int
	Signals  int
	Memory   Memory

	desired module.Desired
	places  places
	counts  func(module.OutputName) bool // whether what is sent to an output reaches IoT Hub
}

// Traffic estimates what reaches IoT Hub in a day: of a twin alone all that is sent, of a deployment what its routes lead there.
func (r *Report) Traffic(rates Rates) Traffic { return traffic(r.desired, rates, r.counts) }

// Refused reports whether anything would be refused.
func (r *Report) Refused() bool {
	return slices.ContainsFunc(r.Findings, func(f module.Finding) bool { return f.Severity == module.Refused })
}

// IsDeployment reports whether a document is a deployment template or manifest rather than a twin.
func IsDeployment(document []byte) bool {
	var head struct {
		ModulesContent json.RawMessage `json:"modulesContent"`
		Content        json.RawMessage `json:"content"`
	}
	return json.Unmarshal(document, &head) == nil && (head.ModulesContent != nil || head.Content != nil)
}

// Twin checks a desired section, with or without $version.
func Twin(document []byte, env twin.Environment) Report {
	_, report := check(document, env)
	report.places = placesOf(document, "")
	return report
}

// Deployment checks a deployment and the desired section that it gives to the module called name.
func Deployment(document []byte, name string, env twin.Environment) (Report, error) {
	m, err := manifest.Parse(document)
	if err != nil {
		return Report{}, fmt.Errorf("read deployment: %w", err)
	}
	ours, ok := m.Module(name)
	if !ok {
		return Report{}, fmt.Errorf("read deployment: it has no module %q, only %s", name, moduleNames(m))
	}
	if ours.Desired == nil {
		return Report{}, fmt.Errorf("read deployment: it gives module %q no properties.desired", name)
	}
	env.ModuleID = name
	desired, report := check(ours.Desired, env)
	estimate, tooLittle := memory(ours, desired)
	report.Memory, report.places = estimate, placesOf(document, name)
	report.counts = func(output module.OutputName) bool {
		return slices.ContainsFunc(m.Routes, func(r manifest.Route) bool { return r.Sink.Upstream && r.Matches(name, string(output)) })
	}
	report.Findings = append(report.Findings, tooLittle...)
	report.Findings = append(report.Findings, Routes(m, name, desired)...)
	report.Findings = append(report.Findings, timeToLive(m)...)
	return report, nil
}

func moduleNames(m manifest.Manifest) string {
	var names []string
	for _, mod := range m.Modules {
		names = append(names, mod.Name)
	}
	return strings.Join(names, ", ")
}

// check parses a desired section. One that was never in IoT Hub has no $version; it gets one.
func check(document []byte, env twin.Environment) (module.Desired, Report) {
	versioned, err := twin.Merge(document, []byte(`{"$version":1}`))
	if err != nil {
		versioned = document // Parse says what is wrong with it
	}
	desired := twin.Parse(versioned, env)
	report := Report{desired: desired, counts: func(module.OutputName) bool { return true }, Findings: append(desired.Findings, apart(desired)...), Guests: len(desired.Guests), Signals: len(desired.Signals),
		Memory: Memory{Limits: sumOf(shares(desired))}}
	if size, err := twin.Size(document); err == nil {
		report.Bytes = size
		report.Findings = append(report.Findings, tooLarge(size)...)
	}
	return desired, report
}

func tooLarge(size int) []module.Finding {
	switch {
	case size > twinLimit:
		return []module.Finding{{Severity: module.Refused, Reason: fmt.Sprintf("it has %d bytes as IoT Hub counts them, %d are the limit", size, twinLimit),
			Hint: "use templates and signalDefaults"}}
	case size > WarnBytes:
		return []module.Finding{{Severity: module.Warning, Reason: fmt.Sprintf("it has %d of at most %d bytes as IoT Hub counts them", size, twinLimit)}}
	}
	return nil
}

// Routes tells of outputs that no route takes, the dead letters' first, and of inputs that no route feeds.
func Routes(m manifest.Manifest, name string, d module.Desired) []module.Finding {
	var findings []module.Finding
	warn := func(path, reason, hint string) {
		findings = append(findings, module.Finding{Severity: module.Warning, Path: path, Reason: reason, Hint: hint})
	}
	if !m.Takes(name, string(module.OutputDeadLetter)) {
		warn("$edgeHub.routes", `no route takes the output "deadletter": edgeHub would throw dead letters away`,
			fmt.Sprintf("add FROM /messages/modules/%s/outputs/deadletter INTO $upstream", name))
	}
	fed := m.Feeds(name)
	for _, s := range signalsInOrder(d) {
		if out := string(s.Output); out != "" && !m.Takes(name, out) {
			warn("signals."+string(s.Name)+".output", fmt.Sprintf("no route takes the output %q: edgeHub would throw its messages away", out),
				fmt.Sprintf("add FROM /messages/modules/%s/outputs/%s INTO $upstream", name, out))
		}
		for _, input := range inputs(s) {
			if !slices.Contains(fed, input) {
				warn("signals."+string(s.Name)+".source", fmt.Sprintf("no route feeds the input %q", input),
					fmt.Sprintf(`add FROM … INTO BrokeredEndpoint("/modules/%s/inputs/%s")`, name, input))
			}
		}
	}
	for _, input := range fed {
		if !named(d, input) {
			warn("$edgeHub.routes", fmt.Sprintf("a route feeds the input %q, which no signal names", input), "name it as the source of a signal")
		}
	}
	return findings
}

func named(d module.Desired, input string) bool {
	for _, s := range d.Signals {
		if slices.Contains(inputs(s), input) {
			return true
		}
	}
	return false
}

// inputs returns the inputs that a signal names, in order.
func inputs(s module.Signal) (names []string) {
	for _, source := range append(slices.Collect(maps.Values(s.Sources)), s.Source) {
		if source.Kind == module.SourceInput {
			names = append(names, source.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func signalsInOrder(d module.Desired) []module.Signal {
	signals := make([]module.Signal, 0, len(d.Signals))
	for _, s := range d.Signals {
		signals = append(signals, s)
	}
	slices.SortFunc(signals, func(a, b module.Signal) int { return strings.Compare(string(a.Name), string(b.Name)) })
	return signals
}

func timeToLive(m manifest.Manifest) []module.Finding {
	ttl := m.StoreAndForward.TimeToLive
	if ttl == manifest.Forever || ttl >= shortTimeToLive {
		return nil
	}
	return []module.Finding{{Severity: module.Warning, Path: "$edgeHub.storeAndForwardConfiguration.timeToLiveSecs",
		Reason: fmt.Sprintf("edgeHub forgets messages after %v; a longer outage loses them", ttl), Hint: "604800 keeps a week"}}
}
