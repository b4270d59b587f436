package wasm

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The tag of the Go module that carries the library says less than the library's own header.
func TestVersionIsThatOfTheLibrary(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/bytecodealliance/wasmtime-go/v39").Output()
	require.NoError(t, err)
	header, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "build/include/wasmtime.h"))
	require.NoError(t, err)
	version := regexp.MustCompile(`#define WASMTIME_VERSION "(.*)"`).FindSubmatch(header)
	require.NotNil(t, version)
	assert.Equal(t, string(version[1]), Version)
}
