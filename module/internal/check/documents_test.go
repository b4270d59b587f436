package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

var jsonBlock = regexp.MustCompile("(?s)```json\n(.*?)```")

// The twins in the documents are what a reader pastes first: each is one that the module takes.
func TestTwinsInTheDocumentsAreTaken(t *testing.T) {
	found := 0
	for _, pattern := range []string{"README.md", "wasm-guests/*/README.md", "wasm-guests/sdk/*/README.md", "docs/*.md"} {
		files, err := filepath.Glob(filepath.Join("../../..", pattern))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, block := range jsonBlock.FindAllStringSubmatch(string(text), -1) {
				if !strings.Contains(block[1], `"signals"`) || strings.Contains(block[1], "lastDesiredVersion") {
					continue // not a desired twin
				}
				found++
				document := block[1]
				if !strings.Contains(document, "schemaVersion") { // a part of one
					document = strings.Replace(document, "{", `{"schemaVersion":"1.0",`, 1)
				}
				report := Twin([]byte(document), twin.Environment{DeviceID: "d", ModuleID: "m"})
				assert.False(t, report.Refused(), "%s:\n%s\n%s", file, document, texts(report))
			}
		}
	}
	assert.GreaterOrEqual(t, found, 4, "twins in the documents")
}

var (
	reportedPath = regexp.MustCompile(`properties\.reported\.([A-Za-z.]+)`)
	mappedPath   = regexp.MustCompile(`"Path": "\$\.([A-Za-z]+)"`)
)

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../..", name))
	require.NoError(t, err)
	return string(text)
}

func TestQueriesOfAFleetAskForWhatIsReported(t *testing.T) {
	var reported map[string]any
	for _, block := range jsonBlock.FindAllStringSubmatch(page(t, "README.md"), -1) {
		if strings.Contains(block[1], "lastDesiredVersion") {
			require.NoError(t, json.Unmarshal([]byte(block[1]), &reported))
		}
	}
	paths := reportedPath.FindAllStringSubmatch(page(t, "docs/fleets.md"), -1)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		value := any(reported)
		for _, name := range strings.Split(path[1], ".") {
			object, _ := value.(map[string]any)
			value = object[name]
			require.NotNil(t, value, path[0])
		}
	}
}

func TestTheMappingForConsumersTakesWhatASampleHas(t *testing.T) {
	moment := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	sample := string(signals.AppendSample(nil, signals.Named{
		Signal: "s", DisplayName: "d", Partition: "p", Unit: "Cel",
		Sample: module.Sample{Value: []byte("1"), SourceTimestamp: moment, Quality: module.Uncertain, Reason: module.Heartbeat, Published: moment},
	}))
	paths := mappedPath.FindAllStringSubmatch(page(t, "docs/consume.md"), -1)
	assert.Len(t, paths, 9)
	for _, path := range paths {
		assert.Contains(t, sample, `"`+path[1]+`":`)
	}
}

func TestTheManifestForADeviceHasNothingWrongWithIt(t *testing.T) {
	document, err := os.ReadFile("../../../docs/verify/deployment.json")
	require.NoError(t, err)
	report, err := Deployment(document, "wasmOnEdge", twin.Environment{DeviceID: "d", ModuleID: "wasmOnEdge"})
	require.NoError(t, err)
	assert.Empty(t, texts(report), "neither refused nor warned of")
	assert.Equal(t, 2, report.Signals)
	for _, options := range regexp.MustCompile(`"createOptions": "(.*)"`).FindAllSubmatch(document, -1) {
		assert.LessOrEqual(t, len(options[1]), 4096, "what a twin's text may have")
	}
}

var link = regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)

func TestLinksBetweenTheDocumentsLeadSomewhere(t *testing.T) {
	found := 0
	for _, pattern := range []string{"*.md", "docs/*.md", "wasm-guests/*.md", "wasm-guests/*/README.md", "wasm-guests/sdk/*/README.md"} {
		files, err := filepath.Glob(filepath.Join("../../..", pattern))
		require.NoError(t, err)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, match := range link.FindAllStringSubmatch(string(text), -1) {
				found++
				_, err := os.Stat(filepath.Join(filepath.Dir(file), match[1]))
				assert.NoError(t, err, file)
			}
		}
	}
	assert.Greater(t, found, 30)
}
