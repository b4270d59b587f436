package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// lastGood is what is stored of what runs.
type lastGood struct {
	Generation string                      `json:"generation"`
	Version    int64                       `json:"version"`
	Module     module.ModuleSettings       `json:"module"`
	Entries    map[module.SignalName]Entry `json:"entries"`
}

// save stores what runs, where it is not what was stored last.
func (r *Reconciler) save() {
	if r.config.Store == nil {
		return
	}
	good, err := json.Marshal(lastGood{Generation: r.config.Generation, Version: r.version, Module: r.module, Entries: r.running})
	if err == nil && bytes.Equal(good, r.saved) {
		return
	}
	if err == nil {
		err = r.config.Store.Save(store.LastGood, json.RawMessage(good))
	}
	if err != nil {
		r.config.Log.Error().Err(err).Msg("last good twin is not stored; a restart without network would start without it")
		return
	}
	r.saved = good
}

// startLastGood starts what ran before, so that a restart needs no network.
func (r *Reconciler) startLastGood(ctx context.Context) {
	if r.config.Store == nil {
		return
	}
	var good lastGood
	ok, err := r.config.Store.Load(store.LastGood, &good)
	if err != nil {
		r.config.Log.Error().Err(err).Msg("starting without a last good twin")
	}
	if !ok {
		return
	}
	r.config.Log.Info().Int64("version", good.Version).Int("signals", len(good.Entries)).Msg("starting from the last good twin")
	r.setModule(good.Module)
	if good.Generation == r.config.Generation {
		r.watch.setVersion(good.Version)
	}
	r.reconcile(ctx, r.resolveGood(ctx, good))
	r.publish(func(v *view) { v.entries = maps.Clone(r.running) })
}

// resolveGood resolves stored entries, each with the guest that it ran with. A guest's binary is taken as it is now: an
// image brings new ones.
func (r *Reconciler) resolveGood(ctx context.Context, good lastGood) *resolution {
	res := newResolution()
	for name, e := range good.Entries {
		if good.Generation != r.config.Generation {
			e.Version = 0 // of another twin
		}
		if e.Guest.Name != "" {
			guest := r.fetch(ctx, res, e.Guest, e.Version)
			if e.Digest = guest.digest; e.Digest == "" {
				res.problems[name] = guest.missing().Error()
			}
		}
		res.wanted[name] = e
	}
	return res
}
