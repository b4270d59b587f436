package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// The folder of dead letters keeps the last ones, within bounds.
const (
	deadLetterDir   = "deadletters"
	deadLetterCount = 100
	deadLetterBytes = 16 << 20
)

// keptLetter is a dead letter as it is kept on the device: with the whole message.
type keptLetter struct {
	module.DeadLetter
	Properties module.Properties `json:"properties"`
	Body       []byte            `json:"body"`
}

// Keep stores a dead letter whole, and lets go of the oldest beyond the folder's bounds.
func (s *Store) Keep(m module.Message, l module.DeadLetter) error {
	content, err := json.Marshal(keptLetter{DeadLetter: l, Properties: m.Properties, Body: m.Body})
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	name := l.Time.UTC().Format("20060102T150405.000000000Z") + ".json"
	if err := replace(filepath.Join(s.dir, deadLetterDir, name), content); err != nil {
		return fmt.Errorf("keep dead letter: %w", err)
	}
	if err := s.prune(); err != nil {
		return fmt.Errorf("prune dead letters: %w", err)
	}
	return nil
}

// prune removes the oldest letters until the rest is within bounds. Names sort by time.
func (s *Store) prune() error {
	dir := filepath.Join(s.dir, deadLetterDir)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b os.DirEntry) int { return cmp.Compare(b.Name(), a.Name()) })
	var bytes int64
	for i, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		if bytes += info.Size(); i < deadLetterCount && bytes <= deadLetterBytes {
			continue
		}
		if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}
