package supervise

import (
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// remember has the task change what the stages remember of a source.
func (r *runner) remember(source string) {
	r.task.state = r.stateOf(source)
	r.keepBefore(*r.task.state)
}

// takeValue brings a value through the stages and, where it passes, has the guest work on the sample.
func (r *runner) takeValue(f signals.Found) {
	t := &r.task
	before := *t.state
	if doubts := r.supervisor.config.Doubts; f.Timestamp.IsZero() && doubts != nil && doubts(t.share.Received) {
		f.Quality = max(f.Quality, module.Uncertain) // the host's time stands for the source's (14)
	}
	sample, outcome := r.stages.Take(t.state, f, t.share.Received)
	r.counts.stage(outcome)
	if !outcome.Passed() {
		return
	}
	t.passed = true
	if !r.handlePiece(r.pieceOf(sample)) {
		*t.state = before // it was not sent
	}
}

// pieceOf returns a sample as the guest gets it.
func (r *runner) pieceOf(sample module.Sample) piece {
	named := &signals.Named{Signal: string(r.name), DisplayName: r.work.Signal.DisplayName, Unit: r.work.Signal.Unit,
		Partition: r.partition, Sample: sample}
	properties := r.task.share.Message.Properties.Clone(12)
	properties.Set(module.PropertyContentType, "application/json")
	properties.Set(module.PropertyContentEncoding, "utf-8")
	return piece{module.Message{Body: signals.AppendSample(make([]byte, 0, 192), *named), Properties: properties}, named}
}

// stateOf returns what the stages remember of a source.
func (r *runner) stateOf(source string) *signals.State {
	for _, m := range r.states {
		if m.source == source {
			return &m.state
		}
	}
	m := &memory{source: source}
	r.states = append(r.states, m)
	return &m.state
}

// memory is what the stages remember of a source. Few signals have more than one.
type memory struct {
	source string
	state  signals.State
}

// loadStates takes up what the stages remembered when the signal, or its partition, ended. A signal that stores nothing of
// what it sends does not keep that up to date, and so forgets it; until that is sure it stores what it sends.
func (r *runner) loadStates(w *Work, now time.Time) {
	r.states = []*memory{}
	for source, encoded := range r.kept.Stages() {
		if state, err := signals.DecodeState(encoded, now); err == nil { // else it is another version's: they begin anew
			r.states = append(r.states, &memory{source, state})
		}
	}
	if len(r.states) == 0 {
		return
	}
	r.stagesKept.Store(true)
	if !w.gathers() && !r.kept.HasState() {
		r.kept.ForgetStages(func() { r.stagesKept.Store(false) })
	}
}

// keepStates keeps what the stages remember, at the end of the signal's work.
func (r *runner) keepStates() {
	if r.stages == nil || !r.stages.Remembering() {
		return
	}
	stages := make(map[string][]byte, len(r.states))
	for _, m := range r.states {
		stages[m.source] = m.state.Append(nil)
	}
	_ = r.kept.SetStages(stages) // where it cannot be stored they begin anew
}

// scheduleBeat sets the timer of the next heartbeat, unless it is set: when it fires it finds out what is due.
func (r *runner) scheduleBeat() {
	if r.beat != nil || r.paused.Load() {
		return
	}
	var next time.Time
	for _, m := range r.states {
		if due := r.stages.Due(&m.state); !due.IsZero() && (next.IsZero() || due.Before(next)) {
			next = due
		}
	}
	if !next.IsZero() {
		r.beat = time.NewTimer(time.Until(next))
	}
}

// beats is the channel of the heartbeats' timer. Without one it never fires.
func (r *runner) beats() <-chan time.Time {
	if r.beat == nil {
		return nil
	}
	return r.beat.C
}

// onBeat makes the heartbeats that are due.
func (r *runner) onBeat() {
	r.beat = nil
	r.conclude()
	if r.status() != module.Running || r.paused.Load() {
		return // the next value sets it again, or the restart, or the end of a pause
	}
	for _, m := range r.states {
		r.heartbeat(m.source, &m.state, time.Now())
	}
	r.scheduleBeat()
}

func (r *runner) heartbeat(source string, state *signals.State, now time.Time) {
	before := *state
	sample, outcome := r.stages.Heartbeat(state, now)
	if outcome.End == signals.NotDue {
		return
	}
	r.counts.stage(outcome)
	if !outcome.Passed() {
		return
	}
	s := r.supervisor.config.Pipeline.Tick(r.stream(), "heartbeat\x00"+source, now)
	s.Source = source
	after := *state
	for again := true; again; again = !r.settle() {
		*state = after
		r.begin(s)
		r.task.state, r.task.passed = state, true
		r.keepBefore(before)
		if !r.handlePiece(r.pieceOf(sample)) {
			*state = before
		}
	}
}
