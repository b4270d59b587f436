package trial

import (
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// counter emits how many messages it was given, and dies of "bad".
type counter struct {
	options supervise.Options
	effects module.Effects
	dead    bool
	closed  bool
}

func (c *counter) Configure([]byte) error { return nil }

func (c *counter) Message(m module.Message) (module.Verdict, error) {
	c.effects = module.Effects{}
	if string(m.Body) == "bad" {
		c.dead = true
		return 0, &module.GuestError{Kind: module.KindTrap}
	}
	n := slices.Concat(c.options.State["n"], []byte{'i'})
	c.options.State["n"] = n
	c.effects.State = []module.StateChange{{Key: "n", Value: n}}
	c.effects.Emitted = []module.Emitted{{Output: "counts", Message: module.Message{Body: n}}}
	return module.Pass, nil
}

func (c *counter) Tick(module.Properties) (module.Verdict, error) {
	c.effects = module.Effects{Emitted: []module.Emitted{{Message: module.Message{Body: []byte("tick")}}}}
	return module.Done, nil
}

func (c *counter) Effects() *module.Effects { return &c.effects }
func (c *counter) Logs() iter.Seq[module.LogLine] {
	return slices.Values([]module.LogLine{{Level: 2, Text: "x"}})
}
func (c *counter) LogsDropped() int    { return 0 }
func (c *counter) Took() time.Duration { return time.Millisecond }
func (c *counter) Memory() int64       { return 65536 }
func (c *counter) Dead() bool          { return c.dead }
func (c *counter) Close()              { c.closed = true }

func start(o supervise.Options) (supervise.Instance, error) { return &counter{options: o}, nil }

var signal = module.Signal{Name: "s", Source: module.Source{Kind: module.SourceInput, Name: "in"}, Output: "telemetry", Format: module.FormatJSON,
	DataType: "auto", Scale: 1, DeadbandType: "none", DataChangeTrigger: "always", MaxPartitions: 10, Payload: "samples"}

func newTrial(t *testing.T, change func(*Config)) *Trial {
	c := Config{Signal: signal, Spec: module.GuestSpec{Name: "g"}, Start: start}
	if change != nil {
		change(&c)
	}
	trial, err := New(c)
	require.NoError(t, err)
	t.Cleanup(trial.Close)
	return trial
}

func run(t *Trial, body string) Result {
	return t.Run(Message{Message: module.Message{Body: []byte(body), Properties: module.Properties{{Name: "$.mid", Value: "7"}, {Name: "$.cdid", Value: "dev"}}}})
}

func TestATrialTellsWhatTheModuleWouldSend(t *testing.T) {
	trial := newTrial(t, func(c *Config) { c.Signal.Properties = map[string]string{"site": "north"} })
	r := run(trial, "hello")
	assert.Equal(t, "pass", r.Verdict())
	require.Len(t, r.Outputs, 2)
	assert.Equal(t, module.OutputName("counts"), r.Outputs[0].Output)
	assert.Equal(t, "i", string(r.Outputs[0].Body))
	passed := r.Outputs[1]
	assert.Equal(t, "hello", string(passed.Body))
	assert.Equal(t, "north", passed.Properties.Value("site"))
	assert.Equal(t, "7", passed.Properties.Value("$.cid"))
	assert.Equal(t, "dev", passed.Properties.Value("sourceDeviceId"))
	_, there := passed.Properties.Get("$.cdid")
	assert.False(t, there)
	assert.Equal(t, time.Millisecond, r.Took())
	assert.Equal(t, int64(65536), r.Memory())
	assert.Len(t, r.Logs, 1)
}

func TestStateGoesFromMessageToMessageAndOutlivesATrap(t *testing.T) {
	state := map[string][]byte{"n": []byte("i")}
	trial := newTrial(t, func(c *Config) { c.State = state })
	run(trial, "a")
	bad := run(trial, "bad")
	assert.Equal(t, "failed", bad.Verdict())
	require.Error(t, bad.Err)
	run(trial, "b")
	assert.Equal(t, "iii", string(trial.State("")["n"]))
	assert.Equal(t, "i", string(state["n"]), "the caller's stays as it was")
}

func TestSamplesGoThroughTheStages(t *testing.T) {
	trial := newTrial(t, func(c *Config) {
		c.Signal.Selector, c.Signal.Unit = "/t", "Cel"
		c.Signal.DeadbandType, c.Signal.DeadbandValue, c.Signal.DataChangeTrigger = "absolute", 1, "statusValue"
	})
	first := run(trial, `{"t":20}`)
	require.Len(t, first.Calls, 1)
	assert.Contains(t, string(first.Calls[0].Body), `"value":20,"unit":"Cel"`)
	held := run(trial, `{"t":20.5}`)
	assert.Equal(t, "none", held.Verdict())
	assert.Equal(t, []signals.End{signals.Unchanged}, held.Held)
	assert.Equal(t, "failed", func() string { r := run(trial, "no JSON"); return r.Verdict() }())
}

func TestPartitionsHaveInstancesOfTheirOwn(t *testing.T) {
	trial := newTrial(t, func(c *Config) { c.Signal.Selector, c.Signal.PartitionBy = "/t", "/m" })
	run(trial, `{"t":1,"m":"a"}`)
	run(trial, `{"t":1,"m":"a"}`)
	run(trial, `{"t":1,"m":"b"}`)
	assert.Equal(t, "ii", string(trial.State("a")["n"]))
	assert.Equal(t, "i", string(trial.State("b")["n"]))
}

func TestAHostOnlySignalPassesWhatItSelects(t *testing.T) {
	trial := newTrial(t, func(c *Config) { c.Start, c.Signal.Selector, c.Signal.Payload = nil, "/t", "flat" })
	r := run(trial, `{"t":20}`)
	assert.Equal(t, "pass", r.Verdict())
	require.Len(t, r.Outputs, 1)
	assert.Contains(t, string(r.Outputs[0].Body), `"s":20`)
}

func TestATickIsTried(t *testing.T) {
	r := newTrial(t, nil).Run(Message{Tick: true})
	assert.Equal(t, "done", r.Verdict())
	assert.Equal(t, "tick", string(r.Outputs[0].Body))
}

func TestAServiceCannotBeTried(t *testing.T) {
	_, err := New(Config{Signal: signal, Spec: module.GuestSpec{Name: "g", Run: module.RunService}})
	assert.ErrorContains(t, err, `guest "g": it is a service`)
}
