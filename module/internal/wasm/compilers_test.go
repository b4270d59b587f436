package wasm

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestEveryEndOfACompilerHasItsKind(t *testing.T) {
	for command, want := range map[string]struct {
		kind module.GuestErrorKind
		text string
	}{
		"hang":    {module.KindDeadline, "longer than the 200ms that compiling has"},
		"SIGXCPU": {module.KindDeadline, "more than the 120 s of processor time"},
		"SIGKILL": {module.KindMemory, "the system ended the compiler"},
		"SIGABRT": {module.KindInvalid, "the compiler crashed on it (aborted): last words"},
		"exit":    {module.KindHost, "the compiler ended with exit status 7: last words"},
	} {
		c := &compilers{args: []string{"end", command}, time: 200 * time.Millisecond}
		if command != "hang" {
			c.time = 10 * time.Second
		}
		err := c.run(t.Context(), nil, settings{}, os.Stderr)
		if assert.NotNil(t, err, command) {
			assert.Equal(t, want.kind, err.Kind, command)
			assert.Contains(t, err.Message, want.text)
		}
	}
}

func TestTheOldestUnusedCodeMakesRoom(t *testing.T) {
	dir := t.TempDir()
	c, err := openCache(dir)
	require.NoError(t, err)
	c.used["in use"] = 1
	for n, name := range []string{"in use", "oldest", "older", "newest"} {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, cacheSize/3))
		when := time.Now().Add(time.Duration(n-10) * time.Minute)
		require.NoError(t, os.Chtimes(path, when, when))
	}
	c.evict(cacheSize)
	assert.Equal(t, []string{"in use", "newest", "older"}, namesIn(t, dir))
	c.prune(1)
	assert.Equal(t, []string{"in use", "newest"}, namesIn(t, dir))
	c.prune(2 * cacheSize)
	assert.Equal(t, []string{"in use"}, namesIn(t, dir))
}

func namesIn(t *testing.T, dir string) (names []string) {
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestTheTightestLimitOfMemoryCounts(t *testing.T) {
	machine := &fstest.MapFile{Data: []byte("MemFree: 1 kB\nMemTotal:  2097152 kB\n")}
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	for name, c := range map[string]struct {
		files fstest.MapFS
		mib   int64
	}{
		"no groups":                {fstest.MapFS{}, 2048},
		"version 2, no limit":      {fstest.MapFS{"proc/self/cgroup": text("0::/\n"), "sys/fs/cgroup/memory.max": text("max\n")}, 2048},
		"version 2":                {fstest.MapFS{"proc/self/cgroup": text("0::/\n"), "sys/fs/cgroup/memory.max": text("536870912\n")}, 512},
		"version 2, of the parent": {fstest.MapFS{"proc/self/cgroup": text("0::/a/b\n"), "sys/fs/cgroup/a/memory.max": text("1073741824\n"), "sys/fs/cgroup/a/b/memory.max": text("max\n")}, 1024},
		"version 1":                {fstest.MapFS{"proc/self/cgroup": text("5:cpu:/x\n4:memory:/docker/1\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": text("268435456\n")}, 256},
		"version 1, no limit":      {fstest.MapFS{"proc/self/cgroup": text("4:memory:/\n"), "sys/fs/cgroup/memory/memory.limit_in_bytes": text("9223372036854771712\n")}, 2048},
	} {
		c.files["proc/meminfo"] = machine
		assert.Equal(t, c.mib<<20, memoryOf(c.files), name)
	}
}
