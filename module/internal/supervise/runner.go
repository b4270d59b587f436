package supervise

import (
	"context"
	"sync"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// runner runs one signal. All fields but those of state are its goroutine's alone.
type runner struct {
	supervisor *Supervisor
	name       module.SignalName
	queue      *queue
	commands   chan func() // capacity 0: work on the runner's goroutine, between two messages
	ended      chan struct{}
	remove     context.CancelFunc

	work       Work
	stages     *signals.Stages
	properties []string // names of the signal's own, in a fixed order
	instance   Instance
	lastStart  time.Time         // of an instance, or of a host-only signal; zero: the signal never ran
	kept       map[string][]byte // the guest's state, over restarts of its instance
	restarts   restarts
	timer      *time.Timer // of a restart, or of the signal's ticks; nil when neither is due
	nextTick   time.Time
	scratch    module.Properties

	guestLines, deadLetterLines lineLimit

	counts counts
	times  *times     // of work's guest
	mu     sync.Mutex // guards what follows
	state  State
	guest  Guest // of work: instances may be started from it
}

// Take is the pipeline's way in.
func (r *runner) Take(s *pipeline.Share) bool { return r.queue.put(s) }

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
		case <-r.queue.ready:
			if s := r.queue.take(); s != nil {
				r.handle(s)
			}
		case <-r.due():
			r.onTimer()
		}
	}
}

// stop ends the runner: nothing is worked on any more.
func (r *runner) stop() {
	r.queue.close()
	r.stopTimer()
	r.closeInstance()
}

// finishQueue works off what waits, for a signal that is removed while the module goes on.
func (r *runner) finishQueue() {
	r.queue.close()
	for r.supervisor.ctx.Err() == nil {
		s := r.queue.take()
		if s == nil {
			return
		}
		r.handle(s)
	}
}

// install makes an instance that was started the one that runs.
func (r *runner) install(i Instance) {
	r.closeInstance()
	r.instance, r.lastStart = i, time.Now()
}

// bury closes an instance that a call killed.
func (r *runner) bury() {
	r.counts.traps.Add(1)
	r.closeInstance()
}

func (r *runner) closeInstance() {
	if r.instance != nil {
		r.instance.Close()
		r.instance = nil
	}
}

// set publishes the runner's state.
func (r *runner) set(status module.RuntimeStatus, description string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.state = State{Status: status, Description: description, Version: r.work.Version, Guest: r.work.Spec.Name,
		Digest: r.work.Digest, RestartCount: r.restarts.count, LastStart: r.lastStart}
	r.guest = r.work.Guest
	r.supervisor.config.Changed()
}

func (r *runner) status() module.RuntimeStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.state.Status
}

func (r *runner) snapshot() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	if s.Status == module.Running && time.Since(s.LastStart) >= healthyAfter {
		s.RestartCount = 0
	}
	s.Counts = r.counts.load()
	s.Waiting = r.queue.len()
	return s
}
