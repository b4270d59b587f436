package signals

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is a time on the synthetic clock, in milliseconds.
func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// with returns a signal of the built-in defaults, changed.
func with(change func(s *module.Signal)) module.Signal {
	s := module.Signal{Name: "s", DataType: "auto", Scale: 1, RangeAction: "uncertain", DeadbandType: "none", DataChangeTrigger: "always",
		HeartbeatBehavior: "watchdogLKV"}
	change(&s)
	return s
}

func stagesOf(t testing.TB, change func(s *module.Signal)) *Stages {
	t.Helper()
	stages, err := NewStages(with(change))
	require.NoError(t, err)
	return stages
}

func found(value string) Found { return Found{Value: []byte(value)} }

func ptr(f float64) *float64 { return &f }

// arrival is a value and what becomes of it.
type arrival struct {
	ms      int
	value   string
	quality module.Quality
	end     End
}

func requireArrivals(t *testing.T, stages *Stages, st *State, arrivals ...arrival) {
	t.Helper()
	for i, a := range arrivals {
		sample, outcome := stages.Take(st, Found{Value: []byte(a.value), Quality: a.quality}, at(a.ms))
		require.Equal(t, a.end.String(), outcome.End.String(), "arrival %d at %d: %s", i, a.ms, a.value)
		if outcome.Passed() && a.value != "" {
			require.Equal(t, a.value, string(sample.Value))
		}
	}
}

func TestSamplingIntervalCountsFromTheLastThatPassed(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.SamplingInterval = time.Second })
	requireArrivals(t, stages, new(State),
		arrival{ms: 0, value: "1"},
		arrival{ms: 999, value: "2", end: SampledOut},
		arrival{ms: 1000, value: "3"},
		arrival{ms: 1999, value: "4", end: SampledOut},
		arrival{ms: 2500, value: "5"},
		arrival{ms: 3400, value: "6", quality: module.Bad, end: SampledOut},
		arrival{ms: 3500, value: "7"},
	)
}

func TestWhatHasNoValueTakesNoTurnInSampling(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.SamplingInterval = time.Second })
	requireArrivals(t, stages, new(State),
		arrival{ms: 0, value: "null", end: NoValue},
		arrival{ms: 1, value: "", end: NoValue},
		arrival{ms: 2, value: "3"},
	)
}

func TestDeadbandComparesWithTheLastValueSent(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "absolute", 1, "statusValue"
	})
	requireArrivals(t, stages, new(State),
		arrival{value: "10"},
		arrival{value: "10.9", end: Unchanged},
		arrival{value: "11", end: Unchanged},
		arrival{value: "11.1"},
		arrival{value: "10.2", end: Unchanged},
		arrival{value: "10.05"},
		arrival{value: "10.05", quality: module.Uncertain},
		arrival{value: "10.9", quality: module.Uncertain, end: Unchanged},
		arrival{value: "10.05"},
	)
}

func TestDeadbandInPercentIsOneOfTheRange(t *testing.T) {
	for _, row := range []struct {
		percent float64
		value   string
		end     End
	}{
		{10, "30", Unchanged}, {10, "30.1", Passed}, {10, "9.9", Passed},
		{0, "20", Unchanged}, {0, "20.0001", Passed},
		{250, "100", Unchanged}, {-5, "20.1", Passed},
	} {
		stages := stagesOf(t, func(s *module.Signal) {
			s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "percent", row.percent, "statusValue"
			s.RangeMin, s.RangeMax = ptr(0), ptr(100)
		})
		requireArrivals(t, stages, new(State), arrival{value: "20"}, arrival{value: row.value, end: row.end})
	}
}

func TestDeadbandInPercentNeedsARange(t *testing.T) {
	_, err := NewStages(with(func(s *module.Signal) { s.DeadbandType, s.RangeMin = "percent", ptr(0) }))
	assert.EqualError(t, err, `prepare signal "s": a deadband in percent needs a range`)
}

func TestDeadbandIsExactBetweenIntegers(t *testing.T) {
	for _, row := range []struct {
		deadband  float64
		from, to  string
		dataType  string
		unchanged bool
	}{
		{0, "9007199254740992", "9007199254740993", "int64", false},
		{1, "9007199254740992", "9007199254740993", "int64", true},
		{1, "9007199254740992", "9007199254740994", "auto", false},
		{0.5, "9007199254740993", "9007199254740992", "auto", false},
		{1.5, "-9223372036854775808", "-9223372036854775807", "int64", true},
		{1e18, "-9223372036854775808", "9223372036854775807", "int64", false},
		{1e300, "-9223372036854775808", "9223372036854775807", "int64", true},
	} {
		stages := stagesOf(t, func(s *module.Signal) {
			s.DataType, s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = row.dataType, "absolute", row.deadband, "statusValue"
		})
		end := Passed
		if row.unchanged {
			end = Unchanged
		}
		requireArrivals(t, stages, new(State), arrival{value: row.from}, arrival{value: row.to, end: end})
	}
}

func TestTriggersLookAtStatusValueAndTimestamp(t *testing.T) {
	second := at(1000)
	for _, row := range []struct {
		trigger, deadband string
		next              Found
		end               End
	}{
		{"status", "none", Found{Value: []byte("2")}, Unchanged},
		{"status", "none", Found{Value: []byte("1"), Quality: module.Bad}, Passed},
		{"status", "absolute", Found{Value: []byte("9")}, Unchanged},
		{"statusValue", "none", Found{Value: []byte("1.0"), Timestamp: second}, Unchanged},
		{"statusValue", "none", Found{Value: []byte("1.01")}, Passed},
		{"statusValue", "none", Found{Value: []byte(`"1"`)}, Passed},
		{"statusValue", "absolute", Found{Value: []byte("2")}, Unchanged},
		{"statusValue", "absolute", Found{Value: []byte("1"), Quality: module.Uncertain}, Passed},
		{"statusValueTimestamp", "none", Found{Value: []byte("1"), Timestamp: second}, Passed},
		{"statusValueTimestamp", "none", Found{Value: []byte("1"), Timestamp: start}, Unchanged},
		{"statusValueTimestamp", "none", Found{Value: []byte("1")}, Unchanged},
		{"statusValueTimestamp", "absolute", Found{Value: []byte("1"), Timestamp: second}, Unchanged},
		{"always", "none", Found{Value: []byte("1"), Timestamp: start}, Passed},
		{"always", "absolute", Found{Value: []byte("1"), Timestamp: start}, Passed},
	} {
		stages := stagesOf(t, func(s *module.Signal) {
			s.DataChangeTrigger, s.DeadbandType, s.DeadbandValue = row.trigger, row.deadband, 5
		})
		st := new(State)
		_, outcome := stages.Take(st, Found{Value: []byte("1"), Timestamp: start}, start)
		require.Equal(t, Outcome{}, outcome, "the first always passes")
		_, outcome = stages.Take(st, row.next, second)
		assert.Equal(t, row.end.String(), outcome.End.String(), "%s %s %s", row.trigger, row.deadband, row.next.Value)
	}
}

func TestStringsBooleansAndObjectsHaveNoDeadband(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "absolute", 100, "statusValue"
	})
	long := `{"state":"running","since":"2026-03-01T12:00:00Z"}`
	requireArrivals(t, stages, new(State),
		arrival{value: `"on"`}, arrival{value: `"on"`, end: Unchanged}, arrival{value: `"off"`},
		arrival{value: "true"}, arrival{value: "true", end: Unchanged}, arrival{value: "false"},
		arrival{value: long}, arrival{value: long, end: Unchanged}, arrival{value: long[:len(long)-2] + `!"}`},
		arrival{value: "5"}, arrival{value: "6", end: Unchanged},
	)
}

func TestWhatIsInvalidIsReportedOnceWhateverTheTrigger(t *testing.T) {
	for _, trigger := range []string{"status", "statusValue", "statusValueTimestamp", "always"} {
		stages := stagesOf(t, func(s *module.Signal) { s.DataType, s.DataChangeTrigger = "double", trigger })
		st := new(State)
		_, _ = stages.Take(st, found("1"), at(0))

		sample, outcome := stages.Take(st, found(`"NaN"`), at(1))
		assert.Equal(t, Outcome{Notes: Invalid}, outcome)
		assert.Equal(t, module.Sample{Value: []byte("null"), SourceTimestamp: at(1), Quality: module.Bad}, sample)

		_, outcome = stages.Take(st, found(`"fault"`), at(2))
		assert.Equal(t, Outcome{End: Unchanged, Notes: Invalid}, outcome, trigger)
		_, outcome = stages.Take(st, found("1"), at(3))
		assert.Equal(t, Outcome{}, outcome, "the value is back")
	}
}

func TestSkippedFirstValueIsWhatTheNextIsComparedWith(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) {
		s.SkipFirst, s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = true, "absolute", 1, "statusValue"
	})
	st := new(State)
	requireArrivals(t, stages, st, arrival{value: "10", end: SkippedFirst}, arrival{value: "10.5", end: Unchanged})
	sample, outcome := stages.Take(st, found("12"), at(1))
	assert.True(t, outcome.Passed())
	assert.Equal(t, module.Change, sample.Reason, "the first was another")
}

func TestFirstValueSaysThatItIs(t *testing.T) {
	stages, st := stagesOf(t, func(*module.Signal) {}), new(State)
	sample, _ := stages.Take(st, found("1"), at(0))
	assert.Equal(t, module.First, sample.Reason)
	sample, _ = stages.Take(st, found("1"), at(1))
	assert.Equal(t, module.Change, sample.Reason)
}

func TestSourceTimestampsPassAsTheyAreAndAreNoted(t *testing.T) {
	stages, st := stagesOf(t, func(*module.Signal) {}), new(State)
	for _, row := range []struct {
		source  time.Time
		untimed bool
		notes   Notes
		want    time.Time
	}{
		{source: at(500), want: at(500)},
		{source: at(100), notes: OutOfOrder, want: at(100)},
		{source: at(61_000), want: at(61_000)},
		{source: at(61_001), notes: Future, want: at(61_001)},
		{source: at(900), notes: OutOfOrder, want: at(900)},
		{untimed: true, notes: Untimed, want: at(1000)},
		{want: at(1000)},
		{source: at(800), want: at(800)},
	} {
		sample, outcome := stages.Take(st, Found{Value: []byte("1"), Timestamp: row.source, Untimed: row.untimed}, at(1000))
		assert.Equal(t, Outcome{Notes: row.notes}, outcome)
		assert.Equal(t, row.want, sample.SourceTimestamp)
	}
}

func TestClockThatIsSetBackRestartsTheIntervals(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.SamplingInterval, s.HeartbeatInterval = time.Second, 10*time.Second })
	st, back := new(State), -3_600_000
	requireArrivals(t, stages, st,
		arrival{ms: 0, value: "1"},
		arrival{ms: back, value: "2", end: SampledOut},
		arrival{ms: back + 1000, value: "3"},
	)
	assert.Equal(t, at(back+11_000), stages.Due(st))

	_, outcome := stages.Heartbeat(st, at(2*back))
	assert.Equal(t, NotDue, outcome.End)
	assert.Equal(t, at(2*back+10_000), stages.Due(st), "also where it is a heartbeat that finds out")
}

func TestCopyOfTheStatePutsAllBack(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.DataChangeTrigger, s.HeartbeatInterval = "statusValue", time.Second })
	st := new(State)
	requireArrivals(t, stages, st, arrival{value: `"a text that is longer than what is held in place"`})
	before := *st
	requireArrivals(t, stages, st, arrival{ms: 10, value: `"another text that is longer than what is held in place"`})
	_, _ = stages.Heartbeat(st, at(1010))
	*st = before
	assert.Equal(t, at(1000), stages.Due(st))
	requireArrivals(t, stages, st,
		arrival{ms: 20, value: `"a text that is longer than what is held in place"`, end: Unchanged},
		arrival{ms: 20, value: `"another text that is longer than what is held in place"`})
}

func TestStateOutlivesAChangeOfTheSettings(t *testing.T) {
	st := new(State)
	requireArrivals(t, stagesOf(t, func(*module.Signal) {}), st, arrival{value: "10"})
	changed := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger, s.HeartbeatInterval = "absolute", 1, "statusValue", time.Minute
	})
	requireArrivals(t, changed, st, arrival{ms: 1, value: "10.5", end: Unchanged})
	assert.Equal(t, at(60_000), changed.Due(st), "from the last value sent")
}

func TestSampleOwnsItsMemory(t *testing.T) {
	stages, st, body := stagesOf(t, func(*module.Signal) {}), new(State), []byte("123")
	sample, _ := stages.Take(st, Found{Value: body}, at(0))
	copy(body, "999")
	assert.Equal(t, "123", string(sample.Value))
}

func TestEndsHaveNames(t *testing.T) {
	assert.Equal(t, "passed", Passed.String())
	assert.Equal(t, "diagnosticsOnly", DiagnosticsOnly.String())
}
