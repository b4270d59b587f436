package app

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

const (
	// calm is how long the journal must have refused nothing to be well again: a small transaction may fit where larger ones do not.
	calm = 30 * time.Second

	// errorPeriod is how often errors of the disk are logged: each result that waits may meet one each second.
	errorPeriod = time.Minute
)

// health tells in reported whether the storage can be written. It goes by what becomes of the transactions; those that are
// refused stay their owners', whose inputs wait unacknowledged or whose messages become dead letters (7).
type health struct {
	log     zerolog.Logger
	changed func() // must not block

	bad atomic.Bool // trouble is not ""

	mu      sync.Mutex // guards what follows
	normal  string     // what reported says while all is well
	trouble string     // what it says now; "" while all is well
	failed  time.Time  // when a transaction was refused last
	logged  time.Time  // when an error was logged last
	unsaid  int        // errors since
}

// String is what reported says of the storage.
func (h *health) String() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble != "" {
		return h.trouble
	}
	return h.normal
}

// note takes what became of a transaction.
func (h *health) note(err error) {
	switch {
	case err == nil && !h.bad.Load(), errors.Is(err, journal.ErrClosed):
	case err == nil:
		h.succeeded()
	default:
		h.refused(err)
	}
}

func (h *health) refused(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failed = time.Now()
	trouble := describe(err)
	if trouble == h.trouble {
		return
	}
	h.trouble = trouble
	h.bad.Store(true)
	h.log.Error().Err(err).Msg("storage is " + trouble)
	h.changed()
}

func (h *health) succeeded() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.trouble == "" || time.Since(h.failed) < calm {
		return
	}
	h.trouble = ""
	h.bad.Store(false)
	h.log.Info().Msg("the storage can be written again")
	h.changed()
}

// onError logs an error of the pipeline's, or counts it with those to come.
func (h *health) onError(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); h.logged.IsZero() || now.Sub(h.logged) >= errorPeriod {
		h.log.Error().Err(err).Int("unsaid", h.unsaid).Msg("something is not kept on the device")
		h.logged, h.unsaid = now, 0
		return
	}
	h.unsaid++
}

// describe says what is wrong with the storage, and what to do about it.
func describe(err error) string {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return "full: the disk has no room; it goes on by itself when there is some again"
	case errors.Is(err, journal.ErrFull):
		return "full: what is stored comes to WASM_ON_EDGE_STORAGE_MIB; it goes on by itself when edgeHub has taken what waits, or with a larger limit"
	case errors.Is(err, syscall.EROFS):
		return "degraded: the file system is read-only, as after an error of its disk; check the disk and mount it anew, and it goes on by itself"
	case errors.Is(err, syscall.EIO):
		return "degraded: the disk reports errors; if they stay, replace it and start the module anew"
	case errors.Is(err, syscall.ENOENT):
		return "degraded: the directory of the journal is gone; start the module anew"
	}
	return fmt.Sprintf("degraded: it cannot be written: %v", err)
}

// watched is a journal whose health is noted.
type watched struct {
	pipeline.Journal
	note func(error)
}

// Submit implements pipeline.Journal. What nobody waits for the journal tries again by itself.
func (w watched) Submit(tx *journal.Tx, done func(error)) {
	if done == nil {
		w.Journal.Submit(tx, nil)
		return
	}
	w.Journal.Submit(tx, func(err error) {
		w.note(err)
		done(err)
	})
}
