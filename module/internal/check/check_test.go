package check

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

const template = "../../../deployment.template.json"

func texts(r Report) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, f.String())
	}
	return strings.Join(all, "\n")
}

func edited(t *testing.T, old, replacement string) []byte {
	t.Helper()
	document, err := os.ReadFile(template)
	require.NoError(t, err)
	require.Contains(t, string(document), old)
	return []byte(strings.ReplaceAll(string(document), old, replacement))
}

func TestTheDeploymentTemplateIsWithoutFindings(t *testing.T) {
	report, err := Deployment(edited(t, "timeToLiveSecs", "timeToLiveSecs"), "wasmOnEdge", twin.Environment{DeviceID: "d"})
	require.NoError(t, err)
	assert.Empty(t, texts(report))
	assert.Positive(t, report.Bytes)
	assert.Positive(t, report.Signals)
}

func TestDeploymentFindings(t *testing.T) {
	for _, row := range []struct{ name, old, replacement, want string }{
		{"output without route", `outputs/alerts INTO`, `outputs/other INTO`, `no route takes the output "alerts"`},
		{"dead letters without route", `outputs/deadletter INTO`, `outputs/other INTO`, `no route takes the output "deadletter"`},
		{"input without route", `"input:sensor"`, `"input:sensr"`, `no route feeds the input "sensr"`},
		{"route without signal", `"input:sensor"`, `"input:sensr"`, `a route feeds the input "sensor", which no signal names`},
		{"short time to live", `604800`, `7200`, "edgeHub forgets messages after 2h0m0s"},
		{"misspelt key", `"selector"`, `"selectr"`, `selector`},
	} {
		t.Run(row.name, func(t *testing.T) {
			report, err := Deployment(edited(t, row.old, row.replacement), "wasmOnEdge", twin.Environment{DeviceID: "d"})
			require.NoError(t, err)
			assert.Contains(t, texts(report), row.want)
		})
	}
}

func TestTwinWithoutVersionIsCheckedToo(t *testing.T) {
	report := Twin([]byte(`{"schemaVersion":"1.0","signals":{"a":{"source":"input:x","selctor":"/v"}}}`), twin.Environment{})
	assert.True(t, report.Refused())
	assert.Contains(t, texts(report), "signals.a.selctor")
}

func TestTwinOverTheLimitIsRefused(t *testing.T) {
	report := Twin([]byte(`{"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm","settings":{"a":"`+strings.Repeat("x", 33000)+`"}}}}`), twin.Environment{})
	assert.Contains(t, texts(report), "32768 are the limit")
}

func TestDeploymentWithoutTheModuleNamesThoseItHas(t *testing.T) {
	_, err := Deployment(edited(t, "wasmOnEdge", "other"), "wasmOnEdge", twin.Environment{})
	assert.ErrorContains(t, err, `it has no module "wasmOnEdge", only SimulatedTemperatureSensor, other`)
}

func TestIsDeployment(t *testing.T) {
	assert.True(t, IsDeployment(edited(t, "modulesContent", "modulesContent")))
	assert.False(t, IsDeployment([]byte(`{"schemaVersion":"1.0"}`)))
}
