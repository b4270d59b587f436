package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// The folder of dead letters keeps the last ones, within bounds.
const (
	deadLetterDir   = "deadletters"
	deadLetterCount = 100
	deadLetterBytes = 16 << 20
)

// KeptLetter is a dead letter as it is kept on the device: with the whole message.
type KeptLetter struct {
	Format int `json:"format"` // as in document; files of before it was written have none
	module.DeadLetter
	Properties module.Properties `json:"properties"`
	Body       []byte            `json:"body"`
}

// DecodeLetter reads the content of a file of the folder of dead letters.
func DecodeLetter(content []byte) (KeptLetter, error) {
	var l KeptLetter
	if err := json.Unmarshal(content, &l); err != nil {
		return KeptLetter{}, fmt.Errorf("decode dead letter: %w", err)
	}
	if l.Format < 0 || l.Format > formatVersion {
		return KeptLetter{}, fmt.Errorf("decode dead letter: it has format %d, this version reads up to %d", l.Format, formatVersion)
	}
	return l, nil
}

// folder is what lies in the folder of dead letters. Names begin with a number that counts on over restarts: the clock of
// a device may start in the past, and two letters may have the same time.
type folder struct {
	dir   string
	last  uint64 // number that was given last
	files []letterFile
	bytes int64
}

type letterFile struct {
	name string
	size int64
}

var letterName = regexp.MustCompile(`^(\d{12})-.*\.json$`)

// openFolder finds what is there. Files that are none of ours are left alone.
func openFolder(dir string) (*folder, error) {
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir}
	for _, e := range entries {
		match := letterName.FindStringSubmatch(e.Name())
		if match == nil {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return nil, err
		}
		f.last, _ = strconv.ParseUint(match[1], 10, 64) // twelve digits
		f.add(letterFile{e.Name(), info.Size()})
	}
	return f, nil
}

func (f *folder) add(file letterFile) {
	f.files = append(f.files, file)
	f.bytes += file.size
}

// Keep stores a dead letter whole, and lets go of the oldest beyond the folder's bounds. After an error it may be there
// all the same.
func (s *Store) Keep(m module.Message, l module.DeadLetter) error {
	content, err := json.Marshal(KeptLetter{Format: formatVersion, DeadLetter: l, Properties: m.Properties, Body: m.Body})
	if err != nil {
		return fmt.Errorf("encode dead letter: %w", err)
	}
	if len(content) > deadLetterBytes {
		return fmt.Errorf("keep dead letter: its %d bytes are more than the folder's %d", len(content), deadLetterBytes)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.letters
	f.last++
	name := fmt.Sprintf("%012d-%s.json", f.last, l.Time.UTC().Format("20060102T150405.000Z"))
	if err := replace(filepath.Join(f.dir, name), content); err != nil {
		return fmt.Errorf("keep dead letter: %w", err)
	}
	f.add(letterFile{name, int64(len(content))})
	if err := f.prune(); err != nil {
		return fmt.Errorf("prune dead letters: %w", err)
	}
	return nil
}

// prune removes the oldest letters until the rest is within bounds. That one was removed by somebody else is no error.
func (f *folder) prune() error {
	for len(f.files) > deadLetterCount || f.bytes > deadLetterBytes {
		oldest := f.files[0]
		if err := os.Remove(filepath.Join(f.dir, oldest.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f.files = f.files[1:]
		f.bytes -= oldest.size
	}
	return nil
}
