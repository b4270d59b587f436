package twin

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// reportOf returns a report of n signals, of which every tenth was quarantined for a reason.
func reportOf(n int, reason string) module.Reported {
	started := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	r := module.Reported{SchemaVersion: "1.0", LastDesiredVersion: 12, Summary: module.Summary{Signals: n},
		Signals: map[module.SignalName]module.ReportedEntry{}}
	for i := range n {
		e := module.ReportedEntry{RuntimeStatus: module.Running, LastStartTimeUTC: &started}
		if i%10 == 0 {
			e.RuntimeStatus, e.StatusDescription, e.RestartCount = module.Quarantined, reason, 5
		}
		r.Signals[module.SignalName(fmt.Sprintf("signal%04d", i))] = e
	}
	return r
}

func documentOfReport(t *testing.T, r module.Reported) (doc []byte, read module.Reported) {
	t.Helper()
	doc, err := ReportedDocument(r)
	require.NoError(t, err)
	require.LessOrEqual(t, len(doc), MaxSection/2)
	require.NoError(t, json.Unmarshal(doc, &read))
	return doc, read
}

func TestReportedIsWrittenInFullWhereItFits(t *testing.T) {
	started := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	doc, _ := documentOfReport(t, module.Reported{
		SchemaVersion: "1.0", LastDesiredVersion: 12, LastDesiredStatus: module.DesiredStatus{Code: 200},
		Runtime: module.RuntimeInfo{Module: "0.1.0", Wasmtime: "39.0.1", ABIs: "edge/1", Architecture: "amd64", Storage: "ephemeral", ClockSuspect: true},
		Summary: module.Summary{Signals: 1, Running: 1},
		Guests:  map[module.GuestName]module.ReportedEntry{"g": {RuntimeStatus: module.Running, Digest: "sha256:00"}},
		Signals: map[module.SignalName]module.ReportedEntry{"s": {RuntimeStatus: module.Running, LastStartTimeUTC: &started}},
	})
	assert.JSONEq(t, `{"schemaVersion": "1.0", "lastDesiredVersion": 12, "lastDesiredStatus": {"code": 200, "description": ""},
		"runtime": {"module": "0.1.0", "wasmtime": "39.0.1", "abis": "edge/1", "architecture": "amd64", "storage": "ephemeral", "clockSuspect": true},
		"summary": {"signals": 1, "running": 1, "failed": 0, "quarantined": 0, "rolledBack": 0, "stopped": 0, "slow": 0},
		"guests": {"g": {"runtimeStatus": "running", "digest": "sha256:00"}},
		"signals": {"s": {"runtimeStatus": "running", "lastStartTimeUtc": "2026-03-01T08:00:00Z"}}}`, string(doc))
}

func TestOfManyEntriesOnlyThoseThatAreNotWellAreListed(t *testing.T) {
	_, read := documentOfReport(t, reportOf(100, "trap"))
	assert.Len(t, read.Signals, 100)

	_, read = documentOfReport(t, reportOf(300, "trap"))
	assert.Len(t, read.Signals, 30)
	assert.Equal(t, module.Quarantined, read.Signals["signal0290"].RuntimeStatus)
	assert.Equal(t, 300, read.Summary.Signals)
}

func TestTenThousandSignalsAreReportedWithinTheLimits(t *testing.T) {
	doc, read := documentOfReport(t, reportOf(10000, "trap"))
	size, err := Size(doc)
	require.NoError(t, err)
	assert.LessOrEqual(t, size, MaxSection, "as IoT Hub counts them")
	assert.LessOrEqual(t, len(doc), MaxSection, "as edgeHub counts them")
	assert.Equal(t, 10000, read.Summary.Signals)
	assert.NotEmpty(t, read.Signals)
}

func TestWhatIsWell(t *testing.T) {
	assert.False(t, notWell(module.ReportedEntry{RuntimeStatus: module.Running}))
	assert.False(t, notWell(module.ReportedEntry{RuntimeStatus: module.Stopped}))
	assert.True(t, notWell(module.ReportedEntry{RuntimeStatus: module.Backoff}))
	assert.True(t, notWell(module.ReportedEntry{RuntimeStatus: module.Running, StatusDescription: "slow"}))
	assert.True(t, notWell(module.ReportedEntry{RuntimeStatus: module.Running, RunningVersion: 3}))
}

func TestOfTooManyIllEntriesTheTextsAreCutAndThenTheList(t *testing.T) {
	_, read := documentOfReport(t, reportOf(300, strings.Repeat("trap: out of bounds ", 100)))
	assert.Len(t, read.Signals, 30)
	assert.Len(t, read.Signals["signal0000"].StatusDescription, 256)
	assert.True(t, strings.HasSuffix(read.Signals["signal0000"].StatusDescription, "…"))

	doc, read := documentOfReport(t, reportOf(3000, strings.Repeat("trap: out of bounds ", 100)))
	assert.Greater(t, len(doc), MaxSection/2-400, "as many as fit")
	assert.Contains(t, read.Signals, module.SignalName("signal0000"))
	assert.NotContains(t, read.Signals, module.SignalName("signal2990"))
	assert.Equal(t, 3000, read.Summary.Signals)
}

func TestLongTextsAreCutVisibly(t *testing.T) {
	r := reportOf(1, strings.Repeat("ä", 4096))
	r.LastDesiredStatus.Description = strings.Repeat("b", 5000)
	_, read := documentOfReport(t, r)

	for _, text := range []string{read.Signals["signal0000"].StatusDescription, read.LastDesiredStatus.Description} {
		assert.LessOrEqual(t, len(text), MaxText)
		assert.Greater(t, len(text), MaxText-4)
		assert.True(t, utf8.ValidString(text))
		assert.True(t, strings.HasSuffix(text, "…"))
	}
}

func TestNamesThatEdgeHubRefusesAreLeftOut(t *testing.T) {
	_, read := documentOfReport(t, module.Reported{
		Guests:  map[module.GuestName]module.ReportedEntry{"a.b": {RuntimeStatus: module.Failed}, "ok": {RuntimeStatus: module.Failed}},
		Signals: map[module.SignalName]module.ReportedEntry{"$x": {RuntimeStatus: module.Failed}, module.SignalName(strings.Repeat("n", 65)): {}},
	})
	assert.Len(t, read.Guests, 1)
	assert.Contains(t, read.Guests, module.GuestName("ok"))
	assert.Empty(t, read.Signals)
}

func TestAReportThatCannotBeWrittenIsAnError(t *testing.T) {
	never := time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err := ReportedDocument(module.Reported{Guests: map[module.GuestName]module.ReportedEntry{"g": {LastStartTimeUTC: &never}}})
	assert.ErrorContains(t, err, "write reported: ")
}

// A patch names with null what goes, so it can be larger than the document that it leads to.
func TestAnyPatchBetweenTwoReportsIsWithinEdgeHubsLimit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	largest, last := 0, []byte(`{}`)
	for range 50 {
		doc, _ := documentOfReport(t, randomReport(random))
		patch, _, err := Diff(last, doc)
		require.NoError(t, err)
		largest, last = max(largest, len(patch)), doc
	}
	t.Logf("largest patch: %d bytes", largest)
	assert.LessOrEqual(t, largest, MaxSection)
	assert.Greater(t, largest, MaxSection/2, "the reports are of a size that tries the limit")
}

func randomReport(random *rand.Rand) module.Reported {
	r := module.Reported{Signals: map[module.SignalName]module.ReportedEntry{}}
	for range random.IntN(400) {
		name := module.SignalName(fmt.Sprintf("%s%03d", strings.Repeat("n", random.IntN(2)*60), random.IntN(400)))
		e := module.ReportedEntry{RuntimeStatus: module.Failed, RestartCount: random.IntN(3), RunningVersion: int64(random.IntN(3))}
		if random.IntN(2) == 0 {
			e.StatusDescription = strings.Repeat("x", random.IntN(80))
		}
		r.Signals[name] = e
	}
	return r
}
