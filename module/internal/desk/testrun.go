package desk

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trial"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// Report is how a test ended.
type Report struct {
	Name     string
	Failures []string // with a diff each; none: it passed
	Got      []Expect // of each message, as far as it was run
}

// Run runs the tests of a file on a guest. An error is one of the file or the guest, not of a test.
func (d *Desk) Run(ctx context.Context, binary []byte, f *TestFile) ([]Report, error) {
	reports := make([]Report, 0, len(f.Tests))
	for i := range f.Tests {
		r, err := d.runTest(ctx, binary, f, &f.Tests[i])
		if err != nil {
			return reports, fmt.Errorf("test %q: %w", f.Tests[i].Name, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

func (d *Desk) runTest(ctx context.Context, binary []byte, f *TestFile, t *Test) (Report, error) {
	r := Report{Name: t.Name}
	entry, err := f.entry(t)
	if err != nil {
		return r, err
	}
	session, err := d.Open(ctx, binary, entry)
	switch {
	case err != nil && t.Refuses == "":
		return r, err
	case err != nil:
		if !strings.Contains(err.Error(), t.Refuses) {
			r.Failures = append(r.Failures, "refuses:\n"+Diff(t.Refuses, err.Error()))
		}
		return r, nil
	}
	defer session.Close()
	if t.Refuses != "" {
		r.Failures = append(r.Failures, fmt.Sprintf("it takes its settings, and was to refuse them: %s", t.Refuses))
		return r, nil
	}
	return r, r.messages(session, t)
}

func (r *Report) messages(session *trial.Trial, t *Test) error {
	before := begin.Add(-1e9)
	for i := range t.Messages {
		m, err := t.Messages[i].message(before)
		if err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
		before = m.Time
		got := got(session.Run(m))
		r.Got = append(r.Got, got)
		if diff := t.Messages[i].Expect.compare(got); diff != "" {
			r.Failures = append(r.Failures, fmt.Sprintf("message %d:\n%s", i+1, diff))
		}
	}
	if t.Keeps == nil {
		return nil
	}
	kept := make(map[string]string)
	for key, value := range session.State("") {
		kept[key] = string(value)
	}
	if !maps.Equal(kept, t.Keeps) {
		r.Failures = append(r.Failures, "keeps:\n"+Diff(indented(t.Keeps), indented(kept)))
	}
	return nil
}

// got is all that could be expected of a result.
func got(result trial.Result) Expect {
	a := methods.AnswerOf(result)
	logs := make([]string, len(a.Logs))
	for i, line := range a.Logs {
		logs[i] = line.Text
	}
	return Expect{Verdict: a.Verdict, Error: a.Error, Held: a.Held, Outputs: &a.Outputs, Logs: &logs}
}

// compare returns how what was got differs from what is expected, "" where it does not.
func (e *Expect) compare(got Expect) string {
	if e == nil {
		return ""
	}
	if e.Verdict == "" {
		got.Verdict = ""
	}
	if e.Error == "" || strings.Contains(got.Error, e.Error) {
		got.Error = e.Error
	}
	if e.Held == nil {
		got.Held = nil
	}
	if e.Logs == nil {
		got.Logs = nil
	}
	if e.Outputs == nil {
		got.Outputs = nil
	} else {
		outputs := named(*e.Outputs, *got.Outputs)
		got.Outputs = &outputs
	}
	want, have := indented(e), indented(got)
	if want == have {
		return ""
	}
	return Diff(want, have)
}

// named returns outputs with those of their properties only that are expected.
func named(want, got []methods.Message) []methods.Message {
	all := make([]methods.Message, len(got))
	for i, m := range got {
		if i < len(want) {
			if m.Properties = maps.Clone(m.Properties); want[i].Output == "" {
				m.Output = ""
			}
			maps.DeleteFunc(m.Properties, func(name, _ string) bool { _, there := want[i].Properties[name]; return !there })
		}
		all[i] = m
	}
	return all
}

// indented is a value as lines of JSON, its keys in order.
func indented(value any) string {
	b, err := json.Marshal(value)
	var tree any
	if err == nil {
		err = json.Unmarshal(b, &tree)
	}
	if err == nil {
		b, err = json.MarshalIndent(tree, "", "  ")
	}
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// over merges one JSON object over another; either may be absent.
func over(under, object json.RawMessage) (json.RawMessage, error) {
	switch {
	case len(under) == 0:
		return object, nil
	case len(object) == 0:
		return under, nil
	}
	return twin.Merge(under, object)
}
