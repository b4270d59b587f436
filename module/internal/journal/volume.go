package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// volume is where the files lie: a directory, or memory.
type volume interface {
	list() ([]string, error)
	open(name string) (file, error)
	create(name string, size int) (file, error) // empties the file if it is there; allocates size bytes where it can
	allocate(name string, size int) error       // makes an empty file that takes size bytes of room, where it can
	rename(from, to string) error
	remove(name string) error // of what is not there is no error
	sync() error              // what was created, renamed and removed stays so
	close() error
}

// file is an open file of a volume.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error // contents and size
	Size() (int64, error)
}

// openVolume opens a directory, or memory if dir is "".
func openVolume(dir string) (volume, error) {
	if dir == "" {
		return memory{}, nil
	}
	return openDirectory(dir)
}

// lockTimeout is how long Open waits for another process to let go of the directory.
const lockTimeout = 3 * time.Second

// directory is a volume on a file system.
type directory struct {
	path   string
	handle *os.File // holds the lock
}

func openDirectory(path string) (*directory, error) {
	if err := makeDirectory(path); err != nil {
		return nil, err
	}
	handle, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if err := lock(handle); err != nil {
		return nil, errors.Join(err, handle.Close())
	}
	return &directory{path, handle}, nil
}

// makeDirectory makes path where it is missing, and sees to it that it stays in its parent.
func makeDirectory(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	above := filepath.Dir(path)
	if err := makeDirectory(above); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	parent, err := os.Open(above)
	if err != nil {
		return err
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// lock takes the exclusive lock of a directory.
func lock(handle *os.File) error {
	for deadline := time.Now().Add(lockTimeout); ; time.Sleep(20 * time.Millisecond) {
		err := unix.Flock(int(handle.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("lock %q: %w", handle.Name(), err)
		case time.Now().After(deadline):
			return fmt.Errorf("lock %q: another journal has been open on it for %v", handle.Name(), lockTimeout)
		}
	}
}

func (d *directory) list() ([]string, error) {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (d *directory) open(name string) (file, error) {
	return d.openFile(name, 0)
}

func (d *directory) create(name string, size int) (file, error) {
	f, err := d.openFile(name, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return nil, err
	}
	if size > 0 && unix.Fallocate(int(f.Fd()), 0, 0, int64(size)) != nil {
		_ = f.Truncate(0) // what there was room for is given back; the file grows with what is written
	}
	return f, nil
}

func (d *directory) allocate(name string, size int) error {
	f, err := d.openFile(name, os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, int64(size))
	closeErr := f.Close()
	if isFull(err) {
		return errors.Join(err, d.remove(name))
	}
	return closeErr // a file system that cannot allocate says so each time, and there is no remedy
}

func (d *directory) openFile(name string, flags int) (osFile, error) {
	f, err := os.OpenFile(filepath.Join(d.path, name), os.O_RDWR|flags, 0o600)
	return osFile{f}, err
}

func (d *directory) rename(from, to string) error {
	return os.Rename(filepath.Join(d.path, from), filepath.Join(d.path, to))
}

func (d *directory) remove(name string) error {
	if err := os.Remove(filepath.Join(d.path, name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (d *directory) sync() error  { return d.handle.Sync() }
func (d *directory) close() error { return d.handle.Close() }

// memory is a volume without durability: its files are known by their handles alone.
type memory struct{}

func (memory) list() ([]string, error) { return nil, nil }

func (memory) open(name string) (file, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func (memory) create(name string, _ int) (file, error) {
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, &fs.PathError{Op: "memfd_create", Path: name, Err: err}
	}
	return osFile{os.NewFile(uintptr(fd), name)}, nil
}

func (memory) allocate(string, int) error  { return nil }
func (memory) rename(string, string) error { return nil }
func (memory) remove(string) error         { return nil }
func (memory) sync() error                 { return nil }
func (memory) close() error                { return nil }

// osFile is a file of the operating system.
type osFile struct{ *os.File }

// Sync writes contents and size to the disk, and not the times, which would cost another write.
func (f osFile) Sync() error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
