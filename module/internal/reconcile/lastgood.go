package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// goodTwin is what ran of a desired version.
type goodTwin struct {
	Generation string                      `json:"generation"`
	Version    int64                       `json:"version"`
	Module     module.ModuleSettings       `json:"module"`
	Entries    map[module.SignalName]Entry `json:"entries"`

	Groups map[string]module.PublishGroup `json:"groups,omitempty"`

	Former map[module.SignalName]Entry `json:"former,omitempty"` // of signals whose guest is on probation: what they go back to
}

// lastGood is what is stored: what runs, and what ran before it, for the case that the process does not survive it.
type lastGood struct {
	goodTwin
	Before *goodTwin `json:"before,omitempty"`
}

// save stores what runs, where it is not what was stored last.
func (r *Reconciler) save() {
	if r.config.Store == nil {
		return
	}
	good := lastGood{
		goodTwin: goodTwin{Generation: r.config.Generation, Version: r.version, Module: r.module, Entries: maps.Clone(r.running), Groups: r.groups,
			Former: maps.Clone(r.former)},
		Before: r.good.Before,
	}
	if before := r.good.goodTwin; before.Version != 0 && before.Version != good.Version {
		good.Before = &before
	}
	encoded, err := json.Marshal(good)
	if err == nil && bytes.Equal(encoded, r.saved) {
		return
	}
	if err == nil {
		err = r.config.Store.Save(store.LastGood, json.RawMessage(encoded))
	}
	if err != nil {
		r.config.Log.Error().Err(err).Msg("last good twin is not stored; a restart without network would start without it")
		return
	}
	r.good, r.saved = good, encoded
}

// startLastGood starts what ran before, so that a restart needs no network.
func (r *Reconciler) startLastGood(ctx context.Context) {
	good, ok := r.loadGood()
	if !ok {
		return
	}
	r.config.Log.Info().Int64("version", good.Version).Int("signals", len(good.Entries)).Msg("starting from the last good twin")
	if !r.trial.Refused { // else the verdict on the version after it stays, until the twin brings another
		r.beginVersion(good.Generation, good.Version)
	}
	r.setModule(good.Module)
	r.downloads.jitter = good.Module.DownloadJitter
	if good.Generation == r.config.Generation {
		r.watch.setVersion(good.Version)
	}
	r.resume(ctx, good)
	r.reconcile(ctx, r.resolveGood(ctx, good))
	r.tellNeeded(module.Desired{})
	r.publish(func(v *view) {
		v.entries, v.rolledBack, v.unshadowed = maps.Clone(r.running), r.rejections(), r.unshadowed
	})
}

// loadGood returns what to start from: the last good twin or, if the process did not survive that, the one before.
func (r *Reconciler) loadGood() (goodTwin, bool) {
	if r.config.Store == nil {
		return goodTwin{}, false
	}
	var good lastGood
	ok, err := r.config.Store.Load(store.LastGood, &good)
	if err != nil {
		r.config.Log.Error().Err(err).Msg("starting without a last good twin")
	}
	if !ok {
		r.trial = trial{} // there is nothing to go back to: a device whose power fails must not end up with nothing
		return goodTwin{}, false
	}
	switch condemned := r.trial.refuses(good.Generation, good.Version); {
	case condemned && good.Before != nil:
		r.config.Log.Error().Msg(r.trial.reason())
		good = lastGood{goodTwin: *good.Before}
	case condemned: // here neither
		r.trial = trial{}
	}
	r.good = good
	return good.goodTwin, true
}

// resolveGood resolves stored entries, each with the guest that it ran with. A guest's binary is taken as it is now: an
// image brings new ones.
func (r *Reconciler) resolveGood(ctx context.Context, good goodTwin) *resolution {
	res := newResolution()
	res.groups = good.Groups
	for name, e := range good.Entries {
		if good.Generation != r.config.Generation {
			e.Version = 0 // of another twin
		}
		if e.Guest.Name != "" {
			guest := r.fetch(ctx, res, e.Guest, e.Version)
			if guest.waits != nil {
				r.await(res, e, guest.waits)
				continue
			}
			if e.Digest = guest.digest; e.Digest == "" {
				res.problems[name] = guest.missing().Error()
			}
		}
		res.wanted[name] = e
	}
	return res
}
