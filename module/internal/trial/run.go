package trial

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Result is what came of a message.
type Result struct {
	Calls        []Call // of the guest, one for each sample, or one for the message as a whole
	Outputs      []Output
	Logs         []module.LogLine
	Held         []signals.End // values that the host's stages held back, by where they ended
	StateChanged bool          // of the guest, by a call that went well
	StartTook    time.Duration // of an instance that was started for it, with its configuration
	Err          error         // why the message would go to the dead letters: of the first call that failed, or it is not in the signal's format
}

// Call is one call of the guest.
type Call struct {
	Body    []byte // what the guest was given
	Verdict module.Verdict
	Err     error
	Took    time.Duration
	Memory  int64 // bytes of linear memory after it
}

// Output is a message as edgeHub would get it, but for its $.mid; one of a publish group by itself.
type Output struct {
	Output module.OutputName
	module.Message
}

// Verdict is what became of the message in one word: failed, pass, done, drop, or none where no value came as far as that.
func (r *Result) Verdict() string {
	switch {
	case r.Err != nil:
		return "failed"
	case len(r.Calls) > 0:
		return [...]string{"drop", "pass", "done"}[r.Calls[len(r.Calls)-1].Verdict]
	case len(r.Outputs) > 0:
		return "pass" // of a host-only signal
	}
	return "none"
}

// Took is how long the guest's calls took.
func (r *Result) Took() (took time.Duration) {
	for _, c := range r.Calls {
		took += c.Took
	}
	return took
}

// Memory is the most linear memory that the guest had, in bytes.
func (r *Result) Memory() (most int64) {
	for _, c := range r.Calls {
		most = max(most, c.Memory)
	}
	return most
}

func (r *Result) log(i supervise.Instance) {
	for line := range i.Logs() {
		r.Logs = append(r.Logs, module.LogLine{Level: line.Level, Text: strings.Clone(line.Text)})
	}
}

// Run has the signal work on a message.
func (t *Trial) Run(m Message) Result {
	r := Result{}
	if m.Time.IsZero() {
		m.Time = time.Now()
	}
	if m.Tick {
		t.work(&r, m, piece{})
		return r
	}
	found, err := t.reader.Read(nil, signals.NewContent(m.Body), m.Properties)
	if err != nil {
		r.Err = err
		return r
	}
	samples := t.reader.Samples(m.Properties)
	if len(found) == 0 {
		r.Held = append(r.Held, signals.NoValue)
	}
	for _, f := range found {
		if !samples {
			t.work(&r, m, piece{Message: m.Message, partition: f.Partition})
			continue
		}
		state := t.part(f.Partition).source(m.Source)
		before := *state
		sample, outcome := t.stages.Take(state, f, m.Time)
		if !outcome.Passed() {
			r.Held = append(r.Held, outcome.End)
			continue
		}
		if !t.work(&r, m, t.pieceOf(sample, f.Partition, m)) {
			*state = before
		}
	}
	return r
}

// piece is what the guest works on at a time: a sample, or a message as a whole.
type piece struct {
	module.Message
	named     *signals.Named // nil: no sample
	partition string
}

func (t *Trial) pieceOf(sample module.Sample, partition string, m Message) piece {
	s := &t.config.Signal
	named := &signals.Named{Signal: string(s.Name), DisplayName: s.DisplayName, Unit: s.Unit, Partition: partition, Sample: sample}
	properties := m.Properties.Clone(12)
	properties.Set(module.PropertyContentType, "application/json")
	properties.Set(module.PropertyContentEncoding, "utf-8")
	return piece{module.Message{Body: signals.AppendSample(nil, *named), Properties: properties}, named, partition}
}

// work has the guest work on a piece, and reports whether that went well.
func (t *Trial) work(r *Result, m Message, p piece) bool {
	if t.config.Start == nil {
		r.Outputs = append(r.Outputs, t.passed(p, m))
		return true
	}
	part := t.part(p.partition)
	if part.instance == nil {
		if err := t.start(part, p.partition, r); err != nil {
			r.fail(err)
			return false
		}
	}
	call := Call{Body: p.Body}
	if m.Tick {
		call.Verdict, call.Err = part.instance.Tick(t.told(nil, m))
	} else {
		call.Verdict, call.Err = part.instance.Message(module.Message{Body: p.Body, Properties: t.told(p.Properties, m)})
	}
	call.Took, call.Memory = part.instance.Took(), part.instance.Memory()
	r.Calls = append(r.Calls, call)
	r.log(part.instance)
	if call.Err != nil {
		r.fail(call.Err)
		if part.instance.Dead() {
			part.close()
		}
		return false
	}
	t.effect(r, m, p, call.Verdict, part)
	return true
}

func (r *Result) fail(err error) {
	if r.Err == nil {
		r.Err = err
	}
}

// told adds what only the guest is told.
func (t *Trial) told(properties module.Properties, m Message) module.Properties {
	input := string(m.Input)
	if input == "" && t.config.Signal.Source.Kind == module.SourceInput {
		input = t.config.Signal.Source.Name
	}
	told := slices.Clone(properties)
	if !m.Tick {
		told = append(told, struct{ Name, Value string }{"$input", input})
	}
	if m.Source != "" {
		told = append(told, struct{ Name, Value string }{"$source", m.Source})
	}
	return told
}

// effect notes what a call did.
func (t *Trial) effect(r *Result, m Message, p piece, verdict module.Verdict, part *part) {
	for _, e := range part.instance.Effects().Emitted {
		output := module.OutputName(strings.Clone(string(e.Output)))
		if output == "" {
			output = t.config.Signal.Output
		}
		properties := make(module.Properties, 0, len(e.Properties)+8)
		for _, p := range e.Properties {
			properties = append(properties, struct{ Name, Value string }{strings.Clone(p.Name), strings.Clone(p.Value)})
		}
		r.Outputs = append(r.Outputs, Output{output, t.complete(module.Message{Body: bytes.Clone(e.Body), Properties: properties}, "event", p, m)})
	}
	r.StateChanged = r.StateChanged || len(part.instance.Effects().State) > 0
	part.keep(part.instance)
	if verdict == module.Pass && !m.Tick {
		r.Outputs = append(r.Outputs, t.passed(p, m))
	}
}

// passed is a piece that is passed on.
func (t *Trial) passed(p piece, m Message) Output {
	body, kind := p.Body, "event"
	if p.named != nil {
		kind = "sample"
		if payload := t.config.Signal.Payload; payload != "" && payload != "samples" {
			body = signals.AppendPayload(nil, payload, []signals.Named{*p.named}, signals.Batch{Time: m.Time})
		}
	}
	return Output{t.config.Signal.Output, t.complete(module.Message{Body: body, Properties: pipeline.Inherit(p.Properties, 8)}, kind, p, m)}
}

// complete adds the properties that the host and the twin give to a message.
func (t *Trial) complete(o module.Message, kind string, p piece, m Message) module.Message {
	o.Properties.Set(pipeline.PropertyMessageType, kind)
	o.Properties.Set(pipeline.PropertySignal, string(t.config.Signal.Name))
	if p.partition != "" {
		o.Properties.Set(pipeline.PropertyPartition, p.partition)
	}
	pipeline.Trace(&o.Properties, m.Properties, true)
	for name, value := range t.config.Signal.Properties {
		o.Properties.Set(name, value)
	}
	return o
}
