package check

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// signal returns one that takes values of the input "opc", with what change says.
func signal(change func(*module.Signal)) module.Signal {
	s := module.Signal{Status: module.StatusRunning, Source: module.Source{Kind: module.SourceInput, Name: "opc"}, Format: module.FormatOPCSamples,
		Output: module.OutputTelemetry, Payload: "samples"}
	if change != nil {
		change(&s)
	}
	return s
}

// desiredOf returns a twin with signals of these names and a group "minute".
func desiredOf(signals map[string]module.Signal) module.Desired {
	d := module.Desired{Signals: map[module.SignalName]module.Signal{}, Groups: map[string]module.PublishGroup{
		"minute": {Interval: time.Minute, MaxBytes: 200000}, "ten": {Interval: time.Hour, MaxBytes: 200000, MaxSamples: 10}}}
	for name, s := range signals {
		s.Name = module.SignalName(name)
		d.Signals[s.Name] = s
	}
	return d
}

func everyOutput(module.OutputName) bool { return true }

// A gateway with 200 values a second needs 43 units of S1 and a bit where each is a message, and one and a bit, which makes 2, where
// they are gathered.
func TestTwoHundredSignalsASecondBatchedAndNot(t *testing.T) {
	plant := func(group string) module.Desired {
		all := map[string]module.Signal{}
		for i := range 200 {
			all[fmt.Sprintf("press%02dTemp%d", i/4, i%4)] = signal(func(s *module.Signal) { s.PublishGroup, s.Unit = group, "Cel" })
		}
		return desiredOf(all)
	}

	single := traffic(plant(""), nil, everyOutput)
	assert.InDelta(t, 200*86400, single.Messages, 1e-3)
	assert.Equal(t, "a day at most: 17,280,000 messages, 17,280,000 blocks of 4 KB, 43.2 units of IoT Hub S1, with input:opc at 1/s, each message with one value for each signal", single.String())

	gathered := traffic(plant("minute"), nil, everyOutput)
	t.Log(gathered)
	assert.Greater(t, gathered.Blocks/unitBlocks, 1.0)
	assert.LessOrEqual(t, gathered.Blocks/unitBlocks, 2.0)
	assert.InDelta(t, gathered.Messages, 1440*200*60*105.0/200000, 2000, "messages as large as maxBytes lets them be")
	assert.InDelta(t, single.Blocks, gathered.Single, 1e-3)
}

func TestHowManyValuesASignalSends(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*module.Signal)
		want   float64 // an hour
	}{
		"as many as arrive":      {nil, 3600},
		"no more than sampled":   {func(s *module.Signal) { s.SamplingInterval = time.Minute }, 60},
		"no fewer than arrive":   {func(s *module.Signal) { s.SamplingInterval = time.Millisecond }, 3600},
		"sampled for each key":   {func(s *module.Signal) { s.SamplingInterval, s.PartitionBy = time.Minute, "/id" }, 3600},
		"a watchdog that sleeps": {func(s *module.Signal) { s.HeartbeatInterval, s.HeartbeatBehavior = time.Minute, "watchdogLKV" }, 3600},
		"a watchdog that barks":  {func(s *module.Signal) { s.SamplingInterval, s.HeartbeatInterval = time.Hour, time.Minute }, 61},
		"periodic heartbeats":    {func(s *module.Signal) { s.HeartbeatInterval, s.HeartbeatBehavior = time.Minute, "periodicLKG" }, 3660},
		"heartbeats alone":       {func(s *module.Signal) { s.HeartbeatInterval, s.HeartbeatBehavior = time.Minute, "periodicLKVDropValue" }, 60},
		"heartbeats that are counted": {func(s *module.Signal) {
			s.HeartbeatInterval, s.HeartbeatBehavior = time.Second, "watchdogLKVDiagnosticsOnly"
		}, 3600},
		"stopped":     {func(s *module.Signal) { s.Status = module.StatusStopped }, 0},
		"kept inside": {func(s *module.Signal) { s.Output = module.OutputNone }, 0},
		"ticks": {func(s *module.Signal) {
			s.Source, s.SamplingInterval = module.Source{Kind: module.SourceTimer}, time.Minute
		}, 60},
		"ticks beside values": {func(s *module.Signal) {
			s.Sources, s.SamplingInterval = map[string]module.Source{"a": s.Source, "b": {Kind: module.SourceTimer}}, time.Minute
		}, 3660},
		"a signal that is sampled": {func(s *module.Signal) { s.Source = module.Source{Kind: module.SourceSignal, Name: "sampled"} }, 60},
		"a signal that is refused": {func(s *module.Signal) { s.Source = module.Source{Kind: module.SourceSignal, Name: "missing"} }, 0},
		"in a group by count":      {func(s *module.Signal) { s.PublishGroup = "ten" }, 360},
		"in a group by time":       {func(s *module.Signal) { s.PublishGroup = "minute" }, 60},
		"less than the group's":    {func(s *module.Signal) { s.PublishGroup, s.SamplingInterval = "minute", time.Hour }, 1},
		"few that wait":            {func(s *module.Signal) { s.PublishGroup, s.QueueSize = "ten", 1 }, 1},
	} {
		d := desiredOf(map[string]module.Signal{"s": signal(test.change),
			"sampled": signal(func(s *module.Signal) { s.SamplingInterval, s.Output = time.Minute, module.OutputNone })})
		assert.InDelta(t, test.want*24, traffic(d, nil, everyOutput).Messages, 1e-6, name)
	}
}

func TestLargeMessagesCountAsSeveral(t *testing.T) {
	d := desiredOf(map[string]module.Signal{"s": signal(func(s *module.Signal) { s.PublishGroup = "minute" })})
	got := traffic(d, Rates{"input:opc": 10}, everyOutput)
	assert.InDelta(t, 1440, got.Messages, 1e-6)
	assert.InDelta(t, 1440*12, got.Blocks, 1440*3, "600 samples of some 80 bytes")
}

func TestWhatIsAssumedIsSaid(t *testing.T) {
	d := desiredOf(map[string]module.Signal{"a": signal(nil), "b": signal(func(s *module.Signal) { s.Source.Name = "slow" }),
		"off": signal(func(s *module.Signal) { s.Source.Name, s.Status = "off", module.StatusStopped })})
	assert.Equal(t, "a day at most: 864,048 messages, 864,048 blocks of 4 KB, 2.2 units of IoT Hub S1, with input:opc at 10/s, input:slow at 2/h, each message with one value for each signal",
		traffic(d, Rates{"input:opc": 10, "input:slow": 2.0 / 3600}, everyOutput).String())
}

func TestOnlyWhatIsRoutedToIoTHubCounts(t *testing.T) {
	report := checked(t, edited(t, "timeToLiveSecs", "timeToLiveSecs"))
	all := report.Traffic(nil)
	assert.Positive(t, all.Messages)
	report.counts = func(output module.OutputName) bool { return output == "alerts" }
	assert.Less(t, report.Traffic(nil).Messages, all.Messages)
}

func TestAGroupWhoseSignalsShareNoMessagesIsToldOf(t *testing.T) {
	d := desiredOf(map[string]module.Signal{})
	for _, name := range []module.SignalName{"a", "b", "c"} {
		d.Signals[name] = signal(func(s *module.Signal) {
			s.Name, s.PublishGroup, s.Properties = name, "minute", map[string]string{"asset": string(name)}
		})
	}
	findings := apart(d)
	assert.Len(t, findings, 1)
	assert.Contains(t, findings[0].String(), "publishGroups.minute: its 3 signals make 3 kinds of message")

	same := desiredOf(map[string]module.Signal{"a": signal(func(s *module.Signal) { s.PublishGroup = "minute" }), "b": signal(nil),
		"c": signal(func(s *module.Signal) { s.PublishGroup = "minute" })})
	assert.Empty(t, apart(same))
}

func TestATwinThatIsRefusedSendsNothing(t *testing.T) {
	report := Twin([]byte(`{"schemaVersion": "9.0"}`), twin.Environment{})
	assert.Zero(t, report.Traffic(nil).Messages)
	assert.Equal(t, "a day at most: 0 messages, 0 blocks of 4 KB, less than 0.1 units of IoT Hub S1", report.Traffic(nil).String())
}
