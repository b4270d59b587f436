package wasm_test

import (
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// fuzzed makes calls by chance: most with arguments that make sense, some with any.
type fuzzed struct{ *rand.Rand }

func (r fuzzed) of(values ...int64) int64 { return values[r.IntN(len(values))] }

// path is one of few, so that the same ones are met again.
func (r fuzzed) path() string {
	paths := []string{"a", "b", "c", "d", "d/a", "d/e", "d/e/f", "d/e/", "d/../a", "d/./e//f"}
	if r.IntN(8) == 0 {
		paths = []string{".", "..", "../x", "/", "/a", "", "a/b", "\x00", "\xff", "link", "link/x", "d/e/../../.."}
	}
	return paths[r.IntN(len(paths))]
}

func (r fuzzed) argument(kind rune) []any {
	if r.IntN(60) == 0 {
		kind = '?'
	}
	switch kind {
	case 'd':
		return []any{r.of(root, root, root, root+1, root+1, root+2, root+3, root+4, 0, 2)}
	case 'p':
		return []any{r.path()}
	case 'v': // the bytes at data are a vector
		return []any{r.of(data, data, data, result), r.of(1, 1, 1, 0, 2, 24, 100, 4096)}
	case 'r':
		return []any{int64(result)}
	case 'N':
		return []any{r.of(0, 1, 100, entry, 5*entry, 9*entry, 1<<20, math.MaxInt64, -1)}
	case 'g':
		return []any{r.of(read, write, read|write, read|write, 0)}
	case 'o':
		return []any{r.of(creat, creat, creat|trunc, 0, trunc, directory, creat|excl)}
	case 'w', 'n':
		return []any{r.of(0, 0, 1, 2)}
	default:
		return []any{r.of(-1, math.MinInt32, math.MaxInt32, 5<<16-1, 5<<16, r.Int64())}
	}
}

// call returns one with a vector of up to three quarters of the quota at data, where no path lies there.
func (r fuzzed) call() []byte {
	functions := []int{2, 5, 6, 7, 15, 18, 20, 21, 21, 21, 21, 24, 25, 26, 26, 27, 27, 27}
	n := functions[r.IntN(len(functions))]
	if r.IntN(6) == 0 {
		n = r.IntN(len(fileFunctions))
	}
	f := fileFunctions[n]
	var arguments []any
	for _, kind := range f.kinds {
		arguments = append(arguments, r.argument(kind)...)
	}
	return append(encode(f.name, 0, arguments...), vector(result, r.IntN(9*entry))...)
}

// inUse is what a directory holds, as the quota counts it.
func inUse(t *testing.T, dir string) (bytes int64) {
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		bytes += entry
		if info, err := e.Info(); err == nil && e.Type().IsRegular() {
			bytes += info.Size()
		}
		return nil
	}))
	return bytes
}

// Whatever a guest calls in whatever order: nothing happens outside its directory, what is in it fits its quota, and the
// count is right to the byte.
func FuzzFiles(f *testing.F) {
	for seed := range uint64(60) {
		f.Add(seed)
	}
	l := fileLimits()
	l.Storage = 12 * entry
	guest := compile(f, filesGuest(f))
	f.Fuzz(func(t *testing.T, seed uint64) {
		outside := t.TempDir()
		dir := filepath.Join(outside, "signal")
		require.NoError(t, os.Mkdir(dir, 0o700))
		require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
		files := files{t, start(t, guest, wasm.Options{Limits: l, Files: dir}), dir}
		for r := (fuzzed{rand.New(rand.NewPCG(seed, 0))}); r.IntN(150) > 0; {
			_, err := files.Message(module.Message{Body: r.call()})
			require.NoError(t, err)
			require.LessOrEqual(t, inUse(t, dir), l.Storage)
		}
		entries, err := os.ReadDir(outside)
		require.NoError(t, err)
		require.Len(t, entries, 1)
		files.requireRightCount(t, l.Storage)
	})
}

// requireRightCount fills what is left of the quota and compares it with what is on the disk.
func (f files) requireRightCount(t *testing.T, quota int64) {
	for fd := root + 1; fd <= root+32; fd++ {
		f.errno("fd_close", fd)
	}
	left := quota - inUse(t, f.dir)
	fd, errno := f.tryOpen(root, "last", creat, write, 0)
	if left < entry {
		require.Equal(t, nospc, errno)
		return
	}
	require.Zero(t, errno)
	errno = f.errno("fd_filestat_set_size", fd, left-entry+1)
	require.Equal(t, nospc, errno)
	require.Zero(t, f.errno("fd_filestat_set_size", fd, left-entry))
}
