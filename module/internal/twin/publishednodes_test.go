package twin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/publishednodes"
)

// requireConverted returns what comes of published nodes in a file, and compares it and the notes with a golden file.
func requireConverted(t *testing.T, name string) module.Desired {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("testdata/publishednodes", name+".json"))
	require.NoError(t, err)
	result, err := publishednodes.Convert(document, "opc")
	require.NoError(t, err)

	text := string(result.Twin) + "\n" + strings.Join(result.Notes, "\n") + "\n"
	file := filepath.Join("testdata/publishednodes", name+".golden")
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	}
	golden, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(golden), text)
	assert.NotContains(t, text, "do-not-print-me")

	d := parseAll(string(result.Twin))
	require.Empty(t, d.Findings, "what is printed is taken")
	require.Len(t, d.Signals, result.Signals)
	return d
}

func TestPublishedNodesBecomeSignals(t *testing.T) {
	d := requireConverted(t, "plant")

	temperature := d.Signals["Press_2_temperature"]
	assert.Equal(t, "input:opc", temperature.Source.String())
	assert.Equal(t, module.FormatOPCSamples, temperature.Format)
	assert.Equal(t, "Press 2 temperature", temperature.Node)
	assert.Equal(t, 500*time.Millisecond, temperature.SamplingInterval)
	assert.Equal(t, time.Minute, temperature.HeartbeatInterval)
	assert.Equal(t, "absolute", temperature.DeadbandType)
	assert.InDelta(t, 0.5, temperature.DeadbandValue, 0)
	assert.Equal(t, "statusValue", temperature.DataChangeTrigger)
	assert.Equal(t, "Press_line", temperature.PublishGroup)
	assert.Equal(t, module.PublishGroup{Interval: 5 * time.Second, MaxBytes: 200000, MaxSamples: 100}, d.Groups["Press_line"])

	state := d.Signals["Press1_State"]
	assert.Equal(t, "statusValueTimestamp", state.DataChangeTrigger)
	assert.True(t, state.SkipFirst)
	assert.Equal(t, 10, state.QueueSize, "2 a second, for 5 seconds")
	assert.True(t, state.DiscardNew)

	assert.Equal(t, time.Minute, d.Groups[d.Signals["i5001"].PublishGroup].Interval)
	assert.Equal(t, "always", d.Signals["i5001"].DataChangeTrigger, "a cyclic read sends each value")
	assert.Equal(t, 1, d.Signals["i5001"].QueueSize, "60 are sampled a publishing interval, 1 is kept")

	zone := d.Signals["Zone"]
	assert.Equal(t, "nsu=http://contoso.com/Oven;s=Zone1", zone.Node, "two nodes have its DisplayName")
	assert.Equal(t, 10*time.Minute, zone.HeartbeatInterval)
	assert.Equal(t, "periodicLKG", zone.HeartbeatBehavior)
	assert.Equal(t, "Zone", d.Signals["Zone_2"].DisplayName)
	assert.Equal(t, module.PublishGroup{Interval: 10 * time.Second, MaxBytes: 200000, MaxSamples: 50}, d.Groups[zone.PublishGroup], "as OPC Publisher does where nothing is said")
}

func TestPublishedNodesOfOldVersionsBecomeSignals(t *testing.T) {
	d := requireConverted(t, "legacy")

	assert.Equal(t, "ns=0;i=2258", d.Signals["i2258"].Node)
	assert.Equal(t, "nsu=http://opcfoundation.org/UA/;i=2259", d.Signals["i2259"].Node)
	assert.Equal(t, 2*time.Second, d.Signals["i2267"].SamplingInterval, "a number in quotes")
	assert.Equal(t, 2, d.Signals["i2267"].QueueSize, "two publishing intervals, each with one of three values")
}

func TestTheAnswerOfAMethodBecomesSignals(t *testing.T) {
	d := requireConverted(t, "method")

	slow := d.Signals["SlowUInt1"]
	assert.Equal(t, module.FormatOPCPubSub, slow.Format)
	assert.Equal(t, 10*time.Second, slow.SamplingInterval)
	assert.Equal(t, 50*time.Second, slow.HeartbeatInterval)
	assert.Zero(t, slow.QueueSize)
	assert.Equal(t, "Fast/1", d.Signals["Fast_1"].Node)
	assert.Equal(t, 12, d.Signals["Fast_1"].QueueSize, "one each five seconds of a minute")
	assert.Equal(t, 24*time.Hour, d.Signals["StepUp"].HeartbeatInterval)
}

func TestPublishedNodesOfAPlantFitATwin(t *testing.T) {
	var nodes []string
	for i := range 200 {
		nodes = append(nodes, fmt.Sprintf(`{"Id": "ns=2;s=Line3.Press%02d.Temperature%d", "DisplayName": "Press%02dTemp%d", "OpcSamplingInterval": %d,
			"HeartbeatInterval": 60, "DeadbandType": "Absolute", "DeadbandValue": %g, "SkipFirst": true}`, i/4, i%4, i/4, i%4, 500+500*(i%2), 0.5+float64(i%3)))
	}
	result, err := publishednodes.Convert([]byte(`[{"EndpointUrl": "opc.tcp://h", "OpcNodes": [`+strings.Join(nodes, ",")+`]}]`), "opc")
	require.NoError(t, err)

	size, err := Size(result.Twin)
	require.NoError(t, err)
	t.Logf("200 nodes: %d bytes as IoT Hub counts", size)
	assert.Less(t, size, 10000)
	d := parseAll(string(result.Twin))
	require.Empty(t, d.Findings)
	assert.Len(t, d.Signals, 200)
}

func FuzzPublishedNodes(f *testing.F) {
	for _, name := range []string{"plant", "legacy", "method"} {
		document, err := os.ReadFile(filepath.Join("testdata/publishednodes", name+".json"))
		require.NoError(f, err)
		f.Add(document)
	}
	f.Add([]byte(`{"OpcNodes": [{"Id": "x", "OpcSamplingInterval": -1e300, "HeartbeatInterval": 1e300, "QueueSize": 1e300, "DeadbandType": "absolute", "DeadbandValue": 1e308}]}`))
	f.Add([]byte(`{"OpcNodes": [{"Id": "${env:X}", "DisplayName": "${env:X}", "OpcPublishingIntervalTimespan": "9999999.99:99:99.9999999"}], "BatchSize": 1}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		result, err := publishednodes.Convert(document, "opc")
		if err != nil {
			return
		}
		d := parseAll(string(result.Twin))
		for _, finding := range d.Findings {
			assert.Equal(t, module.Warning, finding.Severity, "%v in %s", finding, result.Twin)
		}
		assert.Len(t, d.Signals, result.Signals)
	})
}
