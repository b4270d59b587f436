package wasm_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// What programs do with files, they do through what their language has for it.
func TestProgramsKeepFiles(t *testing.T) {
	t.Run("Go", func(t *testing.T) {
		out := filepath.Join(t.TempDir(), "files.wasm")
		build := exec.CommandContext(t.Context(), "go", "build", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "./testdata/files")
		build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
		requireBuilt(t, build)
		keepsFiles(t, out)
	})
	t.Run("C", func(t *testing.T) {
		clang, err := exec.LookPath("clang-19")
		if err != nil {
			t.Skip("there is no clang-19 here")
		}
		if _, err := os.Stat("/usr/include/wasm32-wasi/stdio.h"); err != nil {
			t.Skip("there is no wasi-libc here")
		}
		out := filepath.Join(t.TempDir(), "files.wasm")
		requireBuilt(t, exec.CommandContext(t.Context(), clang, "--target=wasm32-wasi", "-Os", "-mexec-model=reactor", "-Wl,--strip-all",
			"-o", out, "testdata/files/files.c"))
		keepsFiles(t, out)
	})
}

func requireBuilt(t *testing.T, build *exec.Cmd) {
	t.Helper()
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
}

func keepsFiles(t *testing.T, file string) {
	t.Helper()
	binary, err := os.ReadFile(file)
	require.NoError(t, err)
	l := limits()
	l.Memory, l.Start, l.Deadline, l.Storage = 32<<20, 5*time.Second, 2*time.Second, 1<<20
	guest, err := newHost(t).Compile(t.Context(), "files", binary, l)
	require.NoError(t, err)
	t.Cleanup(guest.Close)
	dir := filepath.Join(t.TempDir(), "signal")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(dir), "secret"), nil, 0o600))
	for n := 1; n <= 3; n++ {
		i := start(t, guest, wasm.Options{Limits: l, Files: dir})
		_, err = i.Message(message(fmt.Sprint("message ", n)))
		require.NoError(t, err)
		want := fmt.Sprintf("%d lines, the last is message %d: / /last /log /log/lines /log/old", n, n)
		assert.Equal(t, []string{want}, bodies(i), "over restarts")
		i.Close()
	}
}
