package reconcile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// removeFiles removes the private directories of signals that the twin does not name any more. One that is stopped or
// refused is named, and what runs or failed has a use for its files whatever the twin says.
func (r *Reconciler) removeFiles(named map[module.SignalName]bool) {
	if r.config.Files == "" {
		return
	}
	entries, err := os.ReadDir(r.config.Files)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.config.Log.Error().Err(err).Msg("files of signals that are gone are not removed")
	}
	for _, e := range entries {
		if named[pipeline.SignalOf(e.Name())] {
			continue
		}
		if err := os.RemoveAll(filepath.Join(r.config.Files, e.Name())); err != nil {
			r.config.Log.Error().Str("signal", e.Name()).Err(err).Msg("files of a signal that is gone are not removed")
			continue
		}
		r.config.Log.Info().Str("signal", e.Name()).Msg("removed the files of a signal that is gone")
	}
}

// named returns the signals that d names or that are there all the same.
func (r *Reconciler) named(d module.Desired) map[module.SignalName]bool {
	named := namedBy(d)
	for name := range r.running {
		named[name] = true
	}
	for name := range r.failed {
		named[name] = true
	}
	for name := range r.waiting {
		named[name] = true
	}
	return named
}

// namedBy returns the signals that d names, good or refused.
func namedBy(d module.Desired) map[module.SignalName]bool {
	named := make(map[module.SignalName]bool)
	for name := range d.Signals {
		named[name] = true
	}
	for _, f := range d.Findings {
		if f.Entry.Kind == module.EntrySignal {
			named[module.SignalName(f.Entry.Name)] = true
		}
	}
	return named
}
