package reconcile

import (
	"maps"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// setGroups gives the pipeline the publish groups that a document asks for, and keeps those before them that it does not have
// and that a signal that is there sends by: its last good is at work, or it is about to go. That a group's settings change is
// no change of its signals.
func (r *Reconciler) setGroups(asked map[string]module.PublishGroup) {
	groups := make(map[string]module.PublishGroup, len(asked))
	for _, there := range []map[module.SignalName]Entry{r.running, r.failed} {
		for _, entry := range there {
			if group, ok := r.groups[entry.Signal.PublishGroup]; ok {
				groups[entry.Signal.PublishGroup] = group
			}
		}
	}
	maps.Copy(groups, asked)
	r.groups = groups
	r.config.Pipeline.SetGroups(groups)
}
