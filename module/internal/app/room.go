package app

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// room knows how much of the storage directory is taken: by the journal, the caches of binaries and of compiled code, the files of guests,
// the folder of dead letters and what else lies there (7). The directory is walked now and then; what the journal grows by
// meanwhile is known at any time.
type room struct {
	dir     string
	limit   int64        // bytes
	journal func() int64 // bytes that the journal takes
	// pruneBinaries lets go of downloads that nothing needs, prune of compiled code.
	pruneBinaries, prune func(bytes int64)

	beside atomic.Int64 // bytes that were not the journal's when the directory was measured last
}

// taken returns how many bytes are taken, as far as is known.
func (r *room) taken() int64 { return r.beside.Load() + r.journal() }

// check says that nothing more may be stored, where that is so. It is asked for each transaction.
func (r *room) check() error {
	if taken := r.taken(); taken >= r.limit {
		return fmt.Errorf("%w: %d of the %d MiB of WASM_ON_EDGE_STORAGE_MIB are taken", journal.ErrFull, taken>>20, r.limit>>20)
	}
	return nil
}

// tend measures the directory and, from 90 % on, has the caches pruned to what is needed. What of the compiled code that may be
// is not known before all guests have been compiled: until then it is left alone.
func (r *room) tend(settled bool) error {
	if err := r.measure(); err != nil {
		return err
	}
	excess := r.taken() - r.limit/10*9
	if excess < 0 {
		return nil
	}
	excess += r.limit / 20 // and not again at once
	r.pruneBinaries(excess)
	if settled {
		r.prune(excess)
	}
	return r.measure()
}

func (r *room) measure() error {
	journal := r.journal()
	used, err := diskUsage(r.dir)
	if err != nil {
		return fmt.Errorf("measure storage: %w", err)
	}
	r.beside.Store(used - journal)
	return nil
}

// diskUsage returns the bytes that a directory takes of its disk. What goes meanwhile is not counted.
func diskUsage(dir string) (used int64, err error) {
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				used += info.Sys().(*syscall.Stat_t).Blocks * 512 // of a file of this system's
				return nil
			}
		}
		if path != dir && errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return used, err
}
