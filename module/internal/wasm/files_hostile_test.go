package wasm_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// hide makes a directory with a secret and a signal's private directory beside each other.
func hide(t *testing.T) (f files, secret string) {
	dir := t.TempDir()
	secret = filepath.Join(dir, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	return filesIn(t, filepath.Join(dir, "signal"), fileLimits()), secret
}

func TestNoPathLeadsOut(t *testing.T) {
	f, secret := hide(t)
	f.put("dir/file", "")
	dir := f.open("dir", directory, read)
	for path, want := range map[string]int{
		"..": perm, "../secret": perm, "dir/../../secret": perm, "dir/../..": perm, "./../secret": perm, "dir//..//../secret": perm,
		"/": perm, "/dir": perm, secret: perm, "//": perm,
		"dir/\x00": inval, "dir\x00/../../secret": inval, "\xff": ilseq, "dir/\xc0\xae\xc0\xae/secret": ilseq,
		strings.Repeat("x", 256): nametoolong, strings.Repeat("a/", 3000): nametoolong,
		"none/../../secret": perm, "dir/file/../../../secret": perm,
	} {
		for _, how := range []int{0, creat, directory} {
			_, errno := f.tryOpen(root, path, how, read, 0)
			assert.Equal(t, want, errno, "open %q", path)
		}
		assert.Equal(t, want, f.errno("path_filestat_get", root, 1, path, result), "stat %q", path)
		assert.Equal(t, want, f.errno("path_create_directory", root, path), "mkdir %q", path)
		assert.Equal(t, want, f.errno("path_remove_directory", root, path), "rmdir %q", path)
		assert.Equal(t, want, f.errno("path_unlink_file", root, path), "unlink %q", path)
		assert.Equal(t, want, f.errno("path_rename", root, "dir/file", root, path), "rename to %q", path)
		assert.Equal(t, want, f.errno("path_rename", root, path, root, "dir/file"), "rename %q", path)
	}
	_, errno := f.tryOpen(dir, "../dir/file", 0, read, 0)
	assert.Equal(t, perm, errno, "nor out of the directory that it starts from")
	assert.Equal(t, perm, f.errno("path_rename", dir, "file", dir, "../../secret"))
	assert.FileExists(t, secret)
	assert.FileExists(t, f.onDevice("dir/file"))
}

func TestALinkThatSomebodyPlantedIsNotFollowed(t *testing.T) {
	f, secret := hide(t)
	f.put("file", "")
	require.NoError(t, os.Symlink(secret, f.onDevice("link")))
	require.NoError(t, os.Symlink(filepath.Dir(secret), f.onDevice("up")))
	require.NoError(t, os.Symlink("file", f.onDevice("near")))
	for _, path := range []string{"link", "near"} {
		for _, how := range []int{0, creat, trunc} {
			_, errno := f.tryOpen(root, path, how, write, 0)
			assert.Equal(t, loop, errno, path)
		}
		assert.Equal(t, loop, f.errno("path_filestat_get", root, 1, path, result))
		assert.Equal(t, success, f.errno("path_filestat_get", root, 0, path, result), "the link itself")
	}
	for _, path := range []string{"up/secret", "up/signal/file"} {
		_, errno := f.tryOpen(root, path, 0, read, 0)
		assert.Contains(t, []int{loop, notdir}, errno, path)
		assert.Contains(t, []int{loop, notdir}, f.errno("path_rename", root, "file", root, path), path)
		assert.Contains(t, []int{loop, notdir}, f.errno("path_unlink_file", root, path), path)
	}
	for _, path := range []string{"up", "up/"} {
		_, errno := f.tryOpen(root, path, directory, read, 0)
		assert.Contains(t, []int{loop, notdir}, errno, path)
	}
	assert.Equal(t, success, f.errno("path_rename", root, "file", root, "link"), "the link is replaced")
	content, err := os.ReadFile(secret)
	require.NoError(t, err)
	assert.Equal(t, "secret", string(content))

	assert.Equal(t, perm, f.errno("path_symlink", secret, root, "mine"))
	assert.Equal(t, perm, f.errno("path_link", root, 0, "link", root, "mine"))
	assert.Equal(t, inval, f.errno("path_readlink", root, "up", result, 100, result))
}

func TestWhatIsNeitherFileNorDirectoryIsNotOpened(t *testing.T) {
	f := newFiles(t)
	require.NoError(t, syscall.Mkfifo(f.onDevice("pipe"), 0o600))
	for _, rights := range []int{read, write, read | write} {
		_, errno := f.tryOpen(root, "pipe", creat, rights, 0)
		assert.Equal(t, perm, errno)
	}
	assert.Equal(t, []string{"pipe"}, f.list(root, 4096))
}

func TestAMillionFilesDoNotFit(t *testing.T) {
	l := fileLimits()
	l.Deadline = 10 * time.Second
	// Makes 100,000 files, as far as it may, named by their number, and tells how many: open, close, count.
	guest := compile(t, guestOf(t, importEmit+`
		(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))`, "", `(local $n i32)
		(loop $next
			(i32.store (i32.const 0) (i32.or (i32.or (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15)))
				(i32.shl (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $n) (i32.const 4)) (i32.const 15))) (i32.const 8)))
				(i32.or (i32.shl (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $n) (i32.const 8)) (i32.const 15))) (i32.const 16))
				(i32.shl (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $n) (i32.const 12)) (i32.const 15))) (i32.const 24)))))
			(i32.store8 (i32.const 4) (i32.add (i32.const 97) (i32.shr_u (local.get $n) (i32.const 16))))
			(if (i32.eqz (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 5) (i32.const 5) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
				(then (drop (call $close (i32.load (i32.const 8))))))
			(br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000))))
		(i32.const 1)`))
	dir := t.TempDir()
	_, err := start(t, guest, wasm.Options{Limits: l, Files: dir}).Message(message(""))
	require.NoError(t, err)
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Len(t, entries, int(l.Storage)/entry)
}

func TestAHoleCountsAsIfItWereWritten(t *testing.T) {
	f := newFiles(t)
	fd := f.open("sparse", creat, read|write)
	for _, at := range []int64{1 << 20, 1 << 40, math.MaxInt64} {
		_, errno := f.seek(fd, at, 0)
		require.Zero(t, errno)
		_, errno = f.tryWrite(fd, "x")
		assert.Contains(t, []int{nospc, fbig}, errno, "at %d", at)
		assert.NotZero(t, f.errno("fd_filestat_set_size", fd, at))
		m := append(encode("fd_pwrite", 4, fd, data, 1, at, result), vector(data+8, 1)+"x"...)
		_, err := f.Message(module.Message{Body: m})
		require.NoError(t, err)
		assert.NotZero(t, f.Effects().Emitted[0].Body[0])
	}
	assert.Equal(t, fbig, f.errno("fd_filestat_set_size", fd, int64(-1)))
	_, errno := f.seek(fd, math.MaxInt64, 1)
	assert.Equal(t, inval, errno, "beyond all numbers")
	_, _ = f.seek(fd, fileLimits().Storage-entry-2, 0)
	n, errno := f.tryWrite(fd, "four")
	assert.Zero(t, errno)
	assert.Equal(t, 2, n, "as much as there is room for")
	info, err := os.Stat(f.onDevice("sparse"))
	require.NoError(t, err)
	assert.Equal(t, fileLimits().Storage-entry, info.Size())
}

func TestDirectoriesAreSoDeep(t *testing.T) {
	f := newFiles(t)
	at, path := root, ""
	for n := range 17 {
		errno := f.errno("path_create_directory", at, "d")
		if n == 16 {
			assert.Equal(t, nametoolong, errno)
			break
		}
		require.Zero(t, errno, "level %d", n)
		if at != root {
			f.close(at)
		}
		path = filepath.Join(path, "d")
		at = f.open(path, directory, read)
	}
	_, errno := f.tryOpen(at, "file", creat, write, 0)
	assert.Equal(t, nametoolong, errno, "from wherever it starts")
	_, errno = f.tryOpen(root, path+"/file", creat, write, 0)
	assert.Equal(t, nametoolong, errno)
	f.put("file", "")
	assert.Equal(t, nametoolong, f.errno("path_rename", root, "file", at, "file"))
	f.Close()
	filesIn(t, f.dir, fileLimits()) // counts all of it
}

func TestAGuestHasSoManyFilesOpen(t *testing.T) {
	f := newFiles(t)
	f.put("file", "")
	var fds []int
	for range 32 {
		fds = append(fds, f.open("file", 0, read))
	}
	_, errno := f.tryOpen(root, "file", 0, read, 0)
	assert.Equal(t, mfile, errno)
	f.close(fds[7])
	assert.Equal(t, badf, f.errno("fd_close", fds[7]), "closed once")
	assert.Equal(t, badf, f.errno("fd_read", fds[7], data, 0, result))
	assert.Equal(t, fds[7], f.open("file", 0, read), "and used again")
	assert.Equal(t, notsup, f.errno("fd_renumber", fds[1], fds[2]))
	for _, fd := range []int{36, 100, -1, math.MinInt32} {
		assert.Equal(t, badf, f.errno("fd_close", fd), fd)
	}
}

func TestFilesAndDirectoriesAreNotTakenForEachOther(t *testing.T) {
	f := newFiles(t)
	f.put("file", "content")
	file := f.open("file", 0, read|write)
	_, errno := f.tryOpen(file, "file", 0, read, 0)
	assert.Equal(t, notdir, errno)
	assert.Equal(t, notdir, f.errno("fd_readdir", file, result, 64, int64(0), result))
	assert.Equal(t, isdir, f.errno("fd_read", root, data, 0, result))
	_, errno = f.tryWrite(root, "x")
	assert.Equal(t, isdir, errno)
	_, errno = f.seek(root, 0, 0)
	assert.Equal(t, isdir, errno)
	assert.Equal(t, isdir, f.errno("fd_filestat_set_size", root, int64(0)))
	assert.Equal(t, inval, f.errno("path_remove_directory", root, "."))
	assert.Equal(t, isdir, f.errno("path_unlink_file", root, "."))
}

func TestAListingTakesAnyBufferAndCookie(t *testing.T) {
	f := newFiles(t)
	f.put("file", "")
	for _, size := range []int{0, 1, 23, 24, 27} {
		errno, b := f.call("fd_readdir", 4, root, result+8, size, int64(0), result)
		assert.Zero(t, errno)
		assert.EqualValues(t, size, b[0], "a full buffer, so that the guest comes with a larger one")
	}
	for _, cookie := range []int64{1, 12345, math.MaxInt64, -1, math.MinInt64} {
		assert.Contains(t, []int{success, inval}, f.errno("fd_readdir", root, result, 64, cookie, result), cookie)
	}
	assert.Equal(t, fault, f.errno("fd_readdir", root, result, 1<<21, int64(0), result))
	assert.Equal(t, []string{"file"}, f.list(root, 64))
}

func TestResultsThatFitNowhereLeaveNothingBehind(t *testing.T) {
	f := newFiles(t)
	assert.Equal(t, fault, f.errno("path_open", root, 0, "file", creat, write, 0, 0, -1))
	assert.NoFileExists(t, f.onDevice("file"))
	fd := f.open("file", creat, read|write)
	m := append(encode("fd_write", 4, fd, data, 1, -1), vector(data+8, 1)+"x"...)
	_, err := f.Message(module.Message{Body: m})
	require.NoError(t, err)
	assert.EqualValues(t, fault, f.Effects().Emitted[0].Body[0])
	info, err := os.Stat(f.onDevice("file"))
	require.NoError(t, err)
	assert.Zero(t, info.Size())
}

// The guests of all signals together leave the host the descriptors that it needs.
func TestAllGuestsTogetherHaveSoManyFilesOpen(t *testing.T) {
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	few := before
	few.Cur = 200
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	t.Cleanup(func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) })
	host, err := wasm.New(wasm.Config{Compiler: compiler})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	guest, err := host.Compile(t.Context(), "guest", filesGuest(t), limits())
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	opened := 0
	for range 10 {
		dir := t.TempDir()
		f := files{t, start(t, guest, wasm.Options{Limits: fileLimits(), Files: dir}), dir}
		for n := range 32 {
			if _, errno := f.tryOpen(root, fmt.Sprint(n), creat, write, 0); errno == 0 {
				opened++
			}
		}
	}
	assert.Equal(t, 50, opened, "a quarter")
	for range 40 {
		start(t, guest, wasm.Options{Limits: fileLimits(), Files: t.TempDir()})
	}
	_, err = guest.Start(wasm.Options{Signal: "signal", Limits: fileLimits(), Files: t.TempDir()})
	assert.ErrorContains(t, err, "there are 50", "and a quarter for directories")
}
