//go:build cgo

package chaos

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"golang.org/x/sys/unix"
)

// diskSize is what the file system of the storage directory has room for: much less than the module's own limit.
const diskSize = "96m"

// inNamespace is set where the test is a process in a namespace of its own.
const inNamespace = "CHAOS_IN_NAMESPACE"

// TestMain runs the tests where a disk can be mounted: in a user and mount namespace of their own, if the kernel permits it.
// What is mounted there ends with the process.
func TestMain(m *testing.M) {
	if os.Getenv(inNamespace) != "" {
		os.Exit(m.Run())
	}
	again := exec.Command(os.Args[0], os.Args[1:]...)
	again.Env = append(os.Environ(), inNamespace+"=1")
	again.Stdin, again.Stdout, again.Stderr = os.Stdin, os.Stdout, os.Stderr
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	if again.Start() != nil {
		os.Exit(m.Run())
	}
	_ = again.Wait() // the code says it
	os.Exit(again.ProcessState.ExitCode())
}

// disk is the file system that the storage directory lies on; what fills it does not lie in that directory.
type disk struct {
	dir    string
	absent error // why none could be mounted: then the directory lies on a disk that is not to be filled
}

// mountDisk mounts a small disk until the test ends. What is on it is left in the directory if the test fails.
func mountDisk(t *testing.T, dir string) *disk {
	d := &disk{dir: dir}
	if d.absent = os.Mkdir(dir, 0o700); d.absent != nil {
		return d
	}
	if d.absent = unix.Mount("chaos", dir, "tmpfs", 0, "size="+diskSize); d.absent != nil {
		return d
	}
	t.Cleanup(func() {
		left := dir + ".left"
		if t.Failed() {
			_ = os.CopyFS(left, os.DirFS(dir)) // as far as it can be read
		}
		assert.NoError(t, unix.Unmount(dir, 0))
		if t.Failed() {
			assert.NoError(t, os.Remove(dir))
			assert.NoError(t, os.Rename(left, dir))
		}
	})
	return d
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the room there is but some bytes. It is errNotNow where it is taken already, and where there is no disk.
func (d *disk) fill(but int64) error {
	if d.absent != nil {
		return errNotNow
	}
	file, err := os.OpenFile(d.ballast(), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return errNotNow
	}
	if err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	return d.fillUp(but)
}

// fillUp takes the room that was given back since the disk was filled, but some bytes.
func (d *disk) fillUp(but int64) error {
	file, err := os.OpenFile(d.ballast(), os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("fill disk: %w", err)
	}
	defer func() { _ = file.Close() }()
	for {
		var is unix.Statfs_t
		if err := unix.Statfs(d.dir, &is); err != nil {
			return fmt.Errorf("fill disk: %w", err)
		}
		room := int64(is.Bfree)*is.Bsize - but
		if room <= 0 {
			return nil
		}
		size, err := file.Seek(0, io.SeekEnd)
		if err == nil {
			err = unix.Fallocate(int(file.Fd()), 0, size, room)
		}
		if err != nil && !errors.Is(err, unix.ENOSPC) {
			return fmt.Errorf("fill disk: %w", err)
		}
	}
}

// empty gives the room back.
func (d *disk) empty() error {
	if err := os.Remove(d.ballast()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("empty disk: %w", err)
	}
	return nil
}
