// Package store keeps what survives a restart of the module: the last good twin, how earlier processes fared, and the dead
// letters that stay on the device. Files are replaced by rename and synced, so that a crash leaves the old one or the new one.
//
// # Concurrency
//
// A Store may be used from any goroutine.
package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// formatVersion is the version of the stored formats. A reader takes its own and the one before.
const formatVersion = 1

// Store is a directory on the device's volume.
type Store struct {
	dir string

	mu      sync.Mutex // guards letters, and orders what is written
	letters *folder
}

// Open makes sure that dir exists and can be written, and removes what a crash left half written. No other Store may be
// open on dir.
func Open(dir string) (*Store, error) {
	letters := filepath.Join(dir, deadLetterDir)
	if err := os.MkdirAll(letters, 0o700); err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	for _, d := range []string{dir, letters} {
		if err := errors.Join(removeLeftovers(d), probe(d)); err != nil {
			return nil, fmt.Errorf("open storage: %w", err)
		}
	}
	f, err := openFolder(letters)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	return &Store{dir: dir, letters: f}, nil
}

// unfinished is what the names of files begin with that are not yet in their place.
const unfinished = ".new-"

func removeLeftovers(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// probe reports whether files can be made in dir.
func probe(dir string) error {
	file, err := os.CreateTemp(dir, unfinished+"*")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// document is how a value is stored.
type document struct {
	Format int             `json:"format"`
	Value  json.RawMessage `json:"value"`
}

// Record names a document that survives a restart.
type Record string

// The records.
const (
	LastGood Record = "last-good" // the last good twin
	Trial    Record = "trial"     // how the process fared with the desired version that it applies
	Suspects Record = "suspects"  // signals in whose guests' calls faults ended the process
	Rejected Record = "rejected"  // versions of guests that failed on probation
)

func (r Record) file() string { return string(r) + ".json" }

// ErrCorrupt means that a stored file could not be read. It has been set aside under the name that the error gives, unless
// that failed too.
var ErrCorrupt = errors.New("stored file is corrupt")

// Save stores value, as JSON, as a record.
func (s *Store) Save(r Record, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode %s: %w", r, err)
	}
	whole, err := json.Marshal(document{Format: formatVersion, Value: encoded})
	if err != nil {
		return fmt.Errorf("encode %s: %w", r, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := replace(filepath.Join(s.dir, r.file()), whole); err != nil {
		return fmt.Errorf("save %s: %w", r, err)
	}
	return nil
}

// Load reads a record into value and reports whether there is one. One that cannot be read is set aside, and the error is
// ErrCorrupt.
func (s *Store) Load(r Record, value any) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := filepath.Join(s.dir, r.file())
	whole, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load %s: %w", r, err)
	}
	var d document
	err = json.Unmarshal(whole, &d)
	if err == nil && (d.Format < 1 || d.Format > formatVersion) {
		err = fmt.Errorf("it has format %d, this version reads 1 to %d", d.Format, formatVersion)
	}
	if err == nil {
		err = json.Unmarshal(d.Value, value)
	}
	if err == nil {
		return true, nil
	}
	aside := path + ".corrupt"
	if renameErr := os.Rename(path, aside); renameErr != nil {
		return false, fmt.Errorf("%w: %s: %w; set aside: %w", ErrCorrupt, r.file(), err, renameErr)
	}
	return false, fmt.Errorf("%w: %s: %w; it was set aside as %s", ErrCorrupt, r.file(), err, filepath.Base(aside))
}

// replace writes a file beside path, syncs it and puts it in its place. After an error the old one is still there, unless
// only the directory could not be synced.
func replace(path string, content []byte) error {
	file, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
