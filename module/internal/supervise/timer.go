package supervise

import (
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// due is the channel of the runner's one timer: of the restart while it backs off, of the next tick while it runs a
// timer signal. With neither it never fires.
func (r *runner) due() <-chan time.Time {
	if r.timer == nil {
		return nil
	}
	return r.timer.C
}

func (r *runner) stopTimer() {
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
}

// schedule sets the timer of the first tick, after the work changed or the instance was started again.
func (r *runner) schedule() {
	r.stopTimer()
	if r.work.ticks() && !r.paused.Load() {
		r.nextTick = time.Now().Add(r.work.Signal.SamplingInterval)
		r.timer = time.NewTimer(r.work.Signal.SamplingInterval)
	}
}

func (r *runner) onTimer() {
	r.timer = nil
	if r.conclude(); r.timer != nil {
		return // of the version that is back
	}
	if r.status() == module.Backoff {
		r.restart()
		return
	}
	r.tick()
	if r.timer == nil && r.status() == module.Running && !r.paused.Load() {
		r.timer = time.NewTimer(time.Until(r.afterTick(time.Now())))
	}
}

// afterTick moves on to the next tick that is not over. Those that went by while the runner was busy are skipped.
func (r *runner) afterTick(now time.Time) time.Time {
	interval := r.work.Signal.SamplingInterval
	r.nextTick = r.nextTick.Add(interval)
	if late := now.Sub(r.nextTick); late > 0 {
		missed := (late + interval - 1) / interval
		r.counts.missedTicks.Add(int64(missed))
		r.nextTick = r.nextTick.Add(missed * interval)
	}
	return r.nextTick
}

func (r *runner) tick() {
	s := r.supervisor.config.Pipeline.Tick(r.stream(), "tick", r.nextTick)
	r.counts.in.Add(1)
	var properties module.Properties
	if source, _ := r.work.timer(); source != "" {
		s.Source, properties = source, module.Properties{{Name: propertySource, Value: source}}
	}
	for again := true; again; again = !r.settle() {
		r.begin(s)
		call := func(i Instance) (module.Verdict, error) { return i.Tick(properties) }
		verdict, attempts, err := r.call(call)
		r.observe(call, verdict, err)
		if err != nil {
			r.task.fail(err, attempts)
		} else {
			r.effect(piece{}, module.Done) // a tick is nothing that could be passed on
		}
	}
}

// restart starts an instance after a backoff.
func (r *runner) restart() {
	fresh, err := r.start(&r.work)
	if err != nil {
		r.notStarted(err)
		return
	}
	r.install(fresh)
	r.counts.restarts.Add(1)
	r.restarts.started(r.lastStart)
	r.set(module.Running, "")
	r.schedule()
	r.scheduleBeat()
	r.event(zerolog.InfoLevel, &r.work).Msg("signal runs again")
}
