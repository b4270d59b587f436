package artifact

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

// cache keeps what was downloaded, each under its digest: "<hex>.bin", and beside it "<hex>.proofs", the signatures that
// came with it. Without a directory, or room in it, it is kept in
// memory, as long as it is needed.
type cache struct {
	dir string

	mu     sync.Mutex // guards what follows, and orders what is removed
	memory map[string]kept
	needed map[string]bool // digests
}

type kept struct {
	bytes  []byte
	proofs []trust.Proof
}

const (
	cacheBytes = 256 << 20           // what is not needed goes beyond, the oldest first
	cacheAge   = 30 * 24 * time.Hour // and what was not read for so long
	binaryExt  = ".bin"
	proofsExt  = ".proofs"
	unfinished = ".new-" // what the names of files begin with that are not yet in their place
)

func openCache(dir string) (*cache, error) {
	c := &cache{dir: dir, memory: make(map[string]kept)}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(dir, unfinished+"*"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return c, err
}

// path returns where the file of a digest lies. Digests have been checked; Base keeps any other word within the directory.
func (c *cache) path(digest, ext string) string {
	return filepath.Join(c.dir, filepath.Base(strings.TrimPrefix(digest, "sha256:"))+ext)
}

// find returns what is kept under a digest. What is not as it was is removed, to be downloaded again.
func (c *cache) find(digest string) (bytes []byte, proofs []trust.Proof, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k, ok := c.memory[digest]; ok || c.dir == "" {
		return k.bytes, k.proofs, ok
	}
	bytes, err := os.ReadFile(c.path(digest, binaryExt))
	if err != nil {
		return nil, nil, false
	}
	if Digest(bytes) != digest {
		c.remove(digest)
		return nil, nil, false
	}
	now := time.Now()
	_ = os.Chtimes(c.path(digest, binaryExt), now, now) // what is not marked goes a little early
	if content, err := os.ReadFile(c.path(digest, proofsExt)); err == nil {
		_ = json.Unmarshal(content, &proofs) // without them it counts as unsigned, and is downloaded again
	}
	return bytes, proofs, true
}

// keep keeps what was downloaded. Where the disk takes no more it is kept in memory, which serves until the next start.
func (c *cache) keep(digest string, k kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dir == "" || c.write(digest, k) != nil {
		c.memory[digest] = k
		return
	}
	c.evict(cacheBytes)
}

// write writes what was downloaded. Its proofs are there before it is.
func (c *cache) write(digest string, k kept) error {
	proofs, err := json.Marshal(k.proofs)
	if err != nil {
		return err
	}
	if err := replace(c.path(digest, proofsExt), proofs); err != nil {
		return err
	}
	return replace(c.path(digest, binaryExt), k.bytes)
}

// replace writes a file so that it is there whole or not at all, whatever happens.
func replace(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// need says what must stay, and lets go of the rest as far as it is old or too much.
func (c *cache) need(digests map[string]bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.needed = digests
	for digest := range c.memory {
		if !digests[digest] {
			delete(c.memory, digest)
		}
	}
	c.evict(cacheBytes)
}

// prune gives back so many bytes, or as many as there are without what is needed.
func (c *cache) prune(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var total int64
	for _, f := range c.files() {
		total += f.Size()
	}
	c.evict(max(total-bytes, 0))
}

// evict removes what is not needed: what is too old, and the oldest until the rest is within a limit.
func (c *cache) evict(limit int64) {
	if c.needed == nil {
		return // nobody has said yet what is needed
	}
	files := c.files()
	var total int64
	for _, f := range files {
		total += f.Size()
	}
	for _, f := range files {
		digest := "sha256:" + strings.TrimSuffix(f.Name(), binaryExt)
		if c.needed[digest] || (total <= limit && time.Since(f.ModTime()) < cacheAge) {
			continue
		}
		c.remove(digest)
		total -= f.Size()
	}
}

func (c *cache) remove(digest string) {
	_ = os.Remove(c.path(digest, binaryExt)) // what stays is found at the next time
	_ = os.Remove(c.path(digest, proofsExt))
}

// files returns the binaries, the one that was not read for longest first.
func (c *cache) files() (files []fs.FileInfo) {
	if c.dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(c.dir) // what cannot be read cannot be removed
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), binaryExt) {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	return files
}

// Need says which digests must stay, because the last good twin needs them or what runs does. Until it is called nothing
// is removed.
func (s *Store) Need(digests map[string]bool) { s.cache.need(digests) }

// Prune gives back so many bytes of the cache, as far as nothing that is needed is in them.
func (s *Store) Prune(bytes int64) { s.cache.prune(bytes) }
