package twin

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// parseSignal reads a document with a guest "g", a publish group "minute", a signal "other" and the fields of one signal, "s".
func parseSignal(fields string) module.Desired {
	return parseAll(documentOf(`"guests": {"g": {"source": "file:g.wasm"}}`, `"publishGroups": {"minute": {"maxSamples": 10}}`,
		`"signals": {"other": {"source": "input:i"}, "s": {`+fields+`}}`))
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
		"companion alone":       {`"source": "input:i", "timestampSelector": "/t"`, "timestampSelector", "without a selector the signal takes whole messages", "give a selector"},
		"conditions of none":    {`"source": "input:i", "scale": 2, "deadbandType": "absolute", "heartbeatIntervalMs": 1000`, "scale", "without a selector the signal takes whole messages", "give a selector"},
		"type of none":          {`"source": "input:i", "dataType": "double"`, "dataType", "without a selector the signal takes whole messages", ""},
		"whole among several":   {`"sources": {"a": "input:i", "b": "signal:other"}, "guest": "g", "offset": 1`, "offset", "without a selector the signal takes whole messages", ""},
		"selector in OPC":       {`"source": "input:i", "format": "opcSamples", "node": "n", "selector": "/v"`, "selector", "is for the format json", "node finds values"},
		"where in Modbus":       {`"source": "input:i", "format": "modbus", "node": "n", "where": {"/a": 1}`, "where", "is for the format json", ""},
		"node in json":          {`"source": "input:i", "node": "n"`, "node", "is for the formats opcSamples, opcPubSub and modbus", "give format"},
		"star without selector": {`"source": "input:i", "where": {"/a/*/b": 1}`, `where["/a/*/b"]`, "its * must be one of the selector's", ""},
		"star elsewhere":        {`"source": "input:i", "selector": "/a/*/v", "timestampSelector": "/b/*/t"`, "timestampSelector", "its * must be one of the selector's", `begin it with "/a/*"`},
		"star too many":         {`"source": "input:i", "selector": "/a/*/v", "qualitySelector": "/a/*/q/*"`, "qualitySelector", "its * must be one of the selector's", `begin it with "/a/*"`},
		"star of partitions":    {`"source": "input:i", "selector": "/v", "partitionBy": "/*/id"`, "partitionBy", "its * must be one of the selector's", ""},
		"messages of a timer":   {`"source": "timer", "samplingIntervalMs": 10, "guest": "g", "selector": "/v", "scale": 2`, "selector", "all that this signal gets are the ticks of a timer", ""},
		"heartbeat of a timer":  {`"source": "timer", "samplingIntervalMs": 10, "guest": "g", "heartbeatIntervalMs": 1000`, "heartbeatIntervalMs", "all that this signal gets are the ticks of a timer", ""},
		"partitions of a timer": {`"source": "timer", "samplingIntervalMs": 10, "guest": "g", "partitionBy": "/id"`, "partitionBy", "all that this signal gets are the ticks of a timer", ""},
		"partitions and timer":  {`"sources": {"t": "timer", "i": "input:i"}, "samplingIntervalMs": 10, "guest": "g", "partitionBy": "/id"`, "partitionBy", "a tick has no key", "a signal of their own"},
		"two timers":            {`"sources": {"t": "timer", "u": "timer"}, "samplingIntervalMs": 10, "guest": "g"`, "sources", "names a source more than once", ""},
		"an input twice":        {`"sources": {"t": "input:i", "u": "input:i"}, "guest": "g"`, "sources", "names a source more than once", ""},
		"missing among several": {`"sources": {"t": "input:i", "u": "signal:othr"}, "guest": "g"`, "sources.u", `there is no signal "othr"`, `did you mean "other"?`},
		"range of text":         {`"source": "input:i", "selector": "/v", "dataType": "string", "rangeMax": 2`, "rangeMax", "is for numbers only", ""},
		"scale of nothing":      {`"source": "input:i", "selector": "/v", "scale": 0`, "scale", "must not be 0", ""},
		"heartbeat too fast":    {`"source": "input:i", "selector": "/v", "heartbeatIntervalMs": 60`, "heartbeatIntervalMs", "must be 0 for none, or 100 or more", "it is in milliseconds"},
		"no partitions":         {`"source": "input:i", "maxPartitions": 0`, "maxPartitions", "must be from 1 to 100000, is 0", ""},
		"guest that is not":     {`"source": "input:i", "guest": "h"`, "guest", `there is no guest "h"`, ""},
		"unknown type":          {`"source": "input:i", "dataType": "float"`, "dataType", "must be one of double, int64, string, boolean, json, auto", ""},
		"scale of text":         {`"source": "input:i", "selector": "/v", "dataType": "string", "scale": 2`, "scale", "is for numbers only", ""},
		"offset of truth":       {`"source": "input:i", "selector": "/v", "dataType": "boolean", "offset": 1`, "offset", "is for numbers only", ""},
		"scale beyond numbers":  {`"source": "input:i", "scale": 1e999`, "scale", "is too large a number", ""},
		"range upside down":     {`"source": "input:i", "selector": "/v", "rangeMin": 5, "rangeMax": 5`, "rangeMin", "must be less than rangeMax", ""},
		"range action":          {`"source": "input:i", "rangeAction": "clip"`, "rangeAction", "must be one of uncertain, clamp, drop", ""},
		"negative interval":     {`"source": "input:i", "samplingIntervalMs": -1`, "samplingIntervalMs", "must be from 0 to 2678400000, is -1", ""},
		"deadband in capitals":  {`"source": "input:i", "deadbandType": "Percent"`, "deadbandType", "must be one of none, absolute, percent", `did you mean "percent"?`},
		"percent without range": {`"source": "input:i", "selector": "/v", "deadbandType": "percent", "rangeMin": 1`, "deadbandType", "percent needs a range", "rangeMin and rangeMax"},
		"percent over 100":      {`"source": "input:i", "selector": "/v", "deadbandType": "percent", "deadbandValue": 101, "rangeMin": 0, "rangeMax": 9`, "deadbandValue", "must be from 0 to 100 percent", ""},
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
	d := parseSignal(`"status": "stopped", "sources": {"a": "input:i", "b": "signal:other"}, "selector": "/a/*/b",
		"where": {"/a/*/unit": "C", "/slave": 3, "/on": true}, "timestampSelector": "/a/*/t", "qualitySelector": "/q",
		"partitionBy": "property:line", "maxPartitions": 4, "guest": "g", "dataType": "double", "scale": 0.1, "offset": -3,
		"rangeMin": 0, "rangeMax": 150, "rangeAction": "clamp", "unit": "Cel", "displayName": "Press of ${deviceId}",
		"samplingIntervalMs": 500, "deadbandType": "percent", "deadbandValue": 0.5, "dataChangeTrigger": "statusValueTimestamp",
		"heartbeatIntervalMs": 60000, "heartbeatBehavior": "periodicLKG", "skipFirst": true, "publishGroup": "minute",
		"queueSize": 10, "discardNew": true, "output": "o", "payload": "flat", "properties": {"of": "${signal}"}, "settings": {"k": 1}`)

	require.Empty(t, d.Findings)
	least, most := 0.0, 150.0
	assert.Equal(t, module.Signal{
		Name: "s", Status: module.StatusStopped,
		Sources: map[string]module.Source{"a": {Kind: module.SourceInput, Name: "i"}, "b": {Kind: module.SourceSignal, Name: "other"}},
		Format:  module.FormatJSON, Selector: "/a/*/b", Where: map[string]string{"/a/*/unit": "C", "/slave": "3", "/on": "true"},
		TimestampSelector: "/a/*/t", QualitySelector: "/q", PartitionBy: "property:line", MaxPartitions: 4,
		DataType: "double", Scale: 0.1, Offset: -3, RangeMin: &least, RangeMax: &most, RangeAction: "clamp", Unit: "Cel",
		DisplayName: "Press of press-7", SamplingInterval: 500 * time.Millisecond, DeadbandType: "percent", DeadbandValue: 0.5,
		DataChangeTrigger: "statusValueTimestamp", HeartbeatInterval: time.Minute, HeartbeatBehavior: "periodicLKG", SkipFirst: true,
		Guest: "g", PublishGroup: "minute", QueueSize: 10, DiscardNew: true, Output: "o", Payload: "flat",
		Properties: map[string]string{"of": "s"}, Settings: []byte(`{"k":1}`),
	}, d.Signals["s"])
}

func TestWhatHasNoEffectIsWorthAWarning(t *testing.T) {
	const value = `"source": "input:i", "selector": "/v", `
	for name, test := range map[string]struct{ fields, path, reason string }{
		"queue of nothing":       {value + `"queueSize": 5`, "queueSize", "without publishGroup"},
		"discards from nothing":  {value + `"discardNew": true`, "discardNew", "without publishGroup"},
		"partitions of none":     {value + `"maxPartitions": 5`, "maxPartitions", "without partitionBy"},
		"value without deadband": {value + `"deadbandValue": 5`, "deadbandValue", "without deadbandType"},
		"deadband of text":       {value + `"deadbandType": "absolute", "deadbandValue": 5, "dataType": "string"`, "deadbandType", "any change is a change"},
		"deadband and status":    {value + `"deadbandType": "absolute", "dataChangeTrigger": "status"`, "deadbandType", "dataChangeTrigger"},
		"deadband and always":    {value + `"deadbandType": "absolute", "dataChangeTrigger": "always"`, "deadbandType", "dataChangeTrigger"},
		"action without range":   {value + `"rangeAction": "drop"`, "rangeAction", "without rangeMin or rangeMax"},
		"no heartbeat":           {value + `"heartbeatBehavior": "periodicLKV"`, "heartbeatBehavior", "without heartbeatIntervalMs"},
		"shape of messages":      {`"source": "input:i", "payload": "flat"`, "payload", "the shape of values"},
		"several without guest":  {`"sources": {"a": "input:i", "b": "input:j"}`, "sources", "nothing tells their values apart"},
		"all tags as one":        {`"source": "input:i", "format": "modbus"`, "format", "the values of all tags are taken for those of one"},
		"reading what stopped":   {`"source": "signal:off"`, "source", `signal "off" is stopped`},
	} {
		t.Run(name, func(t *testing.T) {
			d := parseAll(documentOf(`"signals": {"off": {"source": "input:i", "status": "stopped"}, "s": {` + test.fields + `}}`))
			f := requireFinding(t, d, "signals.s."+test.path)
			assert.Contains(t, f.Reason, test.reason)
			assert.Equal(t, module.Warning, f.Severity)
			assert.Len(t, d.Findings, 1, "%v", d.Findings)
			assert.Contains(t, d.Signals, module.SignalName("s"))
		})
	}
}

func TestWhatGoesTogether(t *testing.T) {
	for name, fields := range map[string]string{
		"values of a signal need no selector": `"source": "signal:other", "scale": 2, "deadbandType": "absolute", "heartbeatIntervalMs": 1000, "dataType": "double"`,
		"whole messages thinned out":          `"source": "input:i", "samplingIntervalMs": 1000, "where": {"/a": 1}, "dataType": "json", "partitionBy": "property:id"`,
		"a timer beside inputs":               `"sources": {"clock": "timer", "a": "input:i"}, "samplingIntervalMs": 1000, "guest": "g", "selector": "/v", "scale": 2`,
		"a star in the same element":          `"source": "input:i", "selector": "/a/*/b/*/v", "timestampSelector": "/a/*/t", "where": {"/a/*/b/*/u": "C"}, "partitionBy": "/a/*/id"`,
		"a star as the last step":             `"source": "input:i", "selector": "/a/*", "timestampSelector": "/a/*/t"`,
		"tags told apart":                     `"source": "input:i", "format": "opcSamples", "partitionBy": "/NodeId"`,
		"whole messages gathered":             `"source": "input:i", "publishGroup": "minute", "queueSize": 9`,
	} {
		assert.Empty(t, parseSignal(fields).Findings, name)
	}
}

func TestWhatStaysInsideIsNotGathered(t *testing.T) {
	d := parseAll(documentOf(`"publishGroups": {"minute": {"maxSamples": 10}}`, `"signalDefaults": {"publishGroup": "minute"}`,
		`"signals": {"inside": {"source": "input:i", "output": ""}, "sent": {"source": "signal:inside"}}`))

	require.Empty(t, d.Findings)
	assert.Empty(t, d.Signals["inside"].PublishGroup)
	assert.Equal(t, "minute", d.Signals["sent"].PublishGroup)
}

func TestATimerSignal(t *testing.T) {
	d := parseSignal(`"source": "timer", "samplingIntervalMs": 10, "guest": "g"`)

	require.Empty(t, d.Findings)
	assert.Equal(t, module.Source{Kind: module.SourceTimer}, d.Signals["s"].Source)
	assert.Equal(t, 10*time.Millisecond, d.Signals["s"].SamplingInterval)
}

func TestTheTriggerFollowsTheDeadband(t *testing.T) {
	assert.Equal(t, "always", parseSignal(`"source": "input:i"`).Signals["s"].DataChangeTrigger)
	assert.Equal(t, "statusValue", parseSignal(`"source": "input:i", "selector": "/v", "deadbandType": "absolute"`).Signals["s"].DataChangeTrigger)
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
