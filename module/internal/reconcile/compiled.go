package reconcile

import (
	"cmp"
	"context"
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

func (e *Entry) compiledKey() compiledKey {
	return compiledKey{e.Guest.Name, e.Digest, e.Guest.Limits.Stack}
}

// compilation is a guest that was compiled, or why it was not.
type compilation struct {
	key   compiledKey
	guest Guest
	err   error
}

// compileAll compiles the guests that steps wait for side by side, and returns each as it is done. All must be received.
// How many are compiled at once is the compiler's to decide; those whose code it has come first.
func (r *Reconciler) compileAll(ctx context.Context, waiting map[compiledKey][]Step, res *resolution) <-chan compilation {
	done := make(chan compilation, len(waiting)) // never full
	for key, steps := range waiting {
		e := steps[0].Entry
		go func() { // ends with what it sends, which is received
			guest, err := r.compile(ctx, e, res.binaries[e.Digest])
			done <- compilation{key, guest, err}
		}()
	}
	return done
}

// compile compiles the guest of an entry, and says how it goes.
func (r *Reconciler) compile(ctx context.Context, e Entry, binary []byte) (Guest, error) {
	log := r.config.Log.With().Str("guest", string(e.Guest.Name)).Str("digest", e.Digest).Logger()
	log.Info().Int("bytes", len(binary)).Msg("compiling guest")
	start := time.Now()
	guest, err := r.config.Compile(ctx, e.Guest.Name, binary, e.Guest.Limits)
	if err != nil {
		return nil, err // logged with the signals that it keeps from running
	}
	log.Info().Dur("took", time.Since(start)).Bool("cached", guest.Cached()).Msg("guest compiled")
	return guest, nil
}

// note keeps what became of a compilation.
func (r *Reconciler) note(c compilation, res *resolution) {
	if c.err == nil {
		r.guests[c.key] = c.guest
		return
	}
	res.uncompiled[c.key] = c.err
	state := res.guests[c.key.name]
	state.problem, state.broken = c.err.Error(), true
	res.guests[c.key.name] = state
}

// compiled returns the compiled guest of an entry, or why there is none.
func (r *Reconciler) compiled(e Entry, res *resolution) (Guest, error) {
	if g := r.guests[e.compiledKey()]; g != nil {
		return g, nil
	}
	if _, ok := res.binaries[e.Digest]; ok {
		return nil, res.uncompiled[e.compiledKey()]
	}
	return nil, errors.New(cmp.Or(res.problems[e.Signal.Name], fmt.Sprintf("guest %q: its binary %s is not at hand", e.Guest.Name, e.Digest)))
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
