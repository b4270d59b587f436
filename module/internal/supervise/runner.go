package supervise

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// runner runs one signal. All fields but those of state are its goroutine's alone.
type runner struct {
	supervisor *Supervisor
	name       module.SignalName
	inbox      *inbox
	commands   chan func() // capacity 0: work on the runner's goroutine, between two messages
	ended      chan struct{}
	remove     context.CancelFunc

	work Work
	front
	properties []string // names of the signal's own, in a fixed order
	worker
	task  task
	busy  bool            // with a task
	found []signals.Found // scratch

	states       []*memory          // what the stages remember, by the key of the source; nil until the signal runs
	stagesKept   atomic.Bool        // that is in the journal, and must not fall behind
	beat         *time.Timer        // of the next heartbeat; nil where none is due
	envelope     *pipeline.Envelope // of the publish group
	envelopeFrom [2]string          // device and module whose samples go into it

	candidate *Candidate // to be compared with the guest; nil: none
	partition string     // of a runner that works on one
	parts     partitions
	paused    atomic.Bool
	trace     *atomic.Pointer[Trace] // nothing in it: none is asked for

	lastStart time.Time      // of an instance, or of a host-only signal; zero: the signal never ran
	kept      *pipeline.Kept // the guest's state, over restarts of its instance and of the module
	load      load
	restarts  restarts
	timer     *time.Timer // of a restart, or of the signal's ticks; nil when neither is due
	nextTick  time.Time
	scratch   module.Properties

	guestLines, deadLetterLines lineLimit

	requests requests // that the guest waits for
	calling  bool     // the guest is being called for the task
	posted   int      // messages that it sent at once for the task

	counts   counts
	past     *Counts    // of partitions that ended; guarded by the supervisor's mutex
	times    *times     // of work's guest
	measures *measures  // the same
	mu       sync.Mutex // guards what follows
	state    condition
	guests   [3]Guest // of work, of what it may go back to, and the candidate: instances may be started from them
	shadow   *shadow  // written by the runner's goroutine alone
}

func newRunner(s *Supervisor, stream pipeline.Stream) *runner {
	r := &runner{supervisor: s, name: stream.Signal, partition: stream.Partition, kept: s.config.Pipeline.Kept(stream),
		commands: make(chan func()), ended: make(chan struct{}), trace: s.tracing(stream.Signal),
		requests: requests{parent: s.ctx}}
	r.state.status = module.Unknown
	r.inbox = newInbox(s.config.Pipeline, r)
	return r
}

// Take is the pipeline's way in.
func (r *runner) Take(s *pipeline.Share) bool {
	switch r.inbox.put(s) {
	case refused:
		return false
	case overflowed:
		r.unavailable(s, spoolFull)
	}
	return true
}

const spoolFull = "its spool is full"

// run works until ctx ends. Shares that are left then stay unfinished: their inputs come again.
func (r *runner) run(ctx context.Context) {
	defer close(r.ended)
	defer r.stop()
	for ctx.Err() == nil { // select alone might take up one more
		select {
		case <-ctx.Done():
			return
		case f := <-r.commands:
			f()
		case <-r.inbox.ready:
			r.takeOne()
		case <-r.due():
			r.onTimer()
		case <-r.beats():
			r.onBeat()
		case f := <-r.tasks():
			f()
		case <-r.judged():
			r.conclude()
		case <-r.service.over():
			r.onServiceEnd()
		}
	}
}

// stop ends the runner: nothing is worked on any more.
func (r *runner) stop() {
	r.inbox.close()
	r.stopTimer()
	r.keepStates()
	r.endShadow()
	r.closeWorker()
	r.quit()
}

// takeOne works on the next share, if there is one.
func (r *runner) takeOne() bool {
	r.conclude()
	r.takeBack(r.inbox.spool.Failed())
	if r.service.full() {
		return false
	}
	s := r.inbox.take()
	if s == nil {
		return false
	}
	r.busy = true
	r.handle(s)
	r.busy = false
	r.noteLoad(time.Now())
	return true
}

// takeBack deals with shares that the spool could not store. A signal that runs works on them as if there were no spool, and
// their inputs wait for it; one that does not must not keep the others waiting (5).
func (r *runner) takeBack(failed []*pipeline.Share) {
	if r.status() == module.Running && !r.paused.Load() {
		r.inbox.putBack(failed)
		return
	}
	for _, s := range failed {
		r.unavailable(s, "its spool cannot be written")
	}
}

// noteLoad says when the signal becomes slow, and when it no longer is.
func (r *runner) noteLoad(now time.Time) {
	slow := r.load.slow(now)
	r.mu.Lock()
	changed := slow != r.state.slow
	r.state.slow = slow
	r.mu.Unlock()
	if !changed {
		return
	}
	r.inbox.setSlow(slow)
	if slow {
		r.event(zerolog.WarnLevel, &r.work).Msg("signal is slow: it is served from its spool, so that others need not wait for it")
	} else {
		r.event(zerolog.InfoLevel, &r.work).Msg("signal is not slow any more")
	}
	r.supervisor.config.Changed()
}

// finishTime is how long a signal that is removed may work off what waits for it. The rest stays in its spool.
const finishTime = 5 * time.Second

// finish works off what waits, for a signal that is removed while the module goes on.
func (r *runner) finish() {
	r.inbox.close()
	ctx, cancel := context.WithTimeout(r.supervisor.ctx, finishTime)
	defer cancel()
	for ctx.Err() == nil {
		if !r.takeOne() && !r.awaitRoom(ctx) {
			break
		}
	}
	r.overflow(r.inbox.hold(true))
	r.dissolve()
}

// overflow deals with shares that did not fit into the spool.
func (r *runner) overflow(shares []*pipeline.Share) {
	for _, s := range shares {
		r.unavailable(s, spoolFull)
	}
}

// install makes what was started the one that runs.
func (r *runner) install(w worker) {
	r.closeWorker()
	r.worker, r.lastStart = w, time.Now()
	if w.instance != nil {
		r.counts.inUse.Store(w.instance.Memory())
	}
	if w.service != nil {
		w.service.run()
	}
}

// bury closes an instance that a call killed.
func (r *runner) bury() {
	r.counts.traps.Add(1)
	r.closeWorker()
}

func (r *runner) closeWorker() {
	r.worker.close()
	r.worker = worker{}
	r.counts.inUse.Store(0)
}

// condition is how a runner's signal stands, without what is counted.
type condition struct {
	status            module.RuntimeStatus
	description       string
	version           int64
	guest             module.GuestName
	digest            string
	restarts          int
	lastStart         time.Time
	slow, onProbation bool
}

// set publishes the runner's state.
func (r *runner) set(status module.RuntimeStatus, description string) {
	r.mu.Lock()
	r.state = condition{status: status, description: description, version: r.work.Version, guest: r.work.Spec.Name,
		digest: r.work.Digest, restarts: r.restarts.count, lastStart: r.lastStart, slow: r.state.slow}
	r.mu.Unlock()
	r.hold()
	r.overflow(r.inbox.hold(r.holds(status)))
	r.supervisor.config.Changed()
}

// hold says which guests instances may be started from.
func (r *runner) hold() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.guests = [...]Guest{r.work.Guest, nil, nil}
	if r.candidate != nil {
		r.guests[2] = r.candidate.Guest
	}
	if former := r.work.Former; former != nil {
		r.guests[1] = former.Guest
	}
	r.state.onProbation = r.work.Probation != nil
}

func (r *runner) status() module.RuntimeStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.status
}

func (r *runner) snapshot() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := &r.state
	s := State{Status: st.status, Description: st.description, Version: st.version, Guest: st.guest, Digest: st.digest,
		RestartCount: st.restarts, LastStart: st.lastStart, Slow: st.slow, OnProbation: st.onProbation, partition: r.partition}
	if s.Status == module.Running && time.Since(s.LastStart) >= healthyAfter {
		s.RestartCount = 0
	}
	if s.Paused = r.paused.Load(); r.pausedIn(s.Status) {
		s.Status, s.Description = module.Stopped, pausedReason
	}
	s.Shadow = r.shadow.snapshot()
	s.Counts = r.counts.load()
	s.Waiting, s.Spooled = r.inbox.len()
	return s
}

func (r *runner) stream() pipeline.Stream {
	return pipeline.Stream{Signal: r.name, Partition: r.partition}
}
