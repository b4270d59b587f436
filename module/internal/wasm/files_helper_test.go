package wasm_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// fileFunctions are the functions of WASI on files, with their parameters and what those mean: d a descriptor, p a path, v
// vectors or a buffer (two parameters each), r room for a result, N a number of bytes, g rights, o how to open, w whence, n
// another number.
var fileFunctions = []struct{ name, params, kinds string }{
	{"fd_prestat_get", "ii", "dr"}, {"fd_prestat_dir_name", "iii", "dv"}, {"fd_close", "i", "d"}, {"fd_read", "iiii", "dvr"},
	{"fd_pread", "iiiIi", "dvNr"}, {"fd_write", "iiii", "dvr"}, {"fd_pwrite", "iiiIi", "dvNr"}, {"fd_seek", "iIii", "dNwr"},
	{"fd_tell", "ii", "dr"}, {"fd_sync", "i", "d"}, {"fd_datasync", "i", "d"}, {"fd_advise", "iIIi", "dNNn"}, {"fd_allocate", "iII", "dNN"},
	{"fd_renumber", "ii", "dd"}, {"fd_fdstat_get", "ii", "dr"}, {"fd_fdstat_set_flags", "ii", "dn"}, {"fd_fdstat_set_rights", "iII", "dgg"},
	{"fd_filestat_get", "ii", "dr"}, {"fd_filestat_set_size", "iI", "dN"}, {"fd_filestat_set_times", "iIIi", "dNNn"},
	{"fd_readdir", "iiiIi", "dvNr"}, {"path_open", "iiiiiIIii", "dnpoggnr"}, {"path_filestat_get", "iiiii", "dnpr"},
	{"path_filestat_set_times", "iiiiIIi", "dnpNNn"}, {"path_create_directory", "iii", "dp"}, {"path_remove_directory", "iii", "dp"},
	{"path_unlink_file", "iii", "dp"}, {"path_rename", "iiiiii", "dpdp"}, {"path_readlink", "iiiiii", "dpvr"},
	{"path_link", "iiiiiii", "dnpdp"}, {"path_symlink", "iiiii", "pdp"},
}

// Error numbers of WASI, and what path_open takes.
const (
	success, badf, exist, fault, fbig, ilseq, inval, isdir, loop, mfile, nametoolong = 0, 8, 20, 21, 22, 25, 28, 31, 32, 33, 37
	noent, nospc, notdir, notempty, notsup, perm, xdev                               = 44, 51, 54, 55, 58, 63, 75

	creat, directory, excl, trunc = 1, 2, 4, 8
	read, write                   = 1 << 1, 1 << 6
	root                          = 3 // the descriptor of the private directory
)

// Where the guest below keeps things: it loads its arguments from args, which its message fills, and what functions
// return lies at result.
const (
	args       = 1024
	argBytes   = 8
	data       = args + 1 + 9*argBytes + 4
	result     = 1 << 17
	resultSize = 1 << 16
)

// filesGuest calls the function of which its message begins with the number, with the arguments that follow, and emits
// the error number and as much of result as the number behind the arguments says. With the length 0xffffffff it traps
// after the call.
func filesGuest(t testing.TB) []byte {
	var imports, calls strings.Builder
	for n, f := range fileFunctions {
		fmt.Fprintf(&imports, `(import "wasi_snapshot_preview1" %q (func $f%d (param`, f.name, n)
		fmt.Fprintf(&calls, `(if (i32.eq (i32.load8_u (local.get $ptr)) (i32.const %d)) (then (i32.store (i32.const %d) (call $f%d`, n, result-4, n)
		for at, p := range []byte(f.params) {
			fmt.Fprintf(&imports, " %s", watTypes[p])
			fmt.Fprintf(&calls, ` (%s.load offset=%d (local.get $ptr))`, watTypes[p], 1+argBytes*at)
		}
		imports.WriteString(") (result i32)))")
		calls.WriteString("))))")
	}
	return guestOf(t, importEmit+imports.String(), "", fmt.Sprintf(`(local $n i32) %s
		(local.set $n (i32.load offset=%d (local.get $ptr)))
		(if (i32.eq (local.get $n) (i32.const -1)) (then (unreachable)))
		(drop (call $emit (i32.const 0) (i32.const 0) (i32.const %d) (i32.add (i32.const 4) (local.get $n)) (i32.const 0) (i32.const 0)))
		(i32.const 2)`, calls.String(), 1+9*argBytes, result-4))
}

// files is an instance of that guest with a private directory.
type files struct {
	testing.TB
	*wasm.Instance
	dir string // on the device
}

func fileLimits() module.Limits {
	l := limits()
	l.Storage, l.EmitBytesPerCall = 1<<20, resultSize+4
	return l
}

func newFiles(t testing.TB) files { return filesIn(t, t.TempDir(), fileLimits()) }

func filesIn(t testing.TB, dir string, l module.Limits) files {
	return files{t, start(t, compile(t, filesGuest(t)), wasm.Options{Limits: l, Files: dir}), dir}
}

// encode writes a call for the guest. Text becomes two arguments: where it lies and how long it is.
func encode(name string, resultLen uint32, arguments ...any) []byte {
	m := make([]byte, data-args)
	for n, f := range fileFunctions {
		if f.name == name {
			m[0] = byte(n)
		}
	}
	at := 1
	put := func(v uint64) { binary.LittleEndian.PutUint64(m[at:], v); at += argBytes }
	for _, a := range arguments {
		switch a := a.(type) {
		case string:
			put(uint64(args + len(m)))
			put(uint64(len(a)))
			m = append(m, a...)
		case int:
			put(uint64(a))
		case int64:
			put(uint64(a))
		}
	}
	binary.LittleEndian.PutUint32(m[1+9*argBytes:], resultLen)
	return m
}

// call returns the error number, and what lies at result after the call.
func (f files) call(name string, resultLen int, arguments ...any) (int, []byte) {
	f.Helper()
	_, err := f.Message(module.Message{Body: encode(name, uint32(resultLen), arguments...)})
	require.NoError(f, err)
	require.Len(f, f.Effects().Emitted, 1)
	body := f.Effects().Emitted[0].Body
	return int(binary.LittleEndian.Uint32(body)), body[4:]
}

func (f files) errno(name string, arguments ...any) int {
	f.Helper()
	errno, _ := f.call(name, 0, arguments...)
	return errno
}

func (f files) tryOpen(from int, path string, how, rights, flags int) (fd, errno int) {
	f.Helper()
	errno, b := f.call("path_open", 4, from, 0, path, how, rights, 0, flags, result)
	return int(binary.LittleEndian.Uint32(b)), errno
}

func (f files) open(path string, how, rights int) int {
	f.Helper()
	fd, errno := f.tryOpen(root, path, how, rights, 0)
	require.Zero(f, errno, "open %q", path)
	return fd
}

// vector encodes one vector, of len bytes at pointer.
func vector(pointer, length int) string {
	return string(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, uint32(pointer)), uint32(length)))
}

// tryWrite writes text at the descriptor's offset and returns how much was written.
func (f files) tryWrite(fd int, text string) (n, errno int) {
	f.Helper()
	at := data + 8 // behind the vector
	m := encode("fd_write", 4, fd, data, 1, result)
	m = append(append(m, vector(at, len(text))...), text...)
	_, err := f.Message(module.Message{Body: m})
	require.NoError(f, err)
	body := f.Effects().Emitted[0].Body
	return int(binary.LittleEndian.Uint32(body[4:])), int(binary.LittleEndian.Uint32(body))
}

func (f files) write(fd int, text string) {
	f.Helper()
	n, errno := f.tryWrite(fd, text)
	require.Zero(f, errno)
	require.Equal(f, len(text), n)
}

func (f files) read(fd, most int) string {
	f.Helper()
	m := append(encode("fd_read", uint32(8+most), fd, data, 1, result), vector(result+8, most)...)
	_, err := f.Message(module.Message{Body: m})
	require.NoError(f, err)
	body := f.Effects().Emitted[0].Body
	require.Zero(f, binary.LittleEndian.Uint32(body))
	return string(body[12 : 12+binary.LittleEndian.Uint32(body[4:])])
}

// seek returns where the descriptor then is. Whence is 0 for the beginning, 1 for where it is, 2 for the end.
func (f files) seek(fd int, by int64, whence int) (int64, int) {
	f.Helper()
	errno, b := f.call("fd_seek", 8, fd, by, whence, result)
	return int64(binary.LittleEndian.Uint64(b)), errno
}

func (f files) close(fd int) {
	f.Helper()
	require.Zero(f, f.errno("fd_close", fd))
}

// onDevice is a file's path on the device.
func (f files) onDevice(name string) string { return filepath.Join(f.dir, name) }

// put writes a file on the device, as somebody but the guest may.
func (f files) put(name, content string) {
	f.Helper()
	require.NoError(f, os.MkdirAll(filepath.Dir(f.onDevice(name)), 0o700))
	require.NoError(f, os.WriteFile(f.onDevice(name), []byte(content), 0o600))
}

// list reads the directory with a buffer of the given size, as C libraries do, and returns the names.
func (f files) list(fd, size int) (names []string) {
	f.Helper()
	for cookie := int64(0); ; {
		errno, b := f.call("fd_readdir", 8+size, fd, result+8, size, cookie, result)
		require.Zero(f, errno)
		used := int(binary.LittleEndian.Uint32(b))
		entries, seen := b[8:8+used], 0
		for len(entries) >= 24 {
			length := int(binary.LittleEndian.Uint32(entries[16:]))
			if len(entries) < 24+length {
				break
			}
			cookie = int64(binary.LittleEndian.Uint64(entries))
			names = append(names, string(entries[24:24+length]))
			entries = entries[24+length:]
			seen++
		}
		if used < size {
			return names
		}
		require.NotZero(f, seen, "a buffer of %d bytes holds no entry", size)
	}
}
