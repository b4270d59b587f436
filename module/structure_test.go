package module_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const project = "github.com/wasm-on-edge/wasm-on-edge/module"

// mayImport is the import table: which packages of the project a package may use besides this one, which all may.
// Data walks one way; whoever needs another row draws the house anew first.
var mayImport = map[string][]string{
	"":                         {},
	"edgehub":                  {}, // public: nothing of ours, not even the vocabulary
	"internal/query":           {},
	"internal/manifest":        {"internal/query"},
	"internal/twin":            {},
	"internal/publishednodes":  {},
	"internal/document":        {},
	"internal/signals":         {"internal/document"},
	"internal/store":           {},
	"internal/journal":         {},
	"internal/trust":           {},
	"internal/policy":          {},
	"internal/artifact":        {"internal/trust"},
	"internal/observe":         {},
	"internal/egress":          {},
	"internal/wasm/binary":     {},
	"internal/wasm/configfile": {},
	"internal/wasm/httpabi":    {},
	"internal/wasm/topics":     {},
	"internal/wasm":            {"internal/wasm/binary", "internal/wasm/configfile", "internal/wasm/httpabi", "internal/wasm/topics"},
	"internal/pipeline":        {"internal/journal", "internal/signals"},
	"internal/check":           {"internal/document", "internal/manifest", "internal/signals", "internal/twin"},
	"internal/supervise":       {"internal/egress", "internal/pipeline", "internal/signals"},
	"internal/trial":           {"internal/pipeline", "internal/signals", "internal/supervise"},
	"internal/methods":         {"internal/supervise", "internal/trial"},
	"internal/metrics":         {"edgehub", "internal/pipeline", "internal/signals", "internal/supervise"},
	"internal/replay":          {"internal/pipeline", "internal/store"},
	"internal/reconcile":       {"internal/artifact", "internal/pipeline", "internal/policy", "internal/store", "internal/supervise", "internal/twin"},
	"internal/sim":             {"edgehub", "internal/manifest", "internal/query"},
	"internal/app": {"edgehub", "internal/artifact", "internal/egress", "internal/journal", "internal/methods", "internal/metrics", "internal/observe", "internal/pipeline", "internal/policy", "internal/reconcile", "internal/store",
		"internal/supervise", "internal/trust", "internal/twin", "internal/wasm"},
	"internal/desk":   {"internal/methods", "internal/supervise", "internal/trial", "internal/twin", "internal/wasm"},
	"internal/portal": {"edgehub", "internal/check", "internal/manifest", "internal/signals", "internal/sim", "internal/supervise", "internal/twin"},
	"internal/bench":  {"edgehub", "internal/app", "internal/manifest", "internal/observe", "internal/sim", "internal/wasm"},
	"cmd/wasm-on-edge": {"edgehub", "internal/app", "internal/artifact", "internal/bench", "internal/check", "internal/desk", "internal/manifest", "internal/methods", "internal/observe", "internal/replay", "internal/portal", "internal/publishednodes", "internal/sim",
		"internal/trial", "internal/twin", "internal/wasm", "internal/wasm/binary"},
	"conformance":       {},
	"conformance/chaos": {},
}

// cgoOnly are the packages that need a C compiler: the engine, and what is wired to it.
var cgoOnly = []string{"internal/wasm", "internal/app", "internal/bench", "internal/desk", "cmd/wasm-on-edge"}

// parsed is a package as its files say.
type parsed struct {
	comments int // files with a package comment
	imports  map[string]bool
	cgo      bool
}

// parsePackages reads the project's packages from their files, tests left out.
func parsePackages(t *testing.T) map[string]*parsed {
	t.Helper()
	packages := make(map[string]*parsed)
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules" || isModule(name)) {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		folder := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(name)), ".")
		if packages[folder] == nil {
			packages[folder] = &parsed{imports: make(map[string]bool)}
		}
		packages[folder].add(file)
		return nil
	})
	require.NoError(t, err)
	return packages
}

// isModule reports whether a folder is a Go module of its own, with a table of its own if it wants one.
func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

func (p *parsed) add(file *ast.File) {
	if file.Doc != nil {
		p.comments++
	}
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value) // the parser has read it
		p.imports[name] = true
		p.cgo = p.cgo || name == "C"
	}
}

func TestPackagesImportWhatTheTableAllows(t *testing.T) {
	for folder, p := range parsePackages(t) {
		allowed, known := mayImport[folder]
		require.True(t, known, "package %q is not in the import table", folder)
		for name := range p.imports {
			ours, inside := strings.CutPrefix(name, project)
			ours = strings.TrimPrefix(ours, "/")
			switch {
			case !inside:
				assert.NotEqual(t, "testing", name, "%s: production code does not test", folder)
			case ours == "":
				assert.NotEqual(t, "edgehub", folder, "edgehub is for others too and imports nothing of ours")
			default:
				assert.Contains(t, allowed, ours, "%s must not import it", folder)
			}
		}
	}
}

func TestTheVocabularyNeedsTheStandardLibraryOnly(t *testing.T) {
	for name := range parsePackages(t)[""].imports {
		assert.NotContains(t, name, ".", "a path with a dot is no package of the standard library")
	}
}

func TestOnlyTheEngineNeedsC(t *testing.T) {
	for folder, p := range parsePackages(t) {
		assert.Equal(t, folder == "internal/wasm", p.cgo, folder)
		if slices.Contains(cgoOnly, folder) {
			continue
		}
		for name := range p.imports {
			assert.NotContains(t, cgoOnly, strings.TrimPrefix(name, project+"/"), "%s builds without a C compiler", folder)
		}
	}
}

func TestOnlyTheCommandListensToTheOperatingSystem(t *testing.T) {
	for folder, p := range parsePackages(t) {
		if !strings.HasPrefix(folder, "cmd/") {
			assert.False(t, p.imports["os/signal"], folder)
		}
	}
}

func TestEveryPackageHasOnePackageComment(t *testing.T) {
	packages := parsePackages(t)
	for _, folder := range slices.Sorted(maps.Keys(packages)) {
		assert.Equal(t, 1, packages[folder].comments, "package comments in %q", folder)
	}
}
