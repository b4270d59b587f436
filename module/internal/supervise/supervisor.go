package supervise

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/egress"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// ErrStopped means that the supervisor has stopped.
var ErrStopped = errors.New("the supervisor has stopped")

// Config is what a Supervisor needs.
type Config struct {
	Pipeline *pipeline.Pipeline
	Log      zerolog.Logger
	Egress   *egress.Egress             // what guests reach over HTTP; nil: nothing
	Files    string                     // directory of the private directories of signals, each named like its signal; "": there is none
	Doubts   func(stamp time.Time) bool // whether a time that this host stamped is not to be believed; nil: never
	Changed  func()                     // some state changed; called from any goroutine, must not block
}

// Supervisor runs signals.
type Supervisor struct {
	config           Config
	dropUnavailable  atomic.Bool
	originProperties atomic.Bool

	ctx    context.Context // ends the runners
	cancel context.CancelFunc
	ended  sync.WaitGroup // runners

	befores sync.Pool // of *signals.State: a signal needs one only while it works

	mu       sync.Mutex // guards what follows
	runners  map[pipeline.Stream]*runner
	times    map[module.GuestName]*times
	measures map[module.GuestName]*measures
	gone     map[module.GuestName]Counts // of signals that were removed
	recent   map[module.GuestName]*recent

	traces sync.Map // module.SignalName → *atomic.Pointer[Trace]
}

// State is what a signal is and does.
type State struct {
	Status       module.RuntimeStatus
	Description  string
	Version      int64 // of the desired document whose work it does
	Guest        module.GuestName
	Digest       string
	RestartCount int       // since the last healthy minute
	LastStart    time.Time // zero: it never ran
	Waiting      int       // shares that wait for it
	Spooled      int       // of those, how many wait in its spool
	Slow         bool      // it is served from its spool
	Paused       bool      // by Pause: Status is Stopped where it would run
	OnProbation  bool      // its guest may go back to the version before
	Shadow       *Shadow   // how a candidate fares beside its guest; nil: there is none
	Partitions   int       // that are there now
	Troubled     int       // of those, how many do not run
	Counts

	partition string
}

// New returns a Supervisor without signals.
func New(c Config) *Supervisor {
	s := &Supervisor{config: c, runners: make(map[pipeline.Stream]*runner), times: make(map[module.GuestName]*times),
		measures: make(map[module.GuestName]*measures), gone: make(map[module.GuestName]Counts), recent: make(map[module.GuestName]*recent)}
	s.befores.New = func() any { return new(signals.State) }
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// look is how often shares are looked for that have waited in memory for too long.
const look = time.Second

// Run waits until ctx ends and then ends all runners: each finishes the message it works on.
func (s *Supervisor) Run(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case now := <-ticker.C:
			s.spill(now)
		}
	}
	s.mu.Lock()
	s.cancel() // no runner is started from here on
	s.mu.Unlock()
	s.ended.Wait()
}

// spill moves shares to their spools that have waited in memory for too long.
func (s *Supervisor) spill(now time.Time) {
	if !s.config.Pipeline.Overdue(now) {
		return
	}
	s.mu.Lock()
	runners := slices.Collect(maps.Values(s.runners))
	s.mu.Unlock()
	for _, r := range runners {
		r.inbox.spill(now)
	}
}

// SetModule changes what holds for all signals.
func (s *Supervisor) SetModule(m module.ModuleSettings) {
	s.dropUnavailable.Store(m.OnUnavailable == module.ActionDrop)
	s.originProperties.Store(m.OriginProperties)
}

// Apply makes a signal do the given work, starting it where it is new. On an error a signal that ran before goes on as
// it was; one that never ran is there, and failed. Without an error the work is the signal's: it runs or, where its
// first start ended badly, waits for the next try. ErrStopped, and ctx's error, mean that nothing was changed.
func (s *Supervisor) Apply(ctx context.Context, w Work) error {
	r := s.runner(pipeline.Stream{Signal: w.Signal.Name})
	if r == nil {
		return ErrStopped
	}
	err := ErrStopped
	if doErr := r.do(ctx, func() { err = r.apply(w) }); doErr != nil {
		return doErr
	}
	return err
}

// Expect makes a signal that work will come for: until then what comes for it waits in its spool.
func (s *Supervisor) Expect(name module.SignalName) { s.runner(pipeline.Stream{Signal: name}) }

// Fail tells a signal, which is made where it is new, that it cannot do the given work and why. One that never ran is
// failed then: what comes for it goes to the dead letters. One that ran before goes on.
func (s *Supervisor) Fail(ctx context.Context, w Work, cause error) error {
	r := s.runner(pipeline.Stream{Signal: w.Signal.Name})
	if r == nil {
		return ErrStopped
	}
	return r.do(ctx, func() { _ = r.orFailed(w, cause) })
}

// Quarantine makes a signal one that must not do the given work and waits for other work: what comes for it goes to the
// dead letters. What it did before ends.
func (s *Supervisor) Quarantine(ctx context.Context, w Work, reason string) error {
	r := s.runner(pipeline.Stream{Signal: w.Signal.Name})
	if r == nil {
		return ErrStopped
	}
	return r.do(ctx, func() { r.quarantine(w, reason) })
}

// Remove ends a signal. What waits in its queue is worked off before. On an error the signal is still there.
func (s *Supervisor) Remove(ctx context.Context, name module.SignalName) error {
	s.mu.Lock()
	r := s.runners[pipeline.Stream{Signal: name}]
	s.mu.Unlock()
	if r == nil {
		return nil
	}
	if err := r.do(ctx, r.finish); err != nil {
		return err
	}
	r.remove()
	<-r.ended
	s.forget(r)
	s.config.Changed()
	return nil
}

// forget takes a runner off that has ended.
func (s *Supervisor) forget(r *runner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runners, r.stream())
	past := r.counts.load()
	past.InUse = 0
	if r.past != nil {
		past.Add(r.past)
	}
	if of := s.runners[pipeline.Stream{Signal: r.name}]; r.partition != "" && of != nil {
		if of.past == nil {
			of.past = new(Counts)
		}
		of.past.Add(&past)
		return
	}
	guest := r.snapshot().Guest
	gone := s.gone[guest]
	gone.Add(&past)
	s.gone[guest] = gone
	s.traces.Delete(r.name)
	for _, m := range s.measures {
		m.forget(r.name)
	}
}

// Removed returns the counts of signals that were removed, by their guests ("": host-only ones): counters must not go back.
func (s *Supervisor) Removed() map[module.GuestName]Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.gone)
}

// Consumer returns the pipeline's way to a signal, or nil where there is none.
func (s *Supervisor) Consumer(name module.SignalName) pipeline.Consumer {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runners[pipeline.Stream{Signal: name}]; r != nil {
		return r
	}
	return nil
}

// Snapshot returns the states of all signals.
func (s *Supervisor) Snapshot() map[module.SignalName]State {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := make(map[module.SignalName]State, len(s.runners))
	for stream, r := range s.runners {
		if stream.Partition == "" {
			state := r.snapshot()
			if r.past != nil {
				state.Add(r.past)
			}
			states[stream.Signal] = state
		}
	}
	for stream, r := range s.runners {
		if state, there := states[stream.Signal]; there && stream.Partition != "" {
			state.add(r.snapshot())
			states[stream.Signal] = state
		}
	}
	return states
}

// Guests returns the compiled guests that signals may start instances from.
func (s *Supervisor) Guests() map[Guest]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	guests := make(map[Guest]bool)
	for _, r := range s.runners {
		r.mu.Lock()
		for _, guest := range r.guests {
			if guest != nil {
				guests[guest] = true
			}
		}
		r.mu.Unlock()
	}
	return guests
}

// runner returns the runner of a stream, started where it is new, or nil when the supervisor has stopped.
func (s *Supervisor) runner(stream pipeline.Stream) *runner {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.runners[stream]; r != nil {
		return r
	}
	if s.ctx.Err() != nil {
		return nil
	}
	r := newRunner(s, stream)
	ctx, remove := context.WithCancel(s.ctx)
	r.remove = remove
	s.runners[stream] = r
	s.ended.Go(func() { r.run(ctx) })
	return r
}

// do runs f on the runner's goroutine and waits for it. If ctx ends before f began, f never runs. A guest that waits for a
// slow server does not keep it for long: after a time its requests are called off.
func (r *runner) do(ctx context.Context, f func()) error {
	done := make(chan struct{})
	patience := time.AfterFunc(finishTime, func() { r.requests.callOff(done) })
	defer patience.Stop()
	command := func() {
		defer r.requests.renew()
		defer close(done)
		r.requests.renew()
		f()
	}
	select {
	case r.commands <- command:
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ended:
		return ErrStopped
	}
	<-done
	return nil
}
