package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// formerOf returns the entry that a signal goes back to if the version of its guest that it is about to go over to fails on
// probation; without one there is none. Running is what it does now, former what it would go back to now: a version that
// comes while another is on probation is measured by the one that has passed.
func formerOf(running, former, want Entry) (Entry, bool) {
	candidate := running
	if former.Guest.Name != "" {
		candidate = former
	}
	newVersion := candidate.Guest.Name == want.Guest.Name && candidate.Digest != want.Digest && want.Digest != "" && candidate.Digest != ""
	serves := want.Guest.Run == module.RunService || candidate.Guest.Run == module.RunService
	samePartitions := candidate.Signal.PartitionBy == want.Signal.PartitionBy
	return candidate, newVersion && !serves && samePartitions && want.Guest.Name != ""
}

// watchOver puts work that is a new version of a guest on probation, and returns the entry that its signal may go back to.
func (r *Reconciler) watchOver(work *supervise.Work, e Entry, res *resolution) Entry {
	name := e.Signal.Name
	former, ok := formerOf(r.running[name], r.former[name], e)
	if !ok || work.Guest != nil && work.Guest.Endless() { // a service, which is on none
		return Entry{}
	}
	old := supervise.Work{Version: former.Version, Signal: former.Signal, Digest: former.Digest}
	if r.guests[former.compiledKey()] == nil || r.addGuest(&old, former, res) != nil {
		return Entry{}
	}
	p := r.probations[e.Guest.Name]
	if p == nil || p.of != e.guestHash() {
		p = &probation{of: e.guestHash(), Probation: supervise.NewProbation(e.Digest, e.Guest.Probation, func() { wake(r.judged) })}
		r.probations[e.Guest.Name] = p
	}
	work.Probation, work.Former = p.Probation, &old
	return former
}

// probation is that of the newest version of a guest.
type probation struct {
	*supervise.Probation
	of string // guestHash of its entries
}

// guestHash identifies a version of a guest and how its entry asks for it. What runs beside it does not matter.
func (e *Entry) guestHash() string {
	spec := e.Guest
	spec.Shadow = nil
	encoded, _ := json.Marshal(spec) // it was read from JSON
	sum := sha256.Sum256(append(encoded, e.Digest...))
	return hex.EncodeToString(sum[:])
}

// rejection is a version of a guest that failed on probation. It is stored, and holds until the guest's entry changes.
type rejection struct {
	Of     string `json:"of"` // guestHash of its entries
	Reason string `json:"reason"`
}

// conclude follows the probations that are over.
func (r *Reconciler) conclude(ctx context.Context) {
	failed := false
	for guest, p := range r.probations {
		verdict, over := p.Verdict()
		if !over {
			continue
		}
		delete(r.probations, guest)
		if verdict.Cause != nil {
			r.reject(guest, p, verdict)
			failed = true
		}
		for name := range r.former {
			if r.running[name].Guest.Name == guest {
				delete(r.former, name)
			}
		}
	}
	if failed {
		r.save()
		r.applyAgain(ctx)
	}
	r.release()
	r.save()
}

// reject notes that a version failed: its signals do again what they did before it.
func (r *Reconciler) reject(guest module.GuestName, p *probation, v supervise.Verdict) {
	back := "none"
	for name, former := range r.former {
		if e := r.running[name]; e.Guest.Name == guest && e.Digest == p.Digest() {
			r.running[name], back = former, former.Digest
		}
	}
	reason := fmt.Sprintf("%s failed on probation at signal %q: %v; %s is back until the entry changes; the state of %d messages was undone",
		p.Digest(), v.Signal, v.Cause, back, v.Undone)
	r.config.Log.Error().Str("guest", string(guest)).Msg(reason)
	r.rejected[guest] = rejection{Of: p.of, Reason: reason}
	r.saveRejected()
}

// holdBack puts what ran before in the place of versions that failed on probation, for all signals of their guests. Where that
// is nowhere to be had any more, after a restart, the version that failed is better than none.
func (r *Reconciler) holdBack(res *resolution) {
	for name, e := range res.wanted {
		if rejected, ok := r.rejected[e.Guest.Name]; !ok || rejected.Of != e.guestHash() {
			continue
		}
		res.problems[name] = fmt.Sprintf("guest %q: %s failed on probation", e.Guest.Name, e.Digest)
		if former, runs := r.running[name]; runs && former.Guest.Name == e.Guest.Name {
			res.wanted[name] = former
		} else if former, runs := (&view{entries: r.running}).newestOf(e.Guest.Name); runs {
			e.Guest, e.Digest, e.Version = former.Guest, former.Digest, former.Version
			res.wanted[name] = e
		}
	}
}

// acquitChanged forgets versions that failed whose guests' entries ask for another now.
func (r *Reconciler) acquitChanged(res *resolution) {
	before := len(r.rejected)
	for guest, state := range res.guests {
		e := Entry{Guest: state.spec, Digest: state.digest}
		if state.digest != "" && !state.refused && r.rejected[guest].Of != e.guestHash() {
			delete(r.rejected, guest)
		}
	}
	maps.DeleteFunc(r.rejected, func(guest module.GuestName, _ rejection) bool { _, there := res.guests[guest]; return !there })
	if len(r.rejected) != before {
		r.saveRejected()
	}
}

// rejections returns why guests do not run the version that is desired.
func (r *Reconciler) rejections() map[module.GuestName]string {
	reasons := make(map[module.GuestName]string, len(r.rejected))
	for guest, rejected := range r.rejected {
		reasons[guest] = rejected.Reason
	}
	return reasons
}

func (r *Reconciler) saveRejected() {
	if r.config.Store == nil {
		return
	}
	if err := r.config.Store.Save(store.Rejected, r.rejected); err != nil {
		r.config.Log.Error().Err(err).Msg("a version that failed on probation would be tried again after a restart")
	}
}

// resume compiles the guests that signals were to go back to when the module stopped: their probation begins anew. One whose
// binary is not at hand any more has no probation.
func (r *Reconciler) resume(ctx context.Context, good goodTwin) {
	for name, e := range good.Former {
		binary, err := r.config.Artifacts.Find(artifact.Request{Source: e.Guest.Source, Digest: e.Digest, Credentials: e.Guest.Credentials})
		if err != nil || r.config.Policy.CheckGuest(e.Guest) != nil {
			continue
		}
		if r.guests[e.compiledKey()] == nil {
			guest, err := r.compile(ctx, e, binary.Bytes)
			if err != nil {
				continue
			}
			r.guests[e.compiledKey()] = guest
		}
		r.former[name] = e
	}
}
