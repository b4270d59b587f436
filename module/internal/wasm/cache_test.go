package wasm_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// compileAt compiles a guest with a host of its own on a cache, tries it, and reports whether its code was there.
func compileAt(t *testing.T, cache string, binary []byte, stack int) (cached bool) {
	l := limits()
	l.Stack = stack
	guest, err := newHostAt(t, cache).Compile(t.Context(), "guest", binary, l)
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	instance := start(t, guest, wasm.Options{})
	_, err = instance.Message(message("x"))
	require.NoError(t, err)
	return guest.Cached()
}

// onlyFile returns the path of the one file in a cache.
func onlyFile(t *testing.T, cache string) string {
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return filepath.Join(cache, entries[0].Name())
}

func TestCodeIsCompiledOnce(t *testing.T) {
	cache, pass := filepath.Join(t.TempDir(), "compiled"), file(t, "pass")
	assert.False(t, compileAt(t, cache, pass, 128<<10))
	assert.True(t, compileAt(t, cache, pass, 128<<10))
	assert.False(t, compileAt(t, cache, pass, 256<<10), "with another stack")
	assert.False(t, compileAt(t, cache, file(t, "drop"), 128<<10), "of another binary")
}

func TestOnlyThisUserReachesTheCache(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "compiled")
	require.NoError(t, os.Mkdir(cache, 0o777))
	compileAt(t, cache, file(t, "pass"), 128<<10)
	for path, want := range map[string]os.FileMode{cache: 0o700 | os.ModeDir, onlyFile(t, cache): 0o600} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		assert.Equal(t, want, info.Mode(), path)
	}
}

func TestCodeThatIsNotAsItWasWrittenIsCompiledAgain(t *testing.T) {
	pass := file(t, "pass")
	for name, damage := range map[string]func(code []byte) []byte{
		"a flipped bit": func(code []byte) []byte { code[len(code)/2] ^= 1; return code },
		"cut short":     func(code []byte) []byte { return code[:len(code)/2] },
		"empty":         func([]byte) []byte { return nil },
	} {
		cache := t.TempDir()
		compileAt(t, cache, pass, 128<<10)
		path := onlyFile(t, cache)
		code, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, damage(code), 0o600))
		assert.False(t, compileAt(t, cache, pass, 128<<10), name)
		assert.True(t, compileAt(t, cache, pass, 128<<10), name)
	}
}

func TestCodeThatTheEngineRefusesIsCompiledAgain(t *testing.T) {
	cache, pass := t.TempDir(), file(t, "pass")
	compileAt(t, cache, pass, 128<<10)
	path := onlyFile(t, cache)
	require.NoError(t, os.Remove(path))
	other := []byte("what another build of the engine left")
	name := fmt.Sprintf("%s-%x", path[:strings.LastIndex(path, "-")], sha256.Sum256(other))
	require.NoError(t, os.WriteFile(name, other, 0o600))

	assert.False(t, compileAt(t, cache, pass, 128<<10))
	assert.Equal(t, path, onlyFile(t, cache))
}

func TestWhatACrashAndOtherVersionsLeftIsRemoved(t *testing.T) {
	cache := t.TempDir()
	for _, name := range []string{".new-123", "38.0.0-aa-bb"} {
		require.NoError(t, os.WriteFile(filepath.Join(cache, name), []byte("x"), 0o600))
	}
	compileAt(t, cache, file(t, "pass"), 128<<10)
	assert.Contains(t, onlyFile(t, cache), wasm.Version)
}

func TestAGuestThatCannotBeCompiledLeavesNothing(t *testing.T) {
	cache := t.TempDir()
	host := newHostAt(t, cache)
	_, err := host.Compile(t.Context(), "guest", brokenGuest(t), limits())
	require.Error(t, err)
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func TestAGuestRunsWhereItsCodeCannotBeKept(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "compiled")
	host := newHostAt(t, cache)
	require.NoError(t, os.Remove(cache))
	for range 2 {
		guest, err := host.Compile(t.Context(), "guest", file(t, "pass"), limits())
		require.NoError(t, err)
		t.Cleanup(guest.Close)
		assert.False(t, guest.Cached())
		_, err = start(t, guest, wasm.Options{}).Message(message("x"))
		assert.NoError(t, err)
	}
}

func TestACacheThatCannotBeUsedIsAnError(t *testing.T) {
	taken := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(taken, nil, 0o600))
	_, err := wasm.New(wasm.Config{Compiler: compiler, Cache: taken})
	assert.ErrorContains(t, err, "open cache of compiled code")
}

// BenchmarkLoad takes a Go guest from the cache, checksum included; BenchmarkCompile compiles the same anew.
func BenchmarkLoad(b *testing.B) {
	binary, host := goGuest(b), newHostAt(b, b.TempDir())
	guest, err := host.Compile(b.Context(), "guest", binary, limits())
	require.NoError(b, err)
	guest.Close()
	for b.Loop() {
		guest, err := host.Compile(b.Context(), "guest", binary, limits())
		if err != nil || !guest.Cached() {
			b.Fatal("not from the cache", err)
		}
		guest.Close()
	}
}

func BenchmarkCompile(b *testing.B) {
	binary, host := goGuest(b), newHost(b)
	for b.Loop() {
		guest, err := host.Compile(b.Context(), "guest", binary, limits())
		if err != nil {
			b.Fatal(err)
		}
		guest.Close()
	}
}
