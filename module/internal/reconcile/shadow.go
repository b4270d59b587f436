package reconcile

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// shadow has the candidates run beside their guests that the twin names, and ends the others. It comes after all that is at
// work: a candidate that cannot be had is reported and holds up nothing.
func (r *Reconciler) shadow(ctx context.Context) {
	candidates := make(map[module.GuestName]*supervise.Candidate)
	r.unshadowed = make(map[module.GuestName]string)
	for _, name := range sortedNames(r.running) {
		spec := r.running[name].Guest
		if _, known := candidates[spec.Name]; !known && spec.Shadow != nil && spec.Run != module.RunService {
			candidate, err := r.candidate(ctx, spec)
			if err != nil {
				r.unshadowed[spec.Name] = fmt.Sprintf("shadow: %v", err)
				r.config.Log.Warn().Str("guest", string(spec.Name)).Err(err).Msg("candidate does not run beside its guest")
			}
			candidates[spec.Name] = candidate
		}
		if r.config.Supervisor.Shadow(ctx, name, candidates[spec.Name]) != nil {
			return // the module stops
		}
	}
}

// candidate returns what runs beside a guest, or nil while it is being downloaded.
func (r *Reconciler) candidate(ctx context.Context, spec module.GuestSpec) (*supervise.Candidate, error) {
	spec.Source, spec.Digest, spec.Shadow = spec.Shadow.Source, spec.Shadow.Digest, nil
	if e := r.config.Policy.CheckGuest(spec); e != nil {
		return nil, e
	}
	binary, waits, err := r.downloads.find(ctx, artifact.Request{Source: spec.Source, Digest: spec.Digest, Credentials: spec.Credentials})
	if err != nil || waits != nil {
		return nil, err
	}
	e := Entry{Guest: spec, Digest: binary.Digest}
	guest := r.guests[e.compiledKey()]
	if guest == nil {
		if guest, err = r.compile(ctx, e, binary.Bytes); err != nil {
			return nil, err
		}
		r.guests[e.compiledKey()] = guest
	}
	return &supervise.Candidate{Guest: guest, Digest: e.Digest}, nil
}

// describeShadow says how a guest's candidate fares with its signals: nothing that changes with every message.
func describeShadow(name module.GuestName, states map[module.SignalName]supervise.State) (text string) {
	differs := false
	for _, signal := range slices.Sorted(maps.Keys(states)) {
		s := states[signal].Shadow
		switch {
		case s == nil || states[signal].Guest != name:
		case s.Problem != "":
			return fmt.Sprintf("shadow %s is given up at signal %q: %s", s.Digest, signal, s.Problem)
		case len(s.Differences) > 0 && !differs:
			differs = true
			text = fmt.Sprintf("shadow %s differs, first of signal %q at message %q: %s", s.Digest, signal, s.Differences[0].Message, s.Differences[0].What)
		case text == "" && s.Agreed > 0:
			text = fmt.Sprintf("shadow %s agrees", s.Digest)
		}
	}
	return text
}

// together returns what there is of two texts as one.
func together(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "; " + b
}
