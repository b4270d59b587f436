package twin

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestWhatIsNotAtWorkYetIsRefusedByName(t *testing.T) {
	const source = `"source": "input:i", "selector": "/v", `
	const opc = `"source": "input:i", "format": "opcSamples", "node": "n"`
	const heard = `"guest": "g", "sources": {"a": "input:i"}`
	for path, fields := range map[string]string{
		"format": opc, "where": source + `"where": {"/a": "b"}`, "sources": heard,
		"timestampSelector": source + `"timestampSelector": "/t"`, "qualitySelector": source + `"qualitySelector": "/q"`,
		"node": opc, "partitionBy": source + `"partitionBy": "/p"`, "maxPartitions": source + `"partitionBy": "/p", "maxPartitions": 2`,
		"dataType": source + `"dataType": "double"`, "scale": source + `"scale": 2`, "offset": source + `"offset": 2`,
		"rangeMin": source + `"rangeMin": 2`, "rangeMax": source + `"rangeMax": 2`, "rangeAction": source + `"rangeMin": 2, "rangeAction": "drop"`,
		"deadbandType": source + `"deadbandType": "absolute"`, "deadbandValue": source + `"deadbandType": "absolute", "deadbandValue": 1`,
		"dataChangeTrigger": source + `"dataChangeTrigger": "status"`, "heartbeatIntervalMs": source + `"heartbeatIntervalMs": 1000`,
		"heartbeatBehavior": source + `"heartbeatIntervalMs": 1000, "heartbeatBehavior": "periodicLKV"`, "skipFirst": source + `"skipFirst": true`,
		"queueSize": source + `"publishGroup": "p", "queueSize": 1`, "discardNew": source + `"publishGroup": "p", "discardNew": true`, "payload": source + `"payload": "flat"`,
	} {
		d := Parse([]byte(documentOf(`"signals": {"s": {`+fields+`}}`)), device)
		f := requireFinding(t, d, "signals.s."+path)
		assert.Equal(t, "not supported yet: "+path, f.Reason)
		assert.Equal(t, module.Refused, f.Severity)
		assert.Empty(t, d.Signals)
	}
	for path, fields := range map[string]string{
		"credentials": `"credentials": "registry"`, "permissions.http": `"permissions": {"http": {"erp": "https://h"}}`,
		"permissions.secrets": `"permissions": {"secrets": {"KEY": "key"}}`,
		"probation":           `"probation": {"seconds": 5}`, "shadow": `"shadow": {"source": "file:y"}`,
	} {
		d := Parse([]byte(documentOf(`"guests": {"g": {"source": "file:x", `+fields+`}}`)), device)
		assert.Equal(t, "not supported yet: "+path, requireFinding(t, d, "guests.g."+path).Reason)
		assert.Empty(t, d.Guests)
	}
}

func TestFormsOfAFieldThatAreNotAtWorkYetAreRefused(t *testing.T) {
	d := Parse([]byte(documentOf(
		`"guests": {"g": {"source": "oci://h/x:1", "digest": "`+digest+`"}}`,
		`"publishGroups": {"p": {"intervalMs": 1000}}`,
		`"signalsFrom": {"f": {"source": "https://h/more.json", "digest": "`+digest+`"}}`,
		`"signals": {"all": {"source": "input:i", "selector": "/a/*/b"}, "slow": {"source": "input:i", "samplingIntervalMs": 1000},
			"grouped": {"source": "input:i", "publishGroup": "p"}, "star": {"source": "input:i", "selector": "/a*"}}`)), device)

	for path, reason := range map[string]string{
		"guests.g.source":                 "not supported yet: https and oci sources",
		"signalsFrom.f.source":            "not supported yet: https and oci sources",
		"signals.all.selector":            "not supported yet: * in a selector",
		"signals.slow.samplingIntervalMs": "not supported yet: samplingIntervalMs of what is not a timer",
		"signals.grouped.publishGroup":    "not supported yet: publishGroup",
	} {
		assert.Equal(t, reason, requireFinding(t, d, path).Reason)
	}
	assert.False(t, d.DocumentRefused())
	assert.Empty(t, d.Guests)
	assert.Contains(t, d.Groups, "p")
	assert.Len(t, d.Signals, 1)
	assert.Contains(t, d.Signals, module.SignalName("star"))
}

func TestWhatHasNoEffectYetIsTakenWithAWarning(t *testing.T) {
	d := Parse([]byte(documentOf(
		`"module": {"downloadJitterMs": 0, "outboxMiB": 8, "logLevel": "debug"}`,
		`"guests": {"g": {"source": "file:x", "limits": {"httpTimeoutMs": 5, "storageMiB": 2}}}`)), device)

	for _, path := range []string{"module.downloadJitterMs", "guests.g.limits.httpTimeoutMs"} {
		f := requireFinding(t, d, path)
		assert.Equal(t, module.Warning, f.Severity)
		assert.Contains(t, f.Reason, "has no effect yet: ")
	}
	assert.Len(t, d.Findings, 2)
	assert.Contains(t, d.Guests, module.GuestName("g"))
}

func TestAFieldAtItsDefaultIsNotHeldAgainstAnEntry(t *testing.T) {
	d := Parse([]byte(documentOf(
		`"module": {"outboxFull": "block", "downloadJitterMs": 60000}`,
		`"guests": {"g": {"source": "file:x", "permissions": {"files": "none", "http": {}}, "probation": {"messages": 100}}}`,
		`"templates": {"t": {"selector": "/v", "deadbandType": "absolute"}}`,
		`"signals": {"s": {"use": "t", "source": "input:i", "format": "json", "scale": 1.0, "publishGroup": "", "samplingIntervalMs": 0, "deadbandType": "none"},
			"held": {"use": "t", "source": "input:i"}}`)), device)

	assert.Contains(t, d.Signals, module.SignalName("s"))
	assert.Contains(t, d.Guests, module.GuestName("g"))
	assert.Equal(t, "not supported yet: deadbandType", requireFinding(t, d, "templates.t.deadbandType").Reason, "where it was given")
	assert.Len(t, d.Findings, 1)
}

func TestTheListNamesFieldsThatThereAre(t *testing.T) {
	requireFields(t, moduleFields.names(), notYet.module)
	requireFields(t, signalFields.names(), notYet.signals)
	guests := guestFields.names()
	for _, name := range slices.Concat(limitFields.names(), permissionFields.names()) {
		guests = append(guests, "limits."+name, "permissions."+name)
	}
	requireFields(t, guests, notYet.guests)
}

func requireFields[T any](t *testing.T, names []string, rows []pending[T]) {
	t.Helper()
	for _, row := range rows {
		require.Contains(t, names, row.field, fmt.Sprintf("no field %q", row.field))
	}
}
