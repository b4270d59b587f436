package signals

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// beating returns the stages of a signal with a deadband of one and a heartbeat every ten seconds.
func beating(t *testing.T, behavior string) *Stages {
	return stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "absolute", 1, "statusValue"
		s.HeartbeatInterval, s.HeartbeatBehavior = 10*time.Second, behavior
	})
}

// moment is a value that arrives, or, without one, a heartbeat that is due.
type moment struct {
	s       int // seconds
	value   string
	quality module.Quality
	want    string // the value of the sample and, of a heartbeat, the second of its source timestamp; or the end
}

func run(t *testing.T, stages *Stages, moments ...moment) {
	t.Helper()
	st := new(State)
	for _, m := range moments {
		now := at(1000 * m.s)
		if m.value != "" {
			sample, outcome := stages.Take(st, Found{Value: []byte(m.value), Quality: m.quality}, now)
			requireMoment(t, m, string(sample.Value), outcome)
			continue
		}
		sample, outcome := stages.Heartbeat(st, now)
		if outcome.Passed() {
			require.Equal(t, module.Heartbeat, sample.Reason)
			require.Equal(t, now, sample.Published)
		}
		requireMoment(t, m, string(sample.Value)+" of "+sample.SourceTimestamp.Sub(start).String(), outcome)
	}
}

func requireMoment(t *testing.T, m moment, sample string, outcome Outcome) {
	t.Helper()
	if !outcome.Passed() {
		sample = outcome.End.String()
	}
	require.Equal(t, m.want, sample, "at %d", m.s)
}

func TestWatchdogSendsTheLastKnownValueAfterSilence(t *testing.T) {
	run(t, beating(t, "watchdogLKV"),
		moment{s: 0, want: "notDue"},
		moment{s: 1, value: "20", want: "20"},
		moment{s: 10, want: "notDue"},
		moment{s: 10, value: "20.9", want: "unchanged"},
		moment{s: 11, want: "20.9 of 10s"},
		moment{s: 12, value: "21.8", want: "unchanged"}, // within one of 20.9, which the heartbeat sent
		moment{s: 13, value: "22", want: "22"},
		moment{s: 22, want: "notDue"},
		moment{s: 23, want: "22 of 13s"},
		moment{s: 33, want: "22 of 13s"},
		moment{s: 34, value: "22", quality: module.Bad, want: "22"},
		moment{s: 44, want: "22 of 34s"},
	)
}

func TestWatchdogOfGoodValuesIsSilentWhileTheLastIsBad(t *testing.T) {
	run(t, beating(t, "watchdogLKG"),
		moment{s: 0, value: "20", want: "20"},
		moment{s: 5, value: "20", quality: module.Bad, want: "20"},
		moment{s: 15, want: "noValue"},
		moment{s: 16, want: "notDue"},
		moment{s: 25, want: "noValue"},
		moment{s: 26, value: "20", quality: module.Uncertain, want: "20"},
		moment{s: 36, want: "20 of 26s"},
		moment{s: 40, value: "null", quality: module.Uncertain, want: "null"},
		moment{s: 50, want: "noValue"},
	)
}

func TestPeriodicHeartbeatsKeepStepWhateverElseIsSent(t *testing.T) {
	run(t, beating(t, "periodicLKV"),
		moment{s: 2, value: "20", want: "20"},
		moment{s: 11, value: "30", want: "30"},
		moment{s: 12, want: "30 of 11s"},
		moment{s: 21, value: "40", want: "40"},
		moment{s: 23, want: "40 of 21s"}, // a second late
		moment{s: 31, want: "notDue"},
		moment{s: 32, want: "40 of 21s"},
		moment{s: 62, want: "40 of 21s"}, // those of 42 and 52 are not made up for
		moment{s: 62, want: "notDue"},
		moment{s: 72, want: "40 of 21s"},
	)
}

func TestPeriodicHeartbeatsOfGoodValuesAreSilentWhileTheLastIsBad(t *testing.T) {
	run(t, beating(t, "periodicLKG"),
		moment{s: 0, value: "20", want: "20"},
		moment{s: 9, value: "null", quality: module.Bad, want: "null"},
		moment{s: 10, want: "noValue"},
		moment{s: 11, value: "20", want: "20"},
		moment{s: 20, want: "20 of 11s"},
	)
}

func TestDroppedValuesAreSentByHeartbeatsOnly(t *testing.T) {
	run(t, beating(t, "periodicLKVDropValue"),
		moment{s: 0, value: "20", want: "heartbeatsOnly"},
		moment{s: 9, value: "30", want: "heartbeatsOnly"},
		moment{s: 10, want: "30 of 9s"},
		moment{s: 11, value: "40", quality: module.Bad, want: "heartbeatsOnly"},
		moment{s: 20, want: "40 of 11s"},
	)
	run(t, beating(t, "periodicLKGDropValue"),
		moment{s: 0, value: "20", quality: module.Bad, want: "heartbeatsOnly"},
		moment{s: 10, want: "noValue"},
	)
}

func TestHeartbeatForDiagnosticsIsNotSentAndMovesNoDeadband(t *testing.T) {
	run(t, beating(t, "watchdogLKVDiagnosticsOnly"),
		moment{s: 0, value: "20", want: "20"},
		moment{s: 1, value: "20.9", want: "unchanged"},
		moment{s: 10, want: "diagnosticsOnly"},
		moment{s: 11, want: "notDue"},
		moment{s: 12, value: "21.1", want: "21.1"},
	)
}

func TestSkippedFirstValueStartsTheWatchdog(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.SkipFirst, s.HeartbeatInterval = true, 10*time.Second })
	run(t, stages,
		moment{s: 0, value: "20", want: "skippedFirst"},
		moment{s: 10, want: "20 of 0s"},
	)
}

func TestWithoutIntervalThereAreNoHeartbeatsAndNothingIsDropped(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.HeartbeatBehavior = "periodicLKVDropValue" })
	st := new(State)
	requireArrivals(t, stages, st, arrival{value: "1"})
	assert.Zero(t, stages.Due(st))
}
