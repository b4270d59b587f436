package portal

import (
	"maps"
	"slices"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// sourceOf reads who sends what a route takes: /messages/modules/NAME/outputs/OUTPUT, with less of it for more senders.
func (p *Portal) sourceOf(source, input string) Endpoint {
	parts := strings.Split(strings.Trim(source, "/"), "/")
	e := Endpoint{Input: input}
	if len(parts) > 2 && strings.EqualFold(parts[1], "modules") {
		e.Module = parts[2]
	}
	if len(parts) > 4 && strings.EqualFold(parts[3], "outputs") && parts[4] != "*" {
		e.Output = parts[4]
	}
	return e
}

// sorted returns the values of a map by their keys, never nil.
func sorted[K ~string, V any](of map[K]V) []V {
	values := make([]V, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		values = append(values, of[name])
	}
	return values
}

var severities = [...]string{module.Refused: "refused", module.Ignored: "ignored", module.Warning: "warning"}

func findingsOf(findings []module.Finding) []Finding {
	shown := make([]Finding, 0, len(findings))
	for _, f := range findings {
		shown = append(shown, Finding{severities[f.Severity], f.Path, f.Reason, f.Hint})
	}
	return shown
}
