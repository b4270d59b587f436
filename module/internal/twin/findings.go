package twin

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// path is the JSON path of a value in the document, for example "signals.press1Temp.deadbandValue". A key
// that could be misread in it is quoted: signals["press 1"].
type path string

func (p path) key(name string) path {
	switch {
	case !module.ValidName(strings.TrimPrefix(name, "$")):
		return p + path("["+quote(name)+"]")
	case p == "" || strings.HasSuffix(string(p), "#"): // the top of a document
		return p + path(name)
	}
	return p + "." + path(name)
}

// field returns the path of a field, whose name has dots where it stands in objects within.
func (p path) field(name string) path {
	if name == "" {
		return p
	}
	return p + "." + path(name)
}

func (p path) index(i int) path { return p + path("["+strconv.Itoa(i)+"]") }

// quote returns text of the document as a finding shows it: in quotes and cut short.
func quote(text string) string { return strconv.Quote(clip(text, 64)) }

// problem is what is wrong with a value, in words for the operator, and what to do about it.
type problem struct{ reason, hint string }

// wrongly returns a problem with a reason; [problem.try] adds the hint.
func wrongly(format string, args ...any) *problem {
	return &problem{reason: fmt.Sprintf(format, args...)}
}

func (p *problem) try(format string, args ...any) *problem {
	p.hint = fmt.Sprintf(format, args...)
	return p
}

// findings gathers what there is to say about a document.
type findings struct {
	list    []module.Finding
	lenient bool // the document is of a newer minor version: unknown keys are ignored
}

func (f *findings) sorted() []module.Finding {
	slices.SortStableFunc(f.list, func(a, b module.Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Severity, b.Severity),
			cmp.Compare(a.Entry.Kind, b.Entry.Kind), cmp.Compare(a.Entry.Name, b.Entry.Name), cmp.Compare(a.Reason, b.Reason))
	})
	return f.list
}

// entry is where findings about one entry of the document go, and what its placeholders stand for.
type entry struct {
	findings *findings
	id       module.Entry // zero: the document as a whole
	env      Environment
	signal   string          // ${signal}; empty: it is left in place
	refused  *module.Finding // the first that it was refused for; nil: it is good so far
	at       map[path]bool   // where it was refused: the first reason given for a value says enough
}

func (e *entry) refuse(at path, p *problem) {
	if e.at[at] {
		return
	}
	if e.at == nil {
		e.at = map[path]bool{}
	}
	e.at[at] = true
	if f := e.add(at, p, module.Refused); e.refused == nil || f.Path < e.refused.Path {
		e.refused = f
	}
}

// refusedIn reports whether the value at a path, or something in it, was refused.
func (e *entry) refusedIn(at path) bool {
	for p := range e.at {
		rest, ok := strings.CutPrefix(string(p), string(at))
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

func (e *entry) warn(at path, p *problem) { e.add(at, p, module.Warning) }

func (e *entry) ignore(at path, p *problem) { e.add(at, p, module.Ignored) }

func (e *entry) add(at path, p *problem, severity module.Severity) *module.Finding {
	f := module.Finding{Path: string(at), Reason: p.reason, Hint: p.hint, Severity: severity, Entry: e.id}
	e.findings.list = append(e.findings.list, f)
	return &f
}

// quiet returns an entry like e that keeps what it is told to itself: for a second reading of what has been
// reported at the first.
func (e *entry) quiet() *entry {
	return &entry{findings: &findings{lenient: e.findings.lenient}, id: e.id, env: e.env, signal: e.signal}
}

// EntrySignalsFrom is the kind of the entries that name files of signals. What a file holds that cannot be read is not known:
// whoever keeps last good entries keeps those that the document does not name.
const EntrySignalsFrom module.EntryKind = "signalsFrom"

// Kinds of entries beside those of package module: parts of signals. They tell the reader of a finding what was refused;
// nothing runs under them.
const (
	entryDefaults module.EntryKind = "signalDefaults"
	entryTemplate module.EntryKind = "templates"
)
