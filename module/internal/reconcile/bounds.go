package reconcile

import (
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// bound refuses the guests of a document that ask for more than the device's policy allows.
func (r *Reconciler) bound(d *module.Desired) {
	for name, spec := range d.Guests {
		if e := r.config.Policy.CheckGuest(spec); e != nil {
			d.Findings = append(d.Findings, module.Finding{Path: fmt.Sprintf("guests.%s.%s", name, e.Field), Reason: e.Reason,
				Entry: module.Entry{Kind: module.EntryGuest, Name: string(name)}})
			delete(d.Guests, name)
		}
	}
}

// tellNeeded says which binaries must stay on the device: those of what runs or shall run, of the last good twin and of the one before.
func (r *Reconciler) tellNeeded(d module.Desired) {
	needed := make(map[string]bool)
	note := func(entries map[module.SignalName]Entry) {
		for _, e := range entries {
			needed[e.Digest] = true
		}
	}
	note(r.running)
	note(r.failed)
	note(r.waiting)
	note(r.former)
	note(r.good.Former)
	note(r.good.Entries)
	if r.good.Before != nil {
		note(r.good.Before.Entries)
	}
	for _, spec := range d.Guests {
		needed[spec.Digest] = true
	}
	for request := range r.downloads.jobs {
		needed[request.Digest] = true
	}
	for digest := range r.files {
		needed[digest] = true
	}
	r.config.Artifacts.Need(needed)
}
