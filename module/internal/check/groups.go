package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// apart tells of publish groups that gather little, because what their signals send differs in more than the values.
func apart(d module.Desired) []module.Finding {
	members, kinds := map[string]int{}, map[string]map[string]bool{}
	for _, s := range d.Signals {
		if s.PublishGroup == "" {
			continue
		}
		if kinds[s.PublishGroup] == nil {
			kinds[s.PublishGroup] = map[string]bool{}
		}
		members[s.PublishGroup]++
		kinds[s.PublishGroup][bagOf(s)] = true
	}
	var findings []module.Finding
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		if n := len(kinds[name]); n > 1 && 2*n > members[name] {
			findings = append(findings, module.Finding{Severity: module.Warning, Path: "publishGroups." + name,
				Reason: fmt.Sprintf("its %d signals make %d kinds of message, and gather little", members[name], n),
				Hint:   "messages are shared by signals with the same output, payload and properties; a property with ${signal} keeps them apart"})
		}
	}
	return findings
}

// bagOf returns what signals have in common that share messages.
func bagOf(s module.Signal) string {
	return fmt.Sprintf("%q %q %q %q", s.PublishGroup, s.Output, s.Payload, s.Properties)
}
