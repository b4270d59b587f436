package twin

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The example of the schema's page, resolved in all fields.
func TestTheExampleResolves(t *testing.T) {
	doc, err := os.ReadFile("testdata/example.json")
	require.NoError(t, err)
	d := parseAll(string(doc))
	require.Empty(t, d.Findings)

	resolved, err := json.MarshalIndent(d, "", "  ")
	require.NoError(t, err)
	resolved = append(resolved, '\n')
	if *update {
		require.NoError(t, os.WriteFile("testdata/example.golden.json", resolved, 0o644))
	}
	golden, err := os.ReadFile("testdata/example.golden.json")
	require.NoError(t, err)
	assert.Equal(t, string(golden), string(resolved))
}

// opcTwin returns the twin of a plant with n signals from OPC UA: eight kinds of measurement at each press, every tenth signal
// with a deadband of its own, every tenth with a guest's settings and an output of its own.
func opcTwin(n int) string {
	kinds := []struct{ template, name, node string }{
		{"temp", "MouldTemp", "Mould.Temperature.Actual"}, {"temp", "OilTemp", "Hydraulics.Oil.Temperature"},
		{"pressure", "Pressure", "Hydraulics.Pressure.Actual"}, {"speed", "Speed", "Drive.Speed"},
		{"speed", "Cycles", "Counters.CyclesPerHour"}, {"state", "State", "Status.OperatingState"},
		{"state", "Alarm", "Status.AlarmCode"}, {"pressure", "Clamp", "ClampingUnit.Pressure"},
	}
	own := map[int]string{0: `, "settings": {"high": 72.5}, "output": "alerts", "publishGroup": ""`, 5: `, "deadbandType": "absolute", "deadbandValue": 0.25`}
	var signals []string
	for i := range n {
		kind, machine := kinds[i%len(kinds)], i/len(kinds)+1
		signals = append(signals, fmt.Sprintf(`"press%02d%s": {"use": %q, "node": "ns=2;s=Line3.Press%02d.%s"%s}`,
			machine, kind.name, kind.template, machine, kind.node, own[i%10]))
	}
	return documentOf(
		`"module": {"logLevel": "info", "outboxMiB": 128}`,
		`"guests": {"threshold": {"source": "oci://contoso.azurecr.io/guests/threshold:1.2.0", "digest": "`+digest+`",
			"limits": {"memoryMiB": 4, "deadlineMs": 50}, "settings": {"high": 80, "hysteresis": 2}}}`,
		`"signalDefaults": {"source": "input:opc", "format": "opcSamples", "publishGroup": "minute", "heartbeatIntervalMs": 60000,
			"properties": {"site": "${deviceId}", "asset": "${signal}"}}`,
		`"templates": {
			"temp": {"guest": "threshold", "unit": "Cel", "rangeMin": -40, "rangeMax": 150, "deadbandType": "absolute", "deadbandValue": 0.5},
			"pressure": {"guest": "threshold", "unit": "bar", "rangeMin": 0, "rangeMax": 400, "deadbandType": "percent", "deadbandValue": 1,
				"settings": {"high": 320}},
			"speed": {"unit": "/min", "scale": 0.1, "samplingIntervalMs": 1000, "deadbandType": "absolute", "deadbandValue": 5},
			"state": {"dataType": "int64", "dataChangeTrigger": "statusValue"}}`,
		`"publishGroups": {"minute": {"intervalMs": 60000, "maxBytes": 200000}}`,
		`"signals": {`+strings.Join(signals, ",\n")+`}`)
}

func TestTwoHundredSignalsFitATwin(t *testing.T) {
	doc := opcTwin(200)
	size, err := Size([]byte(doc))
	require.NoError(t, err)
	t.Logf("200 signals: %d bytes as IoT Hub counts", size)
	assert.Less(t, size, 28*1024)

	d := parseAll(doc)
	require.Empty(t, d.Findings)
	assert.Len(t, d.Signals, 200)
	pressure := d.Signals["press03Pressure"]
	assert.Equal(t, "ns=2;s=Line3.Press03.Hydraulics.Pressure.Actual", pressure.Node)
	assert.InDelta(t, 0.25, d.Signals["press01State"].DeadbandValue, 0)
	assert.InDelta(t, 400, *pressure.RangeMax, 0)
	assert.Equal(t, "press03Pressure", pressure.Properties["asset"])
	assert.JSONEq(t, `{"high": 320, "hysteresis": 2}`, string(pressure.Settings))
}

func BenchmarkParse200Signals(b *testing.B) {
	doc := []byte(opcTwin(200))
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if d := Parse(doc, device); len(d.Signals) != 200 {
			b.Fatalf("parse: %d signals, want 200", len(d.Signals))
		}
	}
}
