package supervise

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// Probation is the time in which the new version of a guest is watched. All signals that go over to the version have the same
// one in their work. It ends with a call of the version that ends badly for a message that the version before it can work
// on: then all of them go back. Or it is passed, with so many messages, or after its duration with one at least for each
// signal. Its methods may be called from any goroutine.
type Probation struct {
	digest string
	rules  module.Probation
	ended  func()
	over   chan struct{} // closed when it is decided; verdict says how

	mu      sync.Mutex // guards what follows
	since   time.Time  // all signals that are to have gone over; zero: not yet
	timer   *time.Timer
	worked  map[module.SignalName]int // messages, of the signals that take part
	runners int                       // that have not drawn the conclusion yet
	decided bool
	verdict Verdict
}

// Verdict is how a probation ended.
type Verdict struct {
	Cause  error             // why the version failed; nil: it passed
	Signal module.SignalName // at which it failed
	Undone int               // messages after which the version stored something, which is undone
}

// NewProbation returns the probation of the version with the given digest. Ended is called, and must not block, when every
// signal has drawn the conclusion.
func NewProbation(digest string, rules module.Probation, ended func()) *Probation {
	return &Probation{digest: digest, rules: rules, ended: ended, over: make(chan struct{}), worked: make(map[module.SignalName]int)}
}

// Begin says that all signals have gone over that will: from here on the time counts, and the version can pass.
func (p *Probation) Begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.since.IsZero() && !p.decided {
		p.since = time.Now()
		p.timer = time.AfterFunc(p.rules.Duration, p.onTime)
		p.judge()
	}
}

// Verdict returns how the probation ended, once every signal has drawn the conclusion.
func (p *Probation) Verdict() (v Verdict, concluded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.verdict, p.decided && p.runners == 0
}

// Digest returns the digest of the version.
func (p *Probation) Digest() string { return p.digest }

func (p *Probation) onTime() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.judge()
}

// standing is where a probation stands.
type standing int

const (
	open standing = iota
	passed
	failed
)

// standing returns where the probation stands. Of a runner without one it has been passed.
func (p *Probation) standing() standing {
	if p == nil {
		return passed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state()
}

func (p *Probation) state() standing {
	switch {
	case !p.decided:
		return open
	case p.verdict.Cause != nil:
		return failed
	}
	return passed
}

// join has a runner take part, while it is open.
func (p *Probation) join(r *runner) standing {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.decided {
		p.runners++
		p.worked[r.name] += 0
	}
	return p.state()
}

// leave says that a runner takes part no more: it has drawn the conclusion, does other work, or ends.
func (p *Probation) leave(r *runner) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runners--
	if !p.decided && r.partition == "" {
		delete(p.worked, r.name)
		p.judge()
	}
	p.conclude()
}

// conclude says, at the end, that all have left.
func (p *Probation) conclude() {
	if p.decided && p.runners == 0 {
		p.ended()
	}
}

// count counts a message of a signal, after which the version stored something or not.
func (p *Probation) count(signal module.SignalName, stored bool) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if stored {
		p.verdict.Undone++
	}
	p.worked[signal]++
	p.judge()
}

// judge decides that the version has passed, once it has.
func (p *Probation) judge() {
	if p.decided || p.since.IsZero() {
		return
	}
	total, least := 0, slices.Min(append(slices.Collect(maps.Values(p.worked)), p.rules.Messages))
	for _, n := range p.worked {
		total += n
	}
	if total >= p.rules.Messages || least > 0 && time.Since(p.since) >= p.rules.Duration {
		p.decide()
	}
}

// fail decides that the version has failed, unless it is decided.
func (p *Probation) fail(signal module.SignalName, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.decided {
		p.verdict.Signal, p.verdict.Cause = signal, cause
		p.decide()
	}
}

func (p *Probation) decide() {
	p.decided = true
	if p.timer != nil {
		p.timer.Stop()
	}
	close(p.over)
	p.conclude()
}
