package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
)

// What reported says of the storage directory.
const (
	storagePersistent = "persistent"
	storageEphemeral  = "ephemeral" // it ends with the container
)

// openStore opens the storage directory. Without one the module works, and forgets.
func (a *App) openStore() *store.Store {
	if a.config.Storage == "" {
		return nil
	}
	kept, err := store.Open(a.config.Storage)
	if err != nil {
		a.log.Warn().Err(err).Msg("nothing will survive a restart: mount a volume at WASM_ON_EDGE_STORAGE that this user can write")
		return nil
	}
	return kept
}

// openJournal opens the journal in the storage directory, or in memory where there is none, and returns what reported says
// of the storage. What is damaged has been set aside.
func (a *App) openJournal(kept *store.Store) (storage string, err error) {
	c := journal.Config{Limit: a.config.StorageLimit}
	if storage = storageEphemeral; kept != nil {
		c.Dir = filepath.Join(a.config.Storage, "journal")
		storage = durability(a.config.Storage)
	}
	var damage []journal.Damage
	a.journal, damage, err = journal.Open(c)
	if err != nil && kept != nil {
		a.log.Error().Err(err).Msg("spools, outbox and state will not survive a restart")
		c.Dir, storage = "", storageEphemeral+": "+err.Error()
		a.journal, damage, err = journal.Open(c)
	}
	if err != nil {
		return "", fmt.Errorf("open journal: %w", err)
	}
	for _, d := range damage {
		a.log.Error().Str("file", d.File).Str("reason", d.Reason).Msg("a part of the journal was damaged; it was set aside, and the rest is used")
		storage = storagePersistent + "; damaged at the start: " + d.File + ": " + d.Reason
	}
	if c.Dir != "" && storage == storageEphemeral {
		a.log.Warn().Str("storage", a.config.Storage).Msg("the storage directory is a part of the container and ends with it: mount a volume at WASM_ON_EDGE_STORAGE")
	}
	return storage, nil
}

// newRoom returns what knows how much of the storage directory is taken, and leaves the limit to the journal where there is none.
func (a *App) newRoom(kept *store.Store) *room {
	if kept == nil {
		return nil
	}
	return &room{dir: a.config.Storage, limit: a.config.StorageLimit, journal: func() int64 { return a.journal.Usage().Disk },
		pruneBinaries: a.artifacts.Prune,
		prune:         func(bytes int64) { a.host.PruneCache(bytes) }}
}

// haveRoom is the pipeline's question.
func (a *App) haveRoom() error {
	if a.room == nil {
		return nil
	}
	err := a.room.check()
	if err != nil {
		a.health.note(err)
	}
	return err
}

// tendPeriod is how often the storage and the clock are looked after.
const tendPeriod = 10 * time.Second

// tend keeps the storage within its limit, and finds out when it can be written again, until ctx ends. It watches the clock, too.
func (a *App) tend(ctx context.Context) {
	ticker := time.NewTicker(tendPeriod)
	defer ticker.Stop()
	for ctx.Err() == nil {
		a.tendClock()
		a.tendStorage()
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
}

func (a *App) tendStorage() {
	if a.room != nil {
		if err := a.room.tend(a.settled()); err != nil {
			a.health.onError(err)
		}
	}
	if a.health.bad.Load() && a.haveRoom() == nil {
		a.tryJournal(a.health.note)
	}
}

// settled reports whether all signals have come to what they are: no guest is still to be found in the cache.
func (a *App) settled() bool {
	states := a.supervisor.Snapshot()
	for _, s := range states {
		if s.Status == module.Unknown {
			return false
		}
	}
	return len(states) > 0
}

func (a *App) closeJournal() {
	if err := a.journal.Close(); err != nil {
		a.log.Error().Err(err).Msg("close journal")
	}
}

// durability tells a volume from a directory of the container's own, or one in memory.
func durability(dir string) string {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return storagePersistent // as far as is known
	}
	switch fs.Type {
	case unix.OVERLAYFS_SUPER_MAGIC, unix.TMPFS_MAGIC, unix.RAMFS_MAGIC:
		return storageEphemeral
	}
	return storagePersistent
}
