package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"unsafe"
)

// maxEntries is how many names are counted in a directory: twice what a guest can make with the largest quota.
const maxEntries = 1 << 19

// directories are the private directories of guests that are open. Each is there once: an instance that is started beside
// another of its signal goes on with its count.
type directories struct {
	descriptors *C.woe_descriptors

	mu   sync.Mutex // guards open
	open map[string]*directory
}

// directory is one of them.
type directory struct {
	c         *C.woe_directory
	path      string
	instances int
}

// newDirectories shares the descriptors out that this process may have: a quarter is for private directories, so that no
// guest's files keep another from starting, a quarter for files in them, and the rest is not the guests'.
func newDirectories() *directories {
	limit := syscall.Rlimit{Cur: 1024}
	_ = syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) // what every system has is a fair guess
	d := &directories{descriptors: (*C.woe_descriptors)(C.calloc(1, C.sizeof_woe_descriptors)), open: make(map[string]*directory)}
	d.descriptors.max = C.int64_t(min(limit.Cur, 1<<20) / 4)
	return d
}

// close frees what is left when no instance has a directory any more.
func (d *directories) close() { C.free(unsafe.Pointer(d.descriptors)) }

// take opens a directory, which is made where it is missing, for one more instance.
func (d *directories) take(path string) (*directory, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if found := d.open[path]; found != nil {
		found.instances++
		return found, nil
	}
	if most := int(d.descriptors.max); len(d.open) >= most {
		return nil, fmt.Errorf("open private directory: there are %d, all that this process has descriptors for (ulimit -n)", most)
	}
	opened, err := openDirectory(path)
	if err != nil {
		return nil, err
	}
	opened.c.descriptors = d.descriptors
	d.open[path] = opened
	return opened, nil
}

// giveBack closes the directory after its last instance.
func (d *directories) giveBack(done *directory) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if done.instances--; done.instances > 0 {
		return
	}
	delete(d.open, done.path)
	_ = syscall.Close(int(done.c.fd))
	C.free(unsafe.Pointer(done.c))
}

func openDirectory(path string) (*directory, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make private directory: %w", err)
	}
	used, err := usedIn(path)
	if err != nil {
		return nil, fmt.Errorf("count private directory: %w", err)
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open private directory %q: %w", path, err)
	}
	d := &directory{c: (*C.woe_directory)(C.calloc(1, C.sizeof_woe_directory)), path: path, instances: 1}
	d.c.fd, d.c.used = C.int(fd), C.int64_t(used)
	return d, nil
}

// usedIn returns what a directory holds as it counts against the quota: see files.c. What lies deeper than a guest can
// reach does not count.
func usedIn(root string) (bytes int64, err error) {
	entries := 0
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("%q holds more than %d files", root, maxEntries)
		}
		bytes += C.WOE_ENTRY_BYTES
		if entry.Type().IsRegular() {
			info, err := entry.Info()
			if err != nil {
				return err
			}
			bytes += info.Size()
		}
		if entry.IsDir() && depthOf(path, root) == C.WOE_DEPTH_MAX {
			return fs.SkipDir
		}
		return nil
	})
	return bytes, err
}

// depthOf returns how many directories lead from root to path, which WalkDir made of it.
func depthOf(path, root string) int {
	return strings.Count(strings.TrimPrefix(path, root), string(filepath.Separator))
}

// openFiles gives a new instance its private directory.
func (i *Instance) openFiles(path string) error {
	d, err := i.guest.host.directories.take(filepath.Clean(path))
	if err != nil {
		return err
	}
	i.files = d
	if !C.woe_files_new(i.c, d.c) {
		return fmt.Errorf("open private directory: the host has no memory left")
	}
	return nil
}
