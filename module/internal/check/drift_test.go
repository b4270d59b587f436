package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const driftDeployment = `{"modulesContent": {
	"$edgeAgent": {"properties.desired": {"modules": {"m": {"type": "docker", "status": "running", "settings": {"image": "m"}}}}},
	"$edgeHub": {"properties.desired": {"schemaVersion": "1.2", "routes": {}}},
	"m": {"properties.desired": {"schemaVersion": "1.0", "signals": {"a": {"settings": {"high": 25, "low": 1}}, "b": {"unit": "Cel"}}}}
}}`

func drift(t *testing.T, twin string) (lines []string) {
	t.Helper()
	differences, err := Drift([]byte(driftDeployment), "m", []byte(twin))
	require.NoError(t, err)
	for _, d := range differences {
		lines = append(lines, d.String())
	}
	return lines
}

func TestATwinThatIsAsDeployedHasNoDifference(t *testing.T) {
	assert.Empty(t, drift(t, `{"properties": {"desired": {"$version": 7, "$metadata": {"x": 1}, "schemaVersion": "1.0",
		"signals": {"b": {"unit": "Cel"}, "a": {"settings": {"low": 1, "high": 25}}}}, "reported": {"y": 2}}}`))
}

func TestWhatWasChangedOnADeviceIsTold(t *testing.T) {
	assert.Equal(t, []string{
		`module: only on the device: {"logLevel":"debug"}`,
		`signals.a.settings.high: 30 on the device, 25 in the deployment`,
		`signals.b: not on the device: {"unit":"Cel"}`,
		`signals.c: only on the device: {"source":"input:x"}`,
	}, drift(t, `{"$version": 9, "schemaVersion": "1.0", "module": {"logLevel": "debug"}, "signals": {"a": {"settings": {"high": 30, "low": 1}}, "c": {"source": "input:x"}}}`))
}

func TestWhatCannotBeComparedIsSaid(t *testing.T) {
	_, err := Drift([]byte(driftDeployment), "m", []byte(`[]`))
	assert.ErrorContains(t, err, "read twin: ")
	_, err = Drift([]byte(driftDeployment), "other", []byte(`{}`))
	assert.ErrorContains(t, err, `it has no module "other", only m`)
	_, err = Drift([]byte(`{`), "m", []byte(`{}`))
	assert.ErrorContains(t, err, "read deployment: ")
}
