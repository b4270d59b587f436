package check

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

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
