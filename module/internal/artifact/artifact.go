// Package artifact fetches guest binaries from where the twin says they are, and checks that they are the ones meant.
//
// # Concurrency
//
// A Store may be used from any goroutine.
package artifact

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// maxBinary is the largest guest binary taken: what is larger would not compile within a gateway's memory.
const maxBinary = 16 << 20

// Store fetches binaries.
type Store struct {
	dir string
}

// New returns a Store whose file: sources lie in dir, the guests directory.
func New(dir string) *Store { return &Store{dir: dir} }

// Binary is a guest binary.
type Binary struct {
	Bytes  []byte
	Digest string // "sha256:" and 64 hexadecimal digits
}

// Fetch returns the binary that source names. Where digest is not empty the binary must have it.
func (s *Store) Fetch(_ context.Context, source, digest string) (Binary, error) {
	name, ok := strings.CutPrefix(source, "file:")
	if !ok {
		return Binary{}, fmt.Errorf("fetch %q: only file: sources are supported yet", source)
	}
	bytes, err := s.read(name)
	if err != nil {
		return Binary{}, fmt.Errorf("fetch %q: %w", source, err)
	}
	b := Binary{Bytes: bytes, Digest: Digest(bytes)}
	if digest != "" && digest != b.Digest {
		return Binary{}, fmt.Errorf("fetch %q: its digest is %s, the twin asks for %s", source, b.Digest, digest)
	}
	return b, nil
}

// Digest returns the digest of a binary as the twin spells it.
func Digest(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// read reads a file below the guests directory. os.Root keeps it there, whatever ".." and links say.
func (s *Store) read(name string) ([]byte, error) {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return nil, fmt.Errorf("open guests directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	file, err := root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no such file in the guests directory %s", s.dir)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	bytes, err := io.ReadAll(io.LimitReader(file, maxBinary+1))
	if err != nil {
		return nil, err
	}
	if len(bytes) > maxBinary {
		return nil, fmt.Errorf("it is larger than %d MiB", maxBinary>>20)
	}
	return bytes, nil
}
