package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

func checked(t *testing.T, document []byte) Report {
	t.Helper()
	report, err := Deployment(document, "wasmOnEdge", twin.Environment{DeviceID: "d"})
	require.NoError(t, err)
	return report
}

func TestMemoryLimitsAreAddedUpOverSignals(t *testing.T) {
	report := checked(t, edited(t, "timeToLiveSecs", "timeToLiveSecs"))
	assert.Equal(t, "memory limits of the signals: 32 MiB of 179.2 MiB (70 % of the container's 256 MiB)", report.Memory.String(),
		"two of the template's three signals have a guest")
}

func TestMemoryLimitsThatDoNotFitAreAWarningThatNamesTheBiggest(t *testing.T) {
	report := checked(t, edited(t, `"Memory": 268435456`, `"Memory": 33554432`))
	assert.Contains(t, texts(report), `their memory limits come to 32 MiB, all together may have 22.4 MiB (70 % of the container's 32 MiB)`)
	assert.Contains(t, texts(report), `guest "anomaly" has the most, 16 MiB for 1`)
	assert.False(t, report.Refused())
}

func TestTheModulesVariableSaysHowMuchMemoryThereIs(t *testing.T) {
	variable := func(value string) []byte {
		return edited(t, `"WASM_ON_EDGE_GUESTS":`, fmt.Sprintf(`"WASM_ON_EDGE_MEMORY_MIB": { "value": %q }, "WASM_ON_EDGE_GUESTS":`, value))
	}
	assert.Contains(t, texts(checked(t, variable("31"))), "all together may have 31 MiB (WASM_ON_EDGE_MEMORY_MIB)")
	assert.Empty(t, texts(checked(t, variable("32"))))
	assert.Contains(t, texts(checked(t, variable("much"))), `env.WASM_ON_EDGE_MEMORY_MIB: "much" is not a whole number of MiB`)
	assert.Empty(t, texts(checked(t, variable("${MEMORY}"))), "not known before it is replaced")
}

func TestMemoryIsNotComparedWhereTheContainerHasNoLimit(t *testing.T) {
	report := checked(t, edited(t, `"Memory": 268435456,`, ""))
	assert.Equal(t, "memory limits of the signals: 32 MiB", report.Memory.String())
	assert.Empty(t, texts(report))
}

func TestOnlySignalsThatRunAGuestCount(t *testing.T) {
	report := Twin([]byte(`{"schemaVersion":"1.0",
		"guests":{"a":{"source":"file:a.wasm","limits":{"memoryMiB":2}},"off":{"source":"file:a.wasm","status":"stopped"}},
		"signals":{"one":{"source":"input:x","guest":"a"},"two":{"source":"input:x","guest":"a","status":"stopped"},
			"three":{"source":"input:x","guest":"off"},"four":{"source":"input:x"}}}`), twin.Environment{})
	assert.Equal(t, Memory{Limits: 2 << 20}, report.Memory)
}

func TestTheGuestWithTheMostIsFoundOverManySignals(t *testing.T) {
	var signals []string
	for n := range 20 {
		signals = append(signals, fmt.Sprintf(`"small%d":{"source":"input:x","guest":"small"}`, n))
	}
	d := twin.Parse([]byte(`{"$version":1,"schemaVersion":"1.0","guests":{"small":{"source":"file:s.wasm","limits":{"memoryMiB":1}},"big":{"source":"file:b.wasm"}},
		"signals":{"big":{"source":"input:x","guest":"big"},`+strings.Join(signals, ",")+`}}`), twin.Environment{})
	require.Empty(t, d.Findings)
	assert.Equal(t, []share{{"small", 20, 20 << 20}, {"big", 1, 16 << 20}}, shares(d))
}
