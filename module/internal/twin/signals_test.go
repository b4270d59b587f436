package twin

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// parseSignal reads a document with a guest "g", a publish group "minute" and the fields of one signal, "s".
func parseSignal(fields string) module.Desired {
	return parseAll(documentOf(`"guests": {"g": {"source": "file:g.wasm"}}`, `"publishGroups": {"minute": {"maxSamples": 10}}`,
		`"signals": {"s": {`+fields+`}}`))
}

func TestSignalFindings(t *testing.T) {
	for name, test := range map[string]struct{ fields, path, reason, hint string }{
		"no source":             {`"output": "o"`, "source", "is missing", `"input:NAME", "signal:NAME" or "timer"`},
		"a bare name":           {`"source": "sensor"`, "source", `must be "input:NAME", "signal:NAME" or "timer"`, `did you mean "input:sensor"?`},
		"unknown source":        {`"source": "mqtt:x"`, "source", `must be "input:NAME"`, ""},
		"named timer":           {`"source": "timer:x", "samplingIntervalMs": 10, "guest": "g"`, "source", `must be "input:NAME"`, ""},
		"bad input name":        {`"source": "input:a/b"`, "source", "is not a name", ""},
		"input without name":    {`"source": "input:"`, "source", "is not a name", ""},
		"source and sources":    {`"source": "input:i", "sources": {"a": "input:j"}`, "sources", "give source or sources, not both", ""},
		"bad one of several":    {`"sources": {"a": "input:i", "b": "j"}`, "sources.b", `must be "input:NAME"`, `did you mean "input:j"?`},
		"sources as a list":     {`"sources": ["input:i"]`, "sources", "must be an object, is an array", ""},
		"timer, no interval":    {`"source": "timer", "guest": "g"`, "samplingIntervalMs", "a timer needs an interval of 10 or more", ""},
		"timer, too fast":       {`"source": "timer", "guest": "g", "samplingIntervalMs": 9`, "samplingIntervalMs", "a timer needs an interval of 10 or more", ""},
		"timer among several":   {`"sources": {"t": "timer"}, "guest": "g"`, "samplingIntervalMs", "a timer needs an interval", ""},
		"timer without guest":   {`"source": "timer", "samplingIntervalMs": 10`, "guest", "a tick of a timer is work for a guest", ""},
		"unknown format":        {`"source": "input:i", "format": "opcsamples"`, "format", "must be one of json, opcSamples", `did you mean "opcSamples"?`},
		"selector with dots":    {`"source": "input:i", "selector": "$.machine.temperature"`, "selector", "must be a JSON Pointer", `did you mean "/machine/temperature"?`},
		"selector, lone tilde":  {`"source": "input:i", "selector": "/a~b"`, "selector", "~ stands alone", "~0"},
		"selector as number":    {`"source": "input:i", "selector": 0`, "selector", "must be a string, is a number", ""},
		"where without pointer": {`"source": "input:i", "where": {"unit": "C"}`, "where.unit", "must be a JSON Pointer", `did you mean "/unit"?`},
		"where with an object":  {`"source": "input:i", "where": {"/unit": {}}`, `where["/unit"]`, "must be a string, number or boolean", ""},
		"time selector":         {`"source": "input:i", "timestampSelector": "at"`, "timestampSelector", "must be a JSON Pointer", `did you mean "/at"?`},
		"quality selector":      {`"source": "input:i", "qualitySelector": "q"`, "qualitySelector", "must be a JSON Pointer", `did you mean "/q"?`},
		"partition by name":     {`"source": "input:i", "partitionBy": "unit"`, "partitionBy", "must be a JSON Pointer or property:NAME", `did you mean "/unit"?`},
		"partition by nothing":  {`"source": "input:i", "partitionBy": "property:"`, "partitionBy", "a property needs a name", ""},
		"no partitions":         {`"source": "input:i", "maxPartitions": 0`, "maxPartitions", "must be from 1 to 100000, is 0", ""},
		"guest that is not":     {`"source": "input:i", "guest": "h"`, "guest", `there is no guest "h"`, ""},
		"unknown type":          {`"source": "input:i", "dataType": "float"`, "dataType", "must be one of double, int64, string, boolean, json, auto", ""},
		"scale of text":         {`"source": "input:i", "dataType": "string", "scale": 2`, "scale", "is for numbers only", ""},
		"offset of truth":       {`"source": "input:i", "dataType": "boolean", "offset": 1`, "offset", "is for numbers only", ""},
		"scale beyond numbers":  {`"source": "input:i", "scale": 1e999`, "scale", "is too large a number", ""},
		"range upside down":     {`"source": "input:i", "rangeMin": 5, "rangeMax": 5`, "rangeMin", "must be less than rangeMax", ""},
		"range action":          {`"source": "input:i", "rangeAction": "clip"`, "rangeAction", "must be one of uncertain, clamp, drop", ""},
		"negative interval":     {`"source": "input:i", "samplingIntervalMs": -1`, "samplingIntervalMs", "must be from 0 to 2678400000, is -1", ""},
		"deadband in capitals":  {`"source": "input:i", "deadbandType": "Percent"`, "deadbandType", "must be one of none, absolute, percent", `did you mean "percent"?`},
		"percent without range": {`"source": "input:i", "deadbandType": "percent", "rangeMin": 1`, "deadbandType", "percent needs a range", "rangeMin and rangeMax"},
		"percent over 100":      {`"source": "input:i", "deadbandType": "percent", "deadbandValue": 101, "rangeMin": 0, "rangeMax": 9`, "deadbandValue", "must be from 0 to 100 percent", ""},
		"negative deadband":     {`"source": "input:i", "deadbandValue": -0.5`, "deadbandValue", "must be 0 or more, is -0.5", ""},
		"unknown trigger":       {`"source": "input:i", "dataChangeTrigger": "value"`, "dataChangeTrigger", "must be one of status, statusValue, statusValueTimestamp, always", ""},
		"unknown heartbeat":     {`"source": "input:i", "heartbeatBehavior": "LKV"`, "heartbeatBehavior", "must be one of watchdogLKV", ""},
		"skipFirst as text":     {`"source": "input:i", "skipFirst": "true"`, "skipFirst", "must be true or false, is a string", "write it without quotes"},
		"group that is not":     {`"source": "input:i", "publishGroup": "minutes"`, "publishGroup", `there is no publish group "minutes"`, `did you mean "minute"?`},
		"dead letters":          {`"source": "input:i", "output": "deadletter"`, "output", `output "deadletter" is kept for what cannot be processed`, ""},
		"bad output":            {`"source": "input:i", "output": "a/b"`, "output", "is not a name", ""},
		"unknown payload":       {`"source": "input:i", "payload": "sample"`, "payload", "must be one of samples, flat, opcPubSub", `did you mean "samples"?`},
		"sender's property":     {`"source": "input:i", "properties": {"deviceId": "d"}`, "properties.deviceId", `edgeHub would take the property "deviceId" for the sender`, ""},
		"reserved property":     {`"source": "input:i", "properties": {"mqtt-qos": "0"}`, "properties.mqtt-qos", `names that begin with "mqtt-" are reserved`, ""},
		"system property":       {`"source": "input:i", "properties": {"$.mid": "1"}`, `properties["$.mid"]`, `names that begin with "$" are reserved`, ""},
		"nameless property":     {`"source": "input:i", "properties": {"": "1"}`, `properties[""]`, "a property needs a name", ""},
		"property as number":    {`"source": "input:i", "properties": {"line": 3}`, "properties.line", "must be a string, is a number", "write it in quotes"},
		"template that is not":  {`"source": "input:i", "use": "temp"`, "use", `there is no template "temp"`, ""},
		"template as object":    {`"source": "input:i", "use": {}`, "use", "must be a string, is an object", ""},
		"misspelled key":        {`"source": "input:i", "deadBandValue": 1`, "deadBandValue", "unknown key", `did you mean "deadbandValue"?`},
		"strange key":           {`"source": "input:i", "color": "red"`, "color", "unknown key", ""},
		"own settings too long": {`"source": "input:i", "settings": {"t": "` + strings.Repeat("x", 16384) + `"}`, "settings", "must be 16384 bytes of JSON at most", ""},
		"property unset":        {`"source": "input:i", "properties": {"line": "${env:NOWHERE}"}`, "properties.line", `"${env:NOWHERE}" has no value on this device`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := parseSignal(test.fields)
			f := requireFinding(t, d, "signals.s."+test.path)
			assert.Contains(t, f.Reason, test.reason)
			assert.Contains(t, f.Hint, test.hint)
			if test.hint == "" {
				assert.NotContains(t, f.Hint, "did you mean")
			}
			assert.Equal(t, signalEntry("s"), f.Entry)
			assert.Len(t, d.Findings, 1, "one mistake, one finding: %v", d.Findings)
			assert.NotContains(t, d.Signals, module.SignalName("s"))
		})
	}
}

func TestASignalWithEveryField(t *testing.T) {
	d := parseSignal(`"status": "stopped", "sources": {"a": "input:i", "b": "timer"}, "format": "opcPubSub", "selector": "/a/*/b",
		"where": {"/unit": "C", "/slave": 3, "/on": true}, "timestampSelector": "/t", "qualitySelector": "/q", "node": "ns=2;s=X",
		"partitionBy": "property:line", "maxPartitions": 4, "guest": "g", "dataType": "double", "scale": 0.1, "offset": -3,
		"rangeMin": 0, "rangeMax": 150, "rangeAction": "clamp", "unit": "Cel", "displayName": "Press of ${deviceId}",
		"samplingIntervalMs": 500, "deadbandType": "percent", "deadbandValue": 0.5, "dataChangeTrigger": "status",
		"heartbeatIntervalMs": 60000, "heartbeatBehavior": "periodicLKG", "skipFirst": true, "publishGroup": "minute",
		"queueSize": 10, "discardNew": true, "output": "", "payload": "flat", "properties": {"of": "${signal}"}, "settings": {"k": 1}`)

	require.Empty(t, d.Findings)
	least, most := 0.0, 150.0
	assert.Equal(t, module.Signal{
		Name: "s", Status: module.StatusStopped,
		Sources: map[string]module.Source{"a": {Kind: module.SourceInput, Name: "i"}, "b": {Kind: module.SourceTimer}},
		Format:  module.FormatOPCPubSub, Selector: "/a/*/b", Where: map[string]string{"/unit": "C", "/slave": "3", "/on": "true"},
		TimestampSelector: "/t", QualitySelector: "/q", Node: "ns=2;s=X", PartitionBy: "property:line", MaxPartitions: 4,
		DataType: "double", Scale: 0.1, Offset: -3, RangeMin: &least, RangeMax: &most, RangeAction: "clamp", Unit: "Cel",
		DisplayName: "Press of press-7", SamplingInterval: 500 * time.Millisecond, DeadbandType: "percent", DeadbandValue: 0.5,
		DataChangeTrigger: "status", HeartbeatInterval: time.Minute, HeartbeatBehavior: "periodicLKG", SkipFirst: true,
		Guest: "g", PublishGroup: "minute", QueueSize: 10, DiscardNew: true, Output: module.OutputNone, Payload: "flat",
		Properties: map[string]string{"of": "s"}, Settings: []byte(`{"k":1}`),
	}, d.Signals["s"])
}

func TestATimerSignal(t *testing.T) {
	d := parseSignal(`"source": "timer", "samplingIntervalMs": 10, "guest": "g"`)

	require.Empty(t, d.Findings)
	assert.Equal(t, module.Source{Kind: module.SourceTimer}, d.Signals["s"].Source)
	assert.Equal(t, 10*time.Millisecond, d.Signals["s"].SamplingInterval)
}

func TestTheTriggerFollowsTheDeadband(t *testing.T) {
	assert.Equal(t, "always", parseSignal(`"source": "input:i"`).Signals["s"].DataChangeTrigger)
	assert.Equal(t, "statusValue", parseSignal(`"source": "input:i", "deadbandType": "absolute"`).Signals["s"].DataChangeTrigger)
}

func TestAReferenceToARefusedGuestIsNoReasonToRefuse(t *testing.T) {
	d := parseAll(documentOf(`"guests": {"bad": {"source": "edge:x"}, "worse": 5}`, `"signals": {
		"kept": {"source": "input:i", "guest": "bad", "settings": {"a": null, "b": 1}},
		"kept2": {"source": "input:i", "guest": "worse"},
		"lost": {"source": "input:i", "guest": "bed"}}`))

	assert.Contains(t, d.Signals, module.SignalName("kept"))
	assert.Contains(t, d.Signals, module.SignalName("kept2"))
	f := requireFinding(t, d, "signals.lost.guest")
	assert.Equal(t, `there is no guest "bed"`, f.Reason)
	assert.Equal(t, `did you mean "bad"?`, f.Hint)
	assert.JSONEq(t, `{"a": null, "b": 1}`, string(d.Signals["kept"].Settings), "its own, for the last good guest")
}

func TestAReferenceToARefusedPublishGroupSaysSo(t *testing.T) {
	d := parseAll(documentOf(`"publishGroups": {"p": {"maxBytes": 200001}}`, `"signals": {"s": {"source": "input:i", "publishGroup": "p"}}`))

	assert.Contains(t, requireFinding(t, d, "publishGroups.p.maxBytes").Reason, "must be from 1024 to 200000, is 200001")
	f := requireFinding(t, d, "signals.s.publishGroup")
	assert.Equal(t, `publish group "p" was refused`, f.Reason)
	assert.Equal(t, "see publishGroups.p.maxBytes", f.Hint)
}

func TestPublishGroups(t *testing.T) {
	d := parseAll(documentOf(`"publishGroups": {"minute": {"intervalMs": 60000, "maxBytes": 100000, "maxSamples": 500}, "plain": {"maxSamples": 0}}`))

	require.Empty(t, d.Findings)
	assert.Equal(t, module.PublishGroup{Interval: time.Minute, MaxBytes: 100000, MaxSamples: 500}, d.Groups["minute"])
	assert.Equal(t, module.PublishGroup{Interval: 10 * time.Second, MaxBytes: 200000}, d.Groups["plain"])
}

func TestATimerIsNoSourceForAService(t *testing.T) {
	d := Parse([]byte(documentOf(`"guests": {"g": {"source": "file:x", "run": "service", "limits": {"cpuPercent": 5}}}`,
		`"signals": {"ticks": {"source": "timer", "samplingIntervalMs": 1000, "guest": "g"}, "reads": {"source": "input:i", "guest": "g"}}`)), device)
	f := requireFinding(t, d, "signals.ticks.source")
	assert.Equal(t, `guest "g" is a service, which hears of no ticks`, f.Reason)
	assert.Equal(t, module.RunService, d.Guests["g"].Run)
	assert.Contains(t, d.Signals, module.SignalName("reads"))
	assert.Len(t, d.Findings, 1)
}
