package portal

import (
	"context"
	"errors"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// detail is what is known of the module besides its twin.
type detail interface {
	signals(ctx context.Context) ([]Signal, error)                               // all of them, by name
	traced(ctx context.Context, name module.SignalName) ([]Traced, error)        // since the call before; the first one begins
	untrace(name module.SignalName)                                              // ends that
	logs(ctx context.Context, guest module.GuestName, lines int) ([]Line, error) // the last ones, oldest first
}

// Signal is the state of a signal.
type Signal struct {
	Name        module.SignalName    `json:"name"`
	Guest       module.GuestName     `json:"guest,omitempty"`
	Status      module.RuntimeStatus `json:"status"`
	Description string               `json:"description,omitempty"`
	Digest      string               `json:"digest,omitempty"`
	Restarts    int64                `json:"restarts,omitempty"`
	Paused      bool                 `json:"paused,omitempty"`
	Slow        bool                 `json:"slow,omitempty"`
	Probation   bool                 `json:"probation,omitempty"` // the guest may go back to the version before
	Compared    int64                `json:"compared,omitempty"`  // calls of a shadow
	Agreed      int64                `json:"agreed,omitempty"`    // of those, how many came to the same
	Differs     string               `json:"differs,omitempty"`   // what the first of the others came to, or why the shadow is given up
	Waiting     int                  `json:"waiting,omitempty"`
	Spooled     int                  `json:"spooled,omitempty"`
	Partitions  int                  `json:"partitions,omitempty"`
	In          int64                `json:"in"`
	Out         int64                `json:"out"`
	Dropped     int64                `json:"dropped,omitempty"`
	DeadLetters int64                `json:"deadLetters,omitempty"`
	Traps       int64                `json:"traps,omitempty"`
	Calls       int64                `json:"calls,omitempty"`
	BusyUs      int64                `json:"busyUs,omitempty"`
	Memory      int64                `json:"memoryBytes,omitempty"`
}

// Traced is what a signal did with one message, tick or heartbeat.
type Traced struct {
	Time      int64     `json:"time"` // in milliseconds since 1970
	Partition string    `json:"partition,omitempty"`
	Input     string    `json:"input,omitempty"`
	Source    string    `json:"source,omitempty"`
	WaitedUs  int64     `json:"waitedUs"`
	TookUs    int64     `json:"tookUs"`
	Message   Message   `json:"message"`
	Calls     []Call    `json:"calls,omitempty"`
	Outputs   []Message `json:"outputs,omitempty"`
	Left      int       `json:"left,omitempty"` // calls and outputs beyond those
	Failure   string    `json:"failure,omitempty"`

	body       []byte // of the message; nil where it is not there as a whole
	properties module.Properties
}

// Call is a call of a guest.
type Call struct {
	Verdict string `json:"verdict"`
	TookUs  int64  `json:"tookUs"`
	Memory  int64  `json:"memoryBytes"`
	Error   string `json:"error,omitempty"`
}

// Line is a line that a guest logged.
type Line struct {
	Time   int64  `json:"time"`
	Level  string `json:"level"`
	Signal string `json:"signal"`
	Text   string `json:"text"`
}

var (
	levels   = [...]string{"trace", "debug", "info", "warn", "error", "critical"}
	verdicts = [...]string{module.Drop: "drop", module.Pass: "pass", module.Done: "done"}
)

// directDetail asks a module in this process. traced and untrace are called by one goroutine.
type directDetail struct {
	module Module
	traces map[module.SignalName]*tracing
}

// tracing is a trace that is under way.
type tracing struct {
	*supervise.Trace
	last time.Time // that it was begun, or brought something
}

const (
	tracedAtOnce = 64               // messages of a signal that are traced between two looks; further ones are not
	displaced    = 30 * time.Second // without a message: the direct method trace may have taken the signal's place for a trace
)

func (d *directDetail) trace(name module.SignalName) *tracing {
	t := &tracing{d.module.Trace(name, tracedAtOnce), time.Now()}
	d.traces[name] = t
	return t
}

func (d *directDetail) signals(context.Context) ([]Signal, error) {
	states := d.module.Signals()
	all := make(map[module.SignalName]Signal, len(states))
	for name, s := range states {
		all[name] = signalOf(name, &s)
	}
	return sorted(all), nil
}

func signalOf(name module.SignalName, s *supervise.State) Signal {
	signal := Signal{Name: name, Guest: s.Guest, Status: s.Status, Description: s.Description, Digest: s.Digest,
		Restarts: s.Restarts, Paused: s.Paused, Slow: s.Slow, Probation: s.OnProbation, Waiting: s.Waiting, Spooled: s.Spooled,
		Partitions: s.Partitions, In: s.In, Out: s.Out, Dropped: s.Dropped, DeadLetters: s.DeadLetters, Traps: s.Traps,
		Calls: s.Calls, BusyUs: s.Busy.Microseconds(), Memory: s.InUse}
	if shadow := s.Shadow; shadow != nil {
		signal.Compared, signal.Agreed, signal.Differs = shadow.Compared, shadow.Agreed, shadow.Problem
		if signal.Differs == "" && len(shadow.Differences) > 0 {
			signal.Differs = shadow.Differences[0].What
		}
	}
	return signal
}

func (d *directDetail) traced(_ context.Context, name module.SignalName) ([]Traced, error) {
	t := d.traces[name]
	if t == nil {
		t = d.trace(name)
	}
	var traced []Traced
	for _, one := range t.Take() {
		traced = append(traced, tracedOf(&one))
		t.last = time.Now()
	}
	select {
	case <-t.Full():
		d.trace(name)
	default:
		if time.Since(t.last) > displaced {
			d.trace(name)
		}
	}
	return traced, nil
}

func (d *directDetail) untrace(name module.SignalName) {
	if t := d.traces[name]; t != nil {
		d.module.Untrace(name, t.Trace)
		delete(d.traces, name)
	}
}

func (d *directDetail) logs(_ context.Context, guest module.GuestName, n int) ([]Line, error) {
	lines := []Line{}
	for _, l := range d.module.Logged(guest, n) {
		level := levels[min(max(l.Level, 0), len(levels)-1)]
		lines = append(lines, Line{l.Time.UnixMilli(), level, string(l.Signal), l.Text})
	}
	return lines, nil
}

func tracedOf(t *supervise.Traced) Traced {
	traced := Traced{Time: t.Time.UnixMilli(), Partition: t.Partition, Input: string(t.Input), Source: t.Source,
		WaitedUs: t.Waited.Microseconds(), TookUs: t.Took.Microseconds(), Left: t.Left, Failure: t.Failure,
		Message: messageOf("", t.Message.Body, t.Message.Bytes, t.Message.Properties), properties: t.Message.Properties}
	if len(t.Message.Body) == t.Message.Bytes {
		traced.body = t.Message.Body
	}
	for _, c := range t.Calls {
		traced.Calls = append(traced.Calls, callOf(c.Verdict, c.Err, c.Took, c.Memory))
	}
	for _, o := range t.Outputs {
		traced.Outputs = append(traced.Outputs, messageOf(string(o.Output), o.Body, o.Bytes, o.Properties))
	}
	return traced
}

func callOf(verdict module.Verdict, err error, took time.Duration, memory int64) Call {
	c := Call{Verdict: "failed", TookUs: took.Microseconds(), Memory: memory}
	if err == nil {
		c.Verdict = verdicts[verdict]
		return c
	}
	c.Error = err.Error()
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		c.Verdict = string(e.Kind)
	}
	return c
}
