package wasm

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// cache keeps compiled code in a directory. The name of a file is
//
//	<Wasmtime's version>-<key>-<checksum>
//
// so that one rename puts both the code and what proves it whole in place, and nothing but code is mapped. Compiled code
// is trusted: whoever can write to the directory, which is this user alone, decides what the process runs.
type cache struct {
	dir string // "": code is kept in memory, each for as long as its guest

	mu   sync.Mutex     // guards used, and orders what is removed
	used map[string]int // guests that map the file of a name
}

const (
	cacheSize  = 256 << 20 // bytes; what was not used for longest goes
	unfinished = ".new-"   // what the names of files begin with that are not yet in their place
)

// code is a file of compiled code, open to be mapped.
type code struct {
	*os.File
	name string // in the cache; "" where it is in none
}

// openCache opens a directory, which may be "". What a crash left half written, and other versions left, is removed.
func openCache(dir string) (*cache, error) {
	c := &cache{dir: dir, used: make(map[string]int)}
	if dir == "" {
		return c, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Chmod(dir, 0o700), probe(dir)); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), Version+"-") {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return nil, err
			}
		}
	}
	return c, nil
}

// probe reports whether files can be made in dir, and run.
func probe(dir string) error {
	f, err := os.CreateTemp(dir, unfinished+"*")
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	defer func() { _ = os.Remove(f.Name()) }()
	if _, err := f.WriteString("code"); err != nil {
		return err
	}
	mapped, err := syscall.Mmap(int(f.Fd()), 0, 4, syscall.PROT_READ|syscall.PROT_EXEC, syscall.MAP_PRIVATE)
	if err != nil {
		return fmt.Errorf("run code of %s: %w", dir, err)
	}
	return syscall.Munmap(mapped)
}

// key is what compiled code depends on, the version aside.
func key(binary []byte, s settings) string {
	digest := sha256.Sum256(binary)
	all := sha256.Sum256(fmt.Appendf(nil, "%x %s %s %s", digest, s, runtime.GOARCH, processor()))
	return hex.EncodeToString(all[:16])
}

// processor returns the features of this machine's processor, as the kernel names them.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, features, _ := strings.Cut(lines.Text(), ":"); strings.HasPrefix(name, "flags") || strings.HasPrefix(name, "Features") {
			return features
		}
	}
	return ""
}

// find returns the code that is kept under a key, or nil. What is not as it was written is removed.
func (c *cache) find(key string) *code {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.names(key) {
		path := filepath.Join(c.dir, name)
		f, err := os.Open(path)
		if err != nil {
			continue
		}
		if sum, err := checksum(f); err == nil && strings.HasSuffix(name, "-"+sum) {
			now := time.Now()
			_ = os.Chtimes(path, now, now) // what is not marked goes a little early
			c.used[name]++
			return &code{f, name}
		}
		_ = f.Close()
		_ = os.Remove(path)
	}
	return nil
}

// names returns the files under a key: one, as a rule.
func (c *cache) names(key string) (names []string) {
	if c.dir == "" {
		return nil
	}
	entries, _ := os.ReadDir(c.dir) // what cannot be read is compiled again
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), Version+"-"+key+"-") {
			names = append(names, e.Name())
		}
	}
	return names
}

func checksum(f *os.File) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, 1<<62)); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// newCode returns an empty file in memory for code. It is not in the cache.
func newCode() (*code, error) {
	fd, err := unix.MemfdCreate("compiled", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make memory file: %w", err)
	}
	return &code{File: os.NewFile(uintptr(fd), "compiled")}, nil
}

// keep puts a copy of new code under its key, makes room for it, and returns it instead. Where it cannot be kept, for
// want of room on the disk perhaps, what is in memory is as good, and lost with its guest.
func (c *cache) keep(compiled *code, key string) *code {
	if c.dir == "" {
		return compiled
	}
	f, err := os.CreateTemp(c.dir, unfinished+"*")
	if err != nil {
		return compiled
	}
	name, err := c.write(f, compiled.File, key)
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return compiled
	}
	_ = compiled.Close()
	return &code{f, name}
}

// write copies code into a new file of the cache, and then gives that its name.
func (c *cache) write(to, from *os.File, key string) (name string, err error) {
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(sum, to), io.NewSectionReader(from, 0, 1<<62)); err != nil {
		return "", err
	}
	if err := to.Sync(); err != nil {
		return "", err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name = Version + "-" + key + "-" + hex.EncodeToString(sum.Sum(nil))
	if err := os.Rename(to.Name(), filepath.Join(c.dir, name)); err != nil {
		return "", err
	}
	c.used[name]++
	c.evict(cacheSize)
	return name, nil
}

// prune gives back so many bytes, or as many as there are without what guests map.
func (c *cache) prune(bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.evict(max(c.size()-bytes, 0))
}

func (c *cache) size() (total int64) {
	entries, _ := os.ReadDir(c.dir) // what cannot be read cannot be pruned
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			total += info.Size()
		}
	}
	return total
}

// evict removes what was not used for longest until the rest is not too much. What is mapped stays.
func (c *cache) evict(limit int64) {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var files []fs.FileInfo
	var total int64
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			files = append(files, info)
			total += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int { return cmp.Compare(a.ModTime().UnixNano(), b.ModTime().UnixNano()) })
	for _, f := range files {
		if total <= limit {
			return
		}
		if c.used[f.Name()] == 0 && !strings.HasPrefix(f.Name(), unfinished) && os.Remove(filepath.Join(c.dir, f.Name())) == nil {
			total -= f.Size()
		}
	}
}

// letGo tells that a guest maps a file no more.
func (c *cache) letGo(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used[name]--; c.used[name] <= 0 {
		delete(c.used, name)
	}
}

// discard closes code that the engine refuses although it is as it was written, and removes it.
func (c *cache) discard(f *code) {
	if f.name != "" {
		c.letGo(f.name)
		_ = os.Remove(filepath.Join(c.dir, f.name))
	}
	_ = f.Close()
}
