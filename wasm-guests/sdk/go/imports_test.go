package edge_test

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What goes into every guest is held small: README.md has the figures.
func TestWhatEveryGuestLinksStaysSmall(t *testing.T) {
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	inner, err := filepath.Glob("internal/*/*.go")
	require.NoError(t, err)
	for _, file := range append(files, inner...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, path := range importsOf(t, file) {
			assert.NotContains(t, []string{"encoding/json", "fmt", "os", "regexp", "sort", "time"}, path, file)
			host, _, _ := strings.Cut(path, "/")
			if strings.Contains(host, ".") {
				assert.Equal(t, "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan", path, file)
			}
		}
	}
}

func importsOf(t *testing.T, file string) []string {
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	require.NoError(t, err)
	paths := make([]string, len(parsed.Imports))
	for i, spec := range parsed.Imports {
		paths[i], err = strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
	}
	return paths
}
