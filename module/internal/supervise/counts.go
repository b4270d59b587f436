package supervise

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// FailureKinds are the ways in which calls and starts of a guest end badly, in the order of [Counts.Failures].
var FailureKinds = [...]module.GuestErrorKind{module.KindTrap, module.KindExit, module.KindDeadline, module.KindMemory, module.KindABI,
	module.KindRefused, module.KindFailed, module.KindInvalid, module.KindHost}

// Counts are a signal's totals since the module's start.
type Counts struct {
	In, Out, Dropped, DeadLetters, Traps, MissedTicks, LinesDropped int64
	Unavailable                                                     int64 // dropped, not by the guest, because the signal did not run
	Restarts                                                        int64 // instances in the place of ones that ended badly
	Evicted                                                         int64 // partitions, for others
	RolledBack                                                      int64 // returns to the version before, of each partition

	Calls    int64                    // of the guest, for messages and ticks; second tries too
	Busy     time.Duration            // by the clock, in calls, and in starts that went well
	Failures [len(FailureKinds)]int64 // calls and starts, by kind
	Memory   int64                    // bytes of linear memory: the most that an instance came to
	InUse    int64                    // bytes of linear memory, of the instances that are there now

	ShadowAgreed, ShadowDiffered, ShadowSkipped int64         // calls, of all candidates so far
	ShadowBusy                                  time.Duration // by the clock, in their calls

	Ends  [signals.Ends]int64      // values, and heartbeats, by the stage at which they ended
	Notes [signals.NoteKinds]int64 // values that were remarkable, in the order of the notes
}

// counts are written by the runner's goroutine, and of candidates by theirs.
type counts struct {
	in, out, dropped, deadLetters, traps, missedTicks, linesDropped, unavailable, restarts, evicted, rolledBack atomic.Int64

	shadowAgreed, shadowDiffered, shadowSkipped, shadowBusy atomic.Int64

	calls, busy, memory, inUse atomic.Int64
	failures                   [len(FailureKinds)]atomic.Int64

	ends  [signals.Ends]atomic.Int64
	notes [signals.NoteKinds]atomic.Int64
}

// stage counts what became of a value.
func (c *counts) stage(o signals.Outcome) {
	c.ends[o.End].Add(1)
	if o.Notes == 0 {
		return
	}
	for n := range c.notes {
		if o.Notes.Has(1 << n) {
			c.notes[n].Add(1)
		}
	}
}

// compared counts a call of a candidate.
func (c *counts) compared(agreed bool, took time.Duration) {
	c.shadowBusy.Add(int64(took))
	if agreed {
		c.shadowAgreed.Add(1)
		return
	}
	c.shadowDiffered.Add(1)
}

// took takes the measures of an instance's last call, which may have been its start, and notes how it ended.
func (c *counts) took(i Instance, err error) {
	c.busy.Add(int64(i.Took()))
	c.holds(i.Memory())
	c.ended(err)
}

// holds notes how much memory the instance has.
func (c *counts) holds(bytes int64) {
	c.memory.Store(max(c.memory.Load(), bytes))
	c.inUse.Store(bytes)
}

// ended notes how a call or a start ended.
func (c *counts) ended(err error) {
	if e, ok := errors.AsType[*module.GuestError](err); ok {
		if kind := slices.Index(FailureKinds[:], e.Kind); kind >= 0 {
			c.failures[kind].Add(1)
		}
	}
}

func (c *counts) load() Counts {
	all := Counts{In: c.in.Load(), Out: c.out.Load(), Dropped: c.dropped.Load(), DeadLetters: c.deadLetters.Load(),
		Traps: c.traps.Load(), MissedTicks: c.missedTicks.Load(), LinesDropped: c.linesDropped.Load(),
		Unavailable: c.unavailable.Load(), Restarts: c.restarts.Load(), Evicted: c.evicted.Load(), RolledBack: c.rolledBack.Load(),
		ShadowAgreed: c.shadowAgreed.Load(), ShadowDiffered: c.shadowDiffered.Load(), ShadowSkipped: c.shadowSkipped.Load(),
		ShadowBusy: time.Duration(c.shadowBusy.Load()),
		Calls:      c.calls.Load(), Busy: time.Duration(c.busy.Load()), Memory: c.memory.Load(), InUse: c.inUse.Load()}
	for kind := range all.Failures {
		all.Failures[kind] = c.failures[kind].Load()
	}
	for end := range all.Ends {
		all.Ends[end] = c.ends[end].Load()
	}
	for n := range all.Notes {
		all.Notes[n] = c.notes[n].Load()
	}
	return all
}

// Add adds the counts of a partition, or of another signal. A message that several partitions have a part in is one to each.
func (c *Counts) Add(o *Counts) {
	c.In, c.Out, c.Dropped, c.DeadLetters = c.In+o.In, c.Out+o.Out, c.Dropped+o.Dropped, c.DeadLetters+o.DeadLetters
	c.Traps, c.MissedTicks, c.LinesDropped = c.Traps+o.Traps, c.MissedTicks+o.MissedTicks, c.LinesDropped+o.LinesDropped
	c.Unavailable, c.Restarts, c.Evicted = c.Unavailable+o.Unavailable, c.Restarts+o.Restarts, c.Evicted+o.Evicted
	c.RolledBack += o.RolledBack
	c.ShadowAgreed, c.ShadowDiffered, c.ShadowSkipped = c.ShadowAgreed+o.ShadowAgreed, c.ShadowDiffered+o.ShadowDiffered, c.ShadowSkipped+o.ShadowSkipped
	c.ShadowBusy += o.ShadowBusy
	c.Calls, c.Busy, c.Memory, c.InUse = c.Calls+o.Calls, c.Busy+o.Busy, max(c.Memory, o.Memory), c.InUse+o.InUse
	for kind := range c.Failures {
		c.Failures[kind] += o.Failures[kind]
	}
	for end := range c.Ends {
		c.Ends[end] += o.Ends[end]
	}
	for n := range c.Notes {
		c.Notes[n] += o.Notes[n]
	}
}
