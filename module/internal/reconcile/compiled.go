package reconcile

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// compiledKey is what a compiled guest depends on. Its name is in it for the errors that it gives.
type compiledKey struct {
	name   module.GuestName
	digest string
	stack  int
}

// compiled returns the compiled guest of an entry, compiling it where no other signal runs it.
func (r *Reconciler) compiled(e Entry, res *resolution) (Guest, error) {
	key := compiledKey{e.Guest.Name, e.Digest, e.Guest.Limits.Stack}
	if g := r.guests[key]; g != nil {
		return g, nil
	}
	binary, ok := res.binaries[e.Digest]
	if !ok {
		return nil, errors.New(cmp.Or(res.problems[e.Signal.Name], fmt.Sprintf("guest %q: its binary %s is not at hand", e.Guest.Name, e.Digest)))
	}
	start := time.Now()
	g, err := r.config.Compile(e.Guest.Name, binary, e.Guest.Limits)
	if err != nil {
		state := res.guests[e.Guest.Name]
		state.problem, state.broken = err.Error(), true
		res.guests[e.Guest.Name] = state
		return nil, err
	}
	r.config.Log.Info().Str("guest", string(e.Guest.Name)).Str("digest", e.Digest).Dur("took", time.Since(start)).Msg("guest compiled")
	r.guests[key] = g
	return g, nil
}

// release closes the compiled guests that no signal starts instances from any more.
func (r *Reconciler) release() {
	used := r.config.Supervisor.Guests()
	for key, guest := range r.guests {
		if !used[guest] {
			guest.Close()
			delete(r.guests, key)
		}
	}
}
