package publishednodes

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What comes of whole files is tested where it is read: TestPublishedNodesBecomeSignals in package twin.

// converted returns the line of the only signal that comes of a node, and the notes.
func converted(t *testing.T, node string) (line, notes string) {
	t.Helper()
	result, err := Convert([]byte(`[{"EndpointUrl": "opc.tcp://h", "OpcNodes": [`+node+`]}]`), "in")
	require.NoError(t, err)
	require.Equal(t, 1, result.Signals)
	return string(result.Twin), strings.Join(result.Notes, "\n")
}

func TestFieldsOfANode(t *testing.T) {
	for name, test := range map[string]struct{ node, want string }{
		"keys in any case":              {`{"ID": "s=x", "skipfirst": true}`, `"skipFirst": true`},
		"a timespan before a number":    {`{"Id": "s=x", "HeartbeatInterval": 5, "HeartbeatIntervalTimespan": "00:01:00"}`, `"heartbeatIntervalMs": 60000`},
		"seconds":                       {`{"Id": "s=x", "HeartbeatInterval": 5}`, `"heartbeatIntervalMs": 5000`},
		"the shortest heartbeat":        {`{"Id": "s=x", "HeartbeatIntervalTimespan": "00:00:00.010"}`, `"heartbeatIntervalMs": 100`},
		"a behavior of another version": {`{"Id": "s=x", "HeartbeatInterval": 5, "HeartbeatBehavior": "ContinuousLKG"}`, `"heartbeatBehavior": "periodicLKG"`},
		"sampled as published":          {`{"Id": "s=x", "OpcSamplingInterval": -1, "OpcPublishingInterval": 5000}`, `"samplingIntervalMs": 5000`},
		"any trigger":                   {`{"Id": "s=x", "DataChangeTrigger": "status"}`, `"dataChangeTrigger": "status"`},
		"input":                         {`{"Id": "s=x"}`, `"source": "input:in"`},
	} {
		line, _ := converted(t, test.node)
		assert.Contains(t, line, test.want, name)
	}
}

func TestWhatSaysNothingIsNotWritten(t *testing.T) {
	line, notes := converted(t, `{"Id": "s=x", "DisplayName": "", "HeartbeatInterval": 0, "DeadbandType": "Absolute", "DeadbandValue": -1,
		"SkipFirst": false, "QueueSize": 1, "OpcSamplingInterval": 0, "OpcPublishingInterval": 0, "HeartbeatBehavior": "PeriodicLKV"}`)
	for _, field := range []string{"displayName", "heartbeat", "deadband", "skipFirst", "samplingIntervalMs", "templates"} {
		assert.NotContains(t, line, field)
	}
	assert.Equal(t, "EndpointUrl: "+connects, notes)
}

func TestWhatHasNoEquivalentIsANote(t *testing.T) {
	for node, want := range map[string]string{
		`{"Id": "s=x", "DeadbandType": "Percent", "DeadbandValue": 1}`:                                 "DeadbandType: Percent is of the server's EURange",
		`{"Id": "s=x", "DeadbandType": "Absolute", "DeadbandValue": 1, "DataChangeTrigger": "Status"}`: "DeadbandType: has no effect there either",
		`{"Id": "s=x", "UseCyclicRead": true}`:                                                         "UseCyclicRead: " + reads + " (s=x)",
		`{"Id": "s=x", "DataChangeTrigger": "Never"}`:                                                  "DataChangeTrigger: is not a word that is known",
		`{"Id": "s=x", "HeartbeatInterval": 1, "HeartbeatBehavior": "Sometimes"}`:                      "HeartbeatBehavior: a heartbeat keeps its source timestamp",
		`{"Id": "s=x", "Topic": "t"}`:                                                                  "Topic: " + transports,
		`{"Id": "s=x", "Sampling": 1}`:                                                                 "Sampling: is not a key of published nodes that is known (s=x)",
		`{"Id": "s=x"}, {"DisplayName": "no id"}`:                                                      "OpcNodes: one has no Id",
		`{"Id": "s=x"}, 5`: "OpcNodes: one is not an object",
		`{"Id": "s=x"}, {"Id": "i=2253", "EventFilter": {}}`: "EventFilter: events are not values",
	} {
		_, notes := converted(t, node)
		assert.Contains(t, notes, want)
	}
}

func TestANoteIsToldOnceForManyNodes(t *testing.T) {
	var nodes []string
	for i := range 50 {
		nodes = append(nodes, fmt.Sprintf(`{"Id": "i=%d", "RegisterNode": true}`, i))
	}
	result, err := Convert([]byte(`{"OpcNodes": [`+strings.Join(nodes, ",")+`]}`), "in")
	require.NoError(t, err)
	assert.Equal(t, []string{"RegisterNode: " + reads + " (i=0 and 49 more)"}, result.Notes)
}

func TestTheFirstEntryOfAWriterGroupDecides(t *testing.T) {
	result, err := Convert([]byte(`[{"DataSetWriterGroup": "g", "BatchSize": 7, "OpcNodes": [{"Id": "s=a"}]},
		{"DataSetWriterGroup": "g", "BatchSize": 9, "OpcNodes": [{"Id": "s=b"}]}, {"BatchSize": 1, "OpcNodes": [{"Id": "s=c"}]}]`), "in")
	require.NoError(t, err)
	assert.Contains(t, string(result.Twin), `"maxSamples": 7`)
	assert.NotContains(t, string(result.Twin), `"maxSamples": 9`)
	assert.Contains(t, result.Notes, "BatchSize: the first entry of a writer group decides")
	assert.Contains(t, string(result.Twin), `"c": { "node": "s=c" }`, "a batch of one is none")
}

func TestWhatIsNotPublishedNodesIsAnError(t *testing.T) {
	for document, want := range map[string]string{
		``:                          "it is not a JSON array of entries",
		`"x"`:                       "it is not a JSON array of entries",
		`[{"EndpointUrl": "x"}, 1]`: "entry 2 is not an object",
		`[]`:                        "there is no node with values in them",
		`{"OpcNodes": [{"Id": "i=2253", "EventFilter": {}}]}`: "there is no node with values in them",
	} {
		_, err := Convert([]byte(document), "in")
		assert.ErrorContains(t, err, want, document)
	}
}

func TestTimespans(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"00:00:10": 10 * time.Second, "1.02:03:04.5": 26*time.Hour + 3*time.Minute + 4500*time.Millisecond, "0:05": 5 * time.Minute,
		"00:00:00.0000001": 100, " 00:00:01 ": time.Second, "9999999.00:00:00": longest,
	} {
		d, ok := timespan(text)
		assert.True(t, ok, text)
		assert.Equal(t, want, d, text)
	}
	for _, text := range []string{"", "10", "-00:00:10", "a", "00:00:00:00"} {
		_, ok := timespan(text)
		assert.False(t, ok, text)
	}
}

func TestNamesOfSignals(t *testing.T) {
	long := strings.Repeat("x", 70)
	result, err := Convert([]byte(`{"OpcNodes": [{"Id": "ns=2;s=Line 1/Press.Temp"}, {"Id": "ns=2;i=7"}, {"Id": "http://contoso.com/UA#s=Level"},
		{"Id": "ns=3;i=7"}, {"Id": "ns=2;s=ü"}, {"Id": "s=`+long+`"}, {"Id": "s=`+long+`"}, {"Id": "odd"}, {"Id": "s=y", "DisplayName": "Öl Temp."}]}`), "in")
	require.NoError(t, err)
	for _, name := range []string{"Line_1_Press_Temp", "i7", "i7_2", "Level", "node", long[:64], long[:62] + "_2", "odd", "l_Temp"} {
		assert.Contains(t, string(result.Twin), "\n    \""+name+`": {`)
	}
}
