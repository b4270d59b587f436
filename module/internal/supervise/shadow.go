package supervise

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// Bounds of what a candidate may cost beside its limits.
const (
	shadowQueue       = 64 // messages that wait for it; what comes when they are as many is skipped
	shadowDifferences = 5  // that are told
	shadowDeaths      = 20 // instances in a row that end badly; then it is given up
)

// Candidate is a version of a guest that is to be compared with the one at work.
type Candidate struct {
	Guest  Guest
	Digest string
}

// Shadow is how a candidate fares beside a signal's guest.
type Shadow struct {
	Digest      string
	Compared    int64         // calls
	Agreed      int64         // of those: the same verdict, the same messages in the same order, the same changes of the state
	Skipped     int64         // because it was slow, or was given up
	Busy        time.Duration // by the clock, in its calls
	Differences []Difference  // the first five
	Problem     string        // why it is given up; "": it runs
}

// Difference is a message of which a candidate made something else.
type Difference struct {
	Message string // its id, or the identity of a tick
	What    string
}

// Shadow has a candidate work on what a signal works on, beside it and after it: what comes of that is compared, and goes
// nowhere. Nil ends it. It begins with a copy of the signal's state.
func (s *Supervisor) Shadow(ctx context.Context, name module.SignalName, c *Candidate) error {
	s.mu.Lock()
	r := s.runners[pipeline.Stream{Signal: name}]
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.do(ctx, func() { r.setCandidate(c) })
}

func (r *runner) setCandidate(c *Candidate) {
	same := c == nil && r.candidate == nil || c != nil && r.candidate != nil && *c == *r.candidate
	if same {
		return
	}
	r.candidate = c
	r.beginShadow()
	r.hold()
	for _, p := range r.parts {
		_ = p.do(p.supervisor.ctx, func() { p.setCandidate(c) }) // else the module stops
	}
}

// shadow runs a candidate on a goroutine of its own, which end awaits.
type shadow struct {
	guest    Guest
	options  Options
	document []byte // that it is configured with
	queue    chan shadowed
	total    *counts
	changed  func() // there is something to be told
	quit     chan struct{}
	ended    chan struct{}

	instance Instance // its goroutine's
	deaths   int

	mu  sync.Mutex // guards what follows
	now Shadow
}

// shadowed is a call of the guest at work, and what came of it.
type shadowed struct {
	message string
	call    func(Instance) (module.Verdict, error)
	verdict module.Verdict
	err     error
	emitted []module.Emitted
	state   []module.StateChange
}

// beginShadow starts the candidate anew, from the state as it is now, in the place of the one that ran.
func (r *runner) beginShadow() {
	r.endShadow()
	if r.candidate == nil || r.instance == nil || r.spreads() {
		return
	}
	state, _ := r.kept.State() // without what cannot be read it makes something else of it, which is told
	s := &shadow{guest: r.candidate.Guest, document: r.settingsDocument(&r.work), queue: make(chan shadowed, shadowQueue),
		options: Options{Signal: r.name, Limits: r.work.Spec.Limits, Env: r.work.Spec.Permissions.Env, State: state},
		total:   &r.counts, changed: r.supervisor.config.Changed, quit: make(chan struct{}), ended: make(chan struct{}), now: Shadow{Digest: r.candidate.Digest}}
	go s.run() // until endShadow
	r.mu.Lock()
	r.shadow = s
	r.mu.Unlock()
}

// endShadow waits for the call at hand to end.
func (r *runner) endShadow() {
	if s := r.shadow; s != nil {
		close(s.quit)
		<-s.ended
		r.mu.Lock()
		r.shadow = nil
		r.mu.Unlock()
	}
}

// observe notes a call for the candidate, which gets it when the task is settled.
func (r *runner) observe(call func(Instance) (module.Verdict, error), verdict module.Verdict, err error) {
	if r.shadow == nil {
		return
	}
	id := r.task.share.Message.Properties.Value(module.PropertyMessageID)
	if id == "" {
		id = strings.ToValidUTF8(strings.ReplaceAll(r.task.share.Identity, "\x00", " "), "")
	}
	o := shadowed{message: id, call: call, verdict: verdict, err: err}
	if err == nil {
		effects := r.instance.Effects()
		o.emitted, o.state = cloneEmitted(effects.Emitted), cloneState(effects.State)
	}
	r.task.observed = append(r.task.observed, o)
}

func (r *runner) observePiece(p piece, verdict module.Verdict, err error) {
	if r.shadow == nil || r.task.blamed != nil {
		return
	}
	told := r.told(p.Message)
	told.Properties = slices.Clone(told.Properties)
	r.observe(func(i Instance) (module.Verdict, error) { return i.Message(told) }, verdict, err)
}

// showShadow gives the candidate what the task called.
func (r *runner) showShadow() {
	if r.shadow != nil {
		for _, o := range r.task.observed {
			r.shadow.offer(o)
		}
	}
	r.task.observed = nil
}

func (s *shadow) offer(o shadowed) {
	select {
	case s.queue <- o:
	default:
		s.skip()
	}
}

func (s *shadow) skip() {
	s.total.shadowSkipped.Add(1)
	s.note(func(now *Shadow) { now.Skipped++ })
}

func (s *shadow) note(f func(*Shadow)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.now)
}

// run compares until quit. After each call it rests as long as that took: it has at most half a processor.
func (s *shadow) run() {
	defer close(s.ended)
	defer func() { s.drop() }()
	for {
		select {
		case <-s.quit:
			return
		case o := <-s.queue:
			rest := time.NewTimer(s.compare(o))
			select {
			case <-s.quit:
				return
			case <-rest.C:
			}
		}
	}
}

func (s *shadow) drop() {
	if s.instance != nil {
		s.instance.Close()
		s.instance = nil
	}
}

// compare has the candidate do a call, and returns how long that took.
func (s *shadow) compare(o shadowed) time.Duration {
	if s.deaths >= shadowDeaths {
		s.skip()
		return 0
	}
	err := s.start()
	var what string
	var took time.Duration
	if err == nil {
		var verdict module.Verdict
		verdict, err = o.call(s.instance)
		took, what = s.instance.Took(), o.differs(verdict, err, s.instance.Effects())
		s.keep(err)
	} else {
		what = err.Error()
	}
	s.count(o, what, took, err)
	return took
}

// start makes sure that there is an instance.
func (s *shadow) start() error {
	if s.instance != nil {
		return nil
	}
	i, err := s.guest.Start(s.options)
	if err == nil {
		if err = i.Configure(s.document); err == nil {
			s.instance = i
			return nil
		}
		i.Close()
	}
	s.deaths++
	return err
}

// keep takes over what a call that ended well stored, and lets go of an instance that a call ended.
func (s *shadow) keep(err error) {
	switch {
	case err == nil:
		s.options.State, s.deaths = with(maps.Clone(s.options.State), cloneState(s.instance.Effects().State)), 0
	case s.instance.Dead():
		s.deaths++
		s.drop()
	}
}

func (s *shadow) count(o shadowed, what string, took time.Duration, err error) {
	s.total.compared(what == "", took)
	s.note(func(now *Shadow) {
		now.Compared++
		now.Busy += took
		switch {
		case what == "":
			if now.Agreed++; now.Agreed == 1 {
				s.changed()
			}
		case len(now.Differences) < shadowDifferences:
			now.Differences = append(now.Differences, Difference{Message: o.message, What: what})
			s.changed()
		}
		if s.deaths >= shadowDeaths {
			now.Problem = fmt.Sprintf("it ended badly %d times in a row, at last: %v", s.deaths, err)
			s.changed()
		}
	})
}

// differs says what a candidate made otherwise, or "".
func (o *shadowed) differs(verdict module.Verdict, err error, effects *module.Effects) string {
	switch {
	case o.err == nil && err != nil:
		return "it fails: " + err.Error()
	case o.err != nil && err == nil:
		return "it does not fail: " + o.err.Error()
	case o.err != nil:
		return ""
	case verdict != o.verdict:
		return fmt.Sprintf("the verdict is %d and not %d", verdict, o.verdict)
	case len(effects.Emitted) != len(o.emitted):
		return fmt.Sprintf("it emits %d messages and not %d", len(effects.Emitted), len(o.emitted))
	}
	for i, e := range o.emitted {
		switch other := effects.Emitted[i]; {
		case other.Output != e.Output:
			return fmt.Sprintf("message %d goes to output %q and not to %q", i, other.Output, e.Output)
		case !bytes.Equal(other.Body, e.Body):
			return fmt.Sprintf("message %d is %.100q and not %.100q", i, other.Body, e.Body)
		case !slices.Equal(other.Properties, e.Properties):
			return fmt.Sprintf("message %d has other properties", i)
		}
	}
	if !maps.EqualFunc(byKey(o.state), byKey(effects.State), func(a, b module.StateChange) bool { return a.Delete == b.Delete && bytes.Equal(a.Value, b.Value) }) {
		return "it changes the state otherwise"
	}
	return ""
}

// byKey returns the last change of each key.
func byKey(changes []module.StateChange) map[string]module.StateChange {
	last := make(map[string]module.StateChange, len(changes))
	for _, c := range changes {
		last[c.Key] = c
	}
	return last
}

// cloneEmitted returns messages that outlive the call that made them.
func cloneEmitted(emitted []module.Emitted) []module.Emitted {
	clones := make([]module.Emitted, len(emitted))
	for i, e := range emitted {
		clones[i].Output = module.OutputName(strings.Clone(string(e.Output)))
		clones[i].Body, clones[i].Properties = bytes.Clone(e.Body), cloneProperties(e.Properties)
	}
	return clones
}

func cloneProperties(of module.Properties) module.Properties {
	clones := slices.Clone(of)
	for i, p := range clones {
		clones[i].Name, clones[i].Value = strings.Clone(p.Name), strings.Clone(p.Value)
	}
	return clones
}

// snapshot returns how the candidate fares; nil: there is none.
func (s *shadow) snapshot() *Shadow {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now
	now.Differences = slices.Clone(now.Differences)
	return &now
}

// add adds how the candidate fares with another partition.
func (s *Shadow) add(o *Shadow) *Shadow {
	if s == nil || o == nil {
		if s == nil {
			return o
		}
		return s
	}
	s.Compared, s.Agreed, s.Skipped, s.Busy = s.Compared+o.Compared, s.Agreed+o.Agreed, s.Skipped+o.Skipped, s.Busy+o.Busy
	s.Differences = append(s.Differences, o.Differences...)
	s.Differences = s.Differences[:min(len(s.Differences), shadowDifferences)]
	if s.Problem == "" {
		s.Problem = o.Problem
	}
	return s
}
