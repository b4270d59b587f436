package wasm_test

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// entry is what a file or directory counts besides its bytes.
const entry = 4096

func TestAGuestHasNoFilesUnlessTheyAreGiven(t *testing.T) {
	f := files{TB: t, Instance: start(t, compile(t, filesGuest(t)), wasm.Options{Limits: fileLimits()})}
	for _, function := range fileFunctions {
		arguments := make([]any, len(function.params))
		for n := range arguments {
			arguments[n] = root
		}
		assert.Equal(t, badf, f.errno(function.name, arguments...), function.name)
	}
}

func TestThePrivateDirectoryIsTheFirstDescriptorAndCalledSlash(t *testing.T) {
	f := newFiles(t)
	errno, b := f.call("fd_prestat_get", 8, root, result)
	assert.Zero(t, errno)
	assert.Equal(t, []byte{0, 0, 0, 0, 1, 0, 0, 0}, b, "a directory with a name of one byte")
	errno, b = f.call("fd_prestat_dir_name", 1, root, result, 1)
	assert.Zero(t, errno)
	assert.Equal(t, "/", string(b))
	assert.Equal(t, badf, f.errno("fd_prestat_get", root+1, result), "there is one")
	assert.Equal(t, nametoolong, f.errno("fd_prestat_dir_name", root, result, 0))
	assert.Equal(t, notsup, f.errno("fd_close", root), "it stays open")
}

func TestWhatIsWrittenCanBeRead(t *testing.T) {
	f := newFiles(t)
	fd := f.open("a.txt", creat, read|write)
	f.write(fd, "hello, ")
	f.write(fd, "world")
	at, errno := f.seek(fd, -5, 2)
	assert.Zero(t, errno)
	assert.EqualValues(t, 7, at)
	assert.Equal(t, "world", f.read(fd, 100))
	assert.Empty(t, f.read(fd, 100), "the end")
	_, errno = f.seek(fd, -100, 1)
	assert.Equal(t, inval, errno)
	content, err := os.ReadFile(f.onDevice("a.txt"))
	require.NoError(t, err)
	assert.Equal(t, "hello, world", string(content))

	again := start(t, compile(t, filesGuest(t)), wasm.Options{Limits: fileLimits(), Files: f.dir})
	g := files{t, again, f.dir}
	assert.Equal(t, "hello", g.read(g.open("a.txt", 0, read), 5), "a later instance finds it")
}

func TestAReadOrWriteAtAnOffsetLeavesTheDescriptorWhereItIs(t *testing.T) {
	f := newFiles(t)
	fd := f.open("a", creat, read|write)
	f.write(fd, "0123456789")
	_, _ = f.seek(fd, 4, 0)
	m := append(encode("fd_pwrite", 4, fd, data, 1, int64(1), result), vector(data+8, 2)+"ab"...)
	_, err := f.Message(module.Message{Body: m})
	require.NoError(t, err)
	assert.Equal(t, "45", f.read(fd, 2))
	m = append(encode("fd_pread", 12, fd, data, 1, int64(0), result), vector(result+8, 4)...)
	_, err = f.Message(module.Message{Body: m})
	require.NoError(t, err)
	assert.Equal(t, "0ab3", string(f.Effects().Emitted[0].Body[12:16]))
	errno, b := f.call("fd_tell", 8, fd, result)
	assert.Zero(t, errno)
	assert.EqualValues(t, 6, binary.LittleEndian.Uint64(b))
}

func TestAppendedBytesGoToTheEnd(t *testing.T) {
	f := newFiles(t)
	f.put("log", "one\n")
	const appending = 1
	fd, errno := f.tryOpen(root, "log", 0, write, appending)
	require.Zero(t, errno)
	f.put("log", "one\ntwo\n")
	f.write(fd, "three\n")
	content, err := os.ReadFile(f.onDevice("log"))
	require.NoError(t, err)
	assert.Equal(t, "one\ntwo\nthree\n", string(content))
}

func TestHowAFileIsOpenedIsKept(t *testing.T) {
	f := newFiles(t)
	f.put("dir/file", "content")
	for _, c := range []struct {
		path         string
		how, rights  int
		want         int
		whatItShould string
	}{
		{"none", 0, read, noent, "find nothing"},
		{"dir/file", creat | excl, write, exist, "not take what is there"},
		{"dir/file", directory, read, notdir, "want a directory"},
		{"dir/file/", 0, read, notdir, "want a directory by its slash"},
		{"dir", 0, write, isdir, "not write to a directory"},
		{"dir", creat, read, isdir, "not make a file of a directory"},
		{"dir/file", trunc, read, inval, "not truncate what it cannot write"},
		{"none/", creat, write, noent, "not make a file with a slash"},
		{"none/file", creat, write, noent, "not make a directory"},
		{"dir/file/file", 0, read, notdir, "not take a file for a directory"},
		{"", 0, read, noent, "not take nothing for the directory"},
		{".", 0, read, success, "open the directory itself"},
		{"dir//./../dir/file", 0, read, success, "take dots and slashes"},
		{"dir/file", trunc, write, success, "truncate"},
	} {
		_, errno := f.tryOpen(root, c.path, c.how, c.rights, 0)
		assert.Equal(t, c.want, errno, "%q should %s", c.path, c.whatItShould)
	}
	info, err := os.Stat(f.onDevice("dir/file"))
	require.NoError(t, err)
	assert.Zero(t, info.Size())
	fd := f.open("dir/file", 0, read)
	_, errno := f.tryWrite(fd, "x")
	assert.Equal(t, badf, errno, "it was opened to read")
	_, errno = f.tryOpen(root, "dir/file", 16, read, 0)
	assert.Equal(t, inval, errno)
}

func TestDirectoriesAreMadeListedAndRemoved(t *testing.T) {
	f := newFiles(t)
	require.Zero(t, f.errno("path_create_directory", root, "dir"))
	assert.Equal(t, exist, f.errno("path_create_directory", root, "dir"))
	var want []string
	for n := range 100 {
		name := fmt.Sprintf("a file with the number %d", n)
		f.put(filepath.Join("dir", name), "")
		want = append(want, name)
	}
	dir := f.open("dir", directory, read)
	for _, size := range []int{64, 100, 4096, 32768} {
		assert.ElementsMatch(t, want, f.list(dir, size), "with a buffer of %d bytes", size)
	}
	assert.Equal(t, []string{"dir"}, f.list(root, 4096))
	assert.Equal(t, notempty, f.errno("path_remove_directory", root, "dir"))
	assert.Equal(t, isdir, f.errno("path_unlink_file", root, "dir"))
	for _, name := range want {
		require.Zero(t, f.errno("path_unlink_file", dir, name))
	}
	assert.Zero(t, f.errno("path_remove_directory", root, "dir/"))
	assert.Empty(t, f.list(root, 4096))
	assert.Equal(t, noent, f.errno("fd_readdir", dir, result, 64, int64(0), result))
	_, errno := f.tryOpen(dir, "late", creat, write, 0)
	assert.Equal(t, noent, errno)
}

func TestARenameReplacesAFileAndMovesNoDirectory(t *testing.T) {
	f := newFiles(t)
	f.put("new", "new")
	f.put("a/old", "old")
	f.put("b/file", "")
	assert.Zero(t, f.errno("path_rename", root, "new", root, "a/old"))
	assert.Equal(t, "new", f.read(f.open("a/old", 0, read), 10))
	assert.Equal(t, noent, f.errno("path_rename", root, "new", root, "a/old"))
	assert.Equal(t, xdev, f.errno("path_rename", root, "a", root, "b/a"), "as between disks: programs copy then")
	assert.Zero(t, f.errno("path_rename", root, "a", root, "c"))
	assert.Equal(t, notempty, f.errno("path_rename", root, "c", root, "b"))
	assert.Equal(t, notdir, f.errno("path_rename", root, "c/old", root, "d/"))
	assert.Zero(t, f.errno("path_rename", root, "c/old", root, "c/old"), "to itself")
	assert.ElementsMatch(t, []string{"b", "c"}, f.list(root, 4096))
}

func TestAFileIsDescribed(t *testing.T) {
	f := newFiles(t)
	f.put("file", "12345")
	for name, stat := range map[string]func() (int, []byte){
		"by descriptor": func() (int, []byte) {
			return f.call("fd_filestat_get", 64, f.open("file", 0, read), result)
		},
		"by path": func() (int, []byte) { return f.call("path_filestat_get", 64, root, 1, "file", result) },
	} {
		errno, b := stat()
		assert.Zero(t, errno, name)
		assert.EqualValues(t, 4, b[16], "%s: a regular file", name)
		assert.EqualValues(t, 5, binary.LittleEndian.Uint64(b[32:]), name)
		info, err := os.Stat(f.onDevice("file"))
		require.NoError(t, err)
		assert.EqualValues(t, info.ModTime().UnixNano(), binary.LittleEndian.Uint64(b[48:]), name)
		assert.Zero(t, binary.LittleEndian.Uint64(b), "%s: the device is not told", name)
	}
	errno, b := f.call("fd_fdstat_get", 24, root, result)
	assert.Zero(t, errno)
	assert.EqualValues(t, 3, b[0], "a directory")
}

// full fills the quota with one file and returns how much went in.
func (f files) full(name string) (total int) {
	f.Helper()
	fd := f.open(name, creat, write)
	for {
		n, errno := f.tryWrite(fd, strings.Repeat("x", 60_000))
		if errno != 0 {
			require.Equal(f, nospc, errno)
			f.close(fd)
			return total
		}
		total += n
	}
}

func TestStorageIsCountedAndGivenBack(t *testing.T) {
	f := newFiles(t)
	quota := int(fileLimits().Storage)
	assert.Equal(t, quota-entry, f.full("a"), "to the last byte")
	_, errno := f.tryOpen(root, "b", creat, write, 0)
	assert.Equal(t, nospc, errno, "a name counts")
	assert.Equal(t, nospc, f.errno("path_create_directory", root, "dir"))
	fd := f.open("a", 0, read|write)
	f.write(fd, "over what is there")
	assert.Equal(t, nospc, f.errno("fd_filestat_set_size", fd, int64(quota)))

	assert.Zero(t, f.errno("fd_filestat_set_size", fd, int64(quota/2)), "cut off")
	assert.Equal(t, quota-quota/2-2*entry, f.full("b"))
	assert.Zero(t, f.errno("path_unlink_file", root, "b"))
	assert.Equal(t, quota-quota/2-2*entry, f.full("b"), "removed and written again")
	f.close(f.open("b", trunc, write))
	assert.Equal(t, quota-quota/2-2*entry, f.full("b"), "truncated and written again")
	assert.Zero(t, f.errno("path_rename", root, "b", root, "a"), "replaced")
	f.close(fd)
	assert.Equal(t, quota/2, f.full("c"), "the replaced file, and two names less one")
}

func TestAFileWithoutANameCountsUntilItIsClosed(t *testing.T) {
	f := newFiles(t)
	quota := int(fileLimits().Storage)
	first := f.open("a", creat, read|write)
	second := f.open("a", 0, read)
	f.write(first, strings.Repeat("x", 50_000))
	require.Zero(t, f.errno("path_unlink_file", root, "a"))
	assert.Equal(t, quota-50_000-entry, f.full("b"))
	require.Zero(t, f.errno("path_unlink_file", root, "b"))
	f.close(first)
	assert.Equal(t, quota-50_000-entry, f.full("b"), "it is open once more")
	f.close(second)
	fd := f.open("b", 0, write)
	_, _ = f.seek(fd, 0, 2)
	f.write(fd, strings.Repeat("x", 50_000))
	_, errno := f.tryWrite(fd, "x")
	assert.Equal(t, nospc, errno)
}

func TestTheCountIsMadeAnewFromTheDisk(t *testing.T) {
	dir := t.TempDir()
	first := filesIn(t, dir, fileLimits())
	first.put("dir/file", strings.Repeat("x", 100_000)) // which nobody counted
	first.Close()
	f := filesIn(t, dir, fileLimits())
	assert.Equal(t, int(fileLimits().Storage)-100_000-3*entry, f.full("a"))

	smaller := fileLimits()
	smaller.Storage = 1 << 10
	f.Close()
	f = filesIn(t, dir, smaller)
	fd := f.open("dir/file", 0, write)
	f.write(fd, "what is there can be written over")
	_, errno := f.tryOpen(root, "b", creat, write, 0)
	assert.Equal(t, nospc, errno, "but nothing added")
	assert.Zero(t, f.errno("path_unlink_file", root, "a"))
}

func TestAnInstanceBesideAnotherGoesOnWithItsCount(t *testing.T) {
	guest, dir, quota := compile(t, filesGuest(t)), t.TempDir(), int(fileLimits().Storage)
	old := files{t, start(t, guest, wasm.Options{Limits: fileLimits(), Files: dir}), dir}
	fresh := files{t, start(t, guest, wasm.Options{Limits: fileLimits(), Files: dir}), dir}
	assert.Equal(t, quota-entry, fresh.full("a"))
	fresh.Close()
	_, errno := old.tryOpen(root, "b", creat, write, 0)
	assert.Equal(t, nospc, errno)
}

func TestWhatACallWroteStaysWhenItTraps(t *testing.T) {
	f := newFiles(t)
	_, err := f.Message(module.Message{Body: encode("path_create_directory", 0xffffffff, root, "dir")})
	require.Equal(t, module.KindTrap, guestError(t, err).Kind)
	assert.DirExists(t, f.onDevice("dir"), "files are outside the transaction")
}

func TestWhatAGuestLeftOpenIsClosedWithIt(t *testing.T) {
	count := func() int {
		entries, err := os.ReadDir("/proc/self/fd")
		require.NoError(t, err)
		return len(slices.DeleteFunc(entries, func(e fs.DirEntry) bool {
			target, _ := os.Readlink("/proc/self/fd/" + e.Name())
			return !strings.Contains(target, "private")
		}))
	}
	f := filesIn(t, filepath.Join(t.TempDir(), "private"), fileLimits())
	for n := range 5 {
		f.open(fmt.Sprint(n), creat, write)
	}
	assert.Equal(t, 6, count())
	f.Close()
	assert.Zero(t, count())
}

func TestADirectoryThatCannotBeHadIsAnErrorOfTheHost(t *testing.T) {
	guest, dir := compile(t, filesGuest(t)), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(dir, "link")))
	for _, name := range []string{"file", "file/below", "link"} {
		_, err := guest.Start(wasm.Options{Signal: "signal", Limits: fileLimits(), Files: filepath.Join(dir, name)})
		assert.Equal(t, module.KindHost, guestError(t, err).Kind, name)
	}
}

func TestWhatARunOfAProgramLeftOpenIsClosedAfterIt(t *testing.T) {
	i := start(t, compile(t, wat(t, `(module
		(import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
		(import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
		(memory (export "memory") 1) (data (i32.const 0) "file")
		(func (export "_start") (local $n i32) (local $errno i32)
			(loop (local.set $errno (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 8)))
				(if (local.get $errno) (then (call $exit (local.get $errno))))
				(br_if 0 (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 32))))))`)),
		wasm.Options{Limits: fileLimits(), Files: t.TempDir()})
	for range 3 {
		_, err := i.Message(message(""))
		require.NoError(t, err, "there is room for 32 in each run")
	}
}
