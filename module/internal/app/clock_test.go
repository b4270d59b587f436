package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestSamplesAreUncertainWhileTheClockIsSuspectAndReportedSaysSo(t *testing.T) {
	d := newDevice(t, `{"schemaVersion":"1.0","signals":{"s":{"source":"input:a","selector":"/v"}}}`)
	d.run()
	d.waitReported("signals.s.runtimeStatus", "running")
	d.send("a", `{"v":1}`)
	d.wait(func() bool { return len(d.messages("telemetry")) == 1 }, "the first sample")
	assert.NotContains(t, d.bodies("telemetry")[0], "quality")
	d.app.clock.Learn(time.Now().Add(time.Hour)) // as the twin's metadata may tell
	d.app.tendClock()
	d.send("a", `{"v":2}`)
	d.wait(func() bool { return len(d.messages("telemetry")) == 2 }, "the second sample")
	assert.Contains(t, d.bodies("telemetry")[1], `"quality":"uncertain"}`)
	d.patch(`{"signals":{"s":{"unit":"Cel"}}}`) // a new version is reported at once
	d.waitReported("runtime.clockSuspect", "true")
	assert.Contains(t, d.log.String(), "the wall clock is not to be believed")
}

func TestTheTwinTellsWhenItWasChangedLast(t *testing.T) {
	want := time.Date(2026, 11, 23, 8, 0, 0, 5e8, time.UTC)
	assert.Equal(t, want, lastUpdated([]byte(`{"a":1,"$metadata":{"$lastUpdated":"2026-11-23T08:00:00.5Z"},"$version":2}`)))
	for _, without := range []string{`{"$version":2}`, `{"$metadata":{"$lastUpdated":"soon"}}`, ``} {
		assert.Zero(t, lastUpdated([]byte(without)), without)
	}
}
