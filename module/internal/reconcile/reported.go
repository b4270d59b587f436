package reconcile

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// view is what the applier lets the reporter tell.
type view struct {
	version  int64
	status   module.DesiredStatus
	entries  map[module.SignalName]Entry
	stopped  map[module.SignalName]bool
	problems map[module.SignalName]string
	guests   map[module.GuestName]guestState

	downloads  map[module.SignalName]*download // that signals wait for
	rolledBack map[module.GuestName]string     // guests whose version that is desired failed on probation, and why
	unshadowed map[module.GuestName]string     // guests whose candidates do not run, and why
}

// reported puts together what the applier and the supervisor know.
func (v *view) reported(runtime module.RuntimeInfo, states map[module.SignalName]supervise.State) module.Reported {
	r := module.Reported{
		SchemaVersion: "1.0", LastDesiredVersion: v.version, LastDesiredStatus: v.desiredStatus(states), Runtime: runtime,
		Signals: make(map[module.SignalName]module.ReportedEntry), Guests: make(map[module.GuestName]module.ReportedEntry),
	}
	for name, state := range states {
		r.Signals[name] = v.signal(name, state)
	}
	for name := range v.stopped {
		if _, runs := states[name]; !runs {
			r.Signals[name] = module.ReportedEntry{RuntimeStatus: module.Stopped}
		}
	}
	for name, problem := range v.problems {
		if _, there := r.Signals[name]; !there {
			r.Signals[name] = module.ReportedEntry{RuntimeStatus: module.Failed, StatusDescription: problem}
		}
	}
	for name, guest := range v.guests {
		e := v.guest(name, guest)
		e.StatusDescription = together(e.StatusDescription, together(v.unshadowed[name], describeShadow(name, states)))
		r.Guests[name] = e
	}
	r.Summary = summary(r.Signals)
	for _, state := range states {
		if v.rolledBack[state.Guest] != "" && state.Status == module.Running {
			r.Summary.RolledBack++
		}
		if state.Slow {
			r.Summary.Slow++
		}
	}
	return r
}

// problem says why a signal is not as desired: how its download goes, where that is why.
func (v *view) problem(name module.SignalName) string {
	if download := v.downloads[name]; download != nil {
		return download.String()
	}
	return v.problems[name]
}

func (v *view) signal(name module.SignalName, state supervise.State) module.ReportedEntry {
	e := module.ReportedEntry{RuntimeStatus: state.Status, StatusDescription: state.Description, RestartCount: state.RestartCount}
	if !state.LastStart.IsZero() {
		at := state.LastStart.UTC().Truncate(time.Millisecond)
		e.LastStartTimeUTC = &at
	}
	if problem := v.problem(name); problem != "" && !strings.Contains(state.Description, problem) {
		e.StatusDescription = strings.TrimSuffix(problem+"; "+state.Description, "; ")
	}
	if entry, ok := v.entries[name]; ok && entry.Version != v.version {
		e.RunningVersion = entry.Version
	}
	return e
}

// guest tells of a guest: what its entry came to, or, where that cannot run, what still runs of it.
func (v *view) guest(name module.GuestName, g guestState) module.ReportedEntry {
	runs, some := v.newestOf(name)
	reason, back := v.rolledBack[name]
	if back {
		g.problem, back = reason, runs.Digest != g.digest
	}
	if some && (g.digest == "" || g.broken || back) {
		g.digest, g.version = runs.Digest, runs.Version
	}
	e := module.ReportedEntry{RuntimeStatus: module.Running, Digest: g.digest, StatusDescription: g.problem}
	if g.digest != "" && g.version != v.version {
		e.RunningVersion = g.version
	}
	if g.waits != nil {
		e.StatusDescription = g.waits.String()
	}
	switch {
	case g.spec.Status == module.StatusStopped:
		e.RuntimeStatus = module.Stopped
	case !some && g.waits != nil:
		e.RuntimeStatus = module.Unknown
	case back && some:
		e.RuntimeStatus = module.RolledBack
	case !some && (g.digest == "" || g.broken):
		e.RuntimeStatus = module.Failed
	case !some && !g.used:
		e.RuntimeStatus, e.StatusDescription = module.Unknown, "no signal uses it"
	}
	return e
}

// newestOf returns the newest entry that runs the guest.
func (v *view) newestOf(name module.GuestName) (newest Entry, some bool) {
	for _, e := range v.entries {
		if e.Guest.Name == name && (!some || e.Version > newest.Version) {
			newest, some = e, true
		}
	}
	return newest, some
}

func summary(signals map[module.SignalName]module.ReportedEntry) module.Summary {
	s := module.Summary{Signals: len(signals)}
	for _, e := range signals {
		switch e.RuntimeStatus {
		case module.Running:
			s.Running++
		case module.Failed, module.Backoff:
			s.Failed++
		case module.Quarantined:
			s.Quarantined++
		case module.Stopped:
			s.Stopped++
		}
	}
	return s
}

// desiredStatus returns the answer to the desired document: what it came to, as far as it was good.
func (v *view) desiredStatus(states map[module.SignalName]supervise.State) module.DesiredStatus {
	if v.status.Code != module.CodeOK && v.status.Code != module.CodePartial {
		return v.status
	}
	if len(v.rolledBack) > 0 {
		guest := slices.Min(slices.Collect(maps.Keys(v.rolledBack)))
		return module.DesiredStatus{Code: module.CodeFailed, Description: clip("guests." + string(guest) + ": " + v.rolledBack[guest])}
	}
	problems := maps.Clone(v.problems)
	for name := range v.downloads {
		if problems == nil {
			problems = make(map[module.SignalName]string)
		}
		problems[name] = v.problem(name)
	}
	for name, state := range states {
		if problems[name] == "" && state.LastStart.IsZero() && state.Description != "" {
			problems[name] = state.Description
		}
	}
	if len(problems) == 0 {
		return v.status
	}
	return module.DesiredStatus{Code: module.CodeFailed, Description: describeProblems(problems)}
}

func describeProblems(problems map[module.SignalName]string) string {
	names := slices.Sorted(maps.Keys(problems))
	text := fmt.Sprintf("signals.%s: %s", names[0], problems[names[0]])
	if len(names) > 1 {
		text += fmt.Sprintf("; and %d more", len(names)-1)
	}
	return clip(text)
}

// clip cuts a description that is too long.
func clip(text string) string {
	if len(text) > 512 {
		text = strings.ToValidUTF8(text[:500], "") + "…"
	}
	return text
}
