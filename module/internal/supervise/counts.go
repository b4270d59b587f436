package supervise

import (
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// FailureKinds are the ways in which calls and starts of a guest end badly, in the order of [Counts.Failures].
var FailureKinds = [...]module.GuestErrorKind{module.KindTrap, module.KindExit, module.KindDeadline, module.KindMemory, module.KindABI,
	module.KindRefused, module.KindFailed, module.KindInvalid, module.KindHost}

// Counts are a signal's totals since the module's start.
type Counts struct {
	In, Out, Dropped, DeadLetters, Traps, MissedTicks, LinesDropped int64

	Calls    int64                    // of the guest, for messages and ticks; second tries too
	Busy     time.Duration            // by the clock, in calls, and in starts that went well
	Failures [len(FailureKinds)]int64 // calls and starts, by kind
	Memory   int64                    // bytes of linear memory: the most that an instance came to
}

// counts are written by the runner's goroutine alone.
type counts struct {
	in, out, dropped, deadLetters, traps, missedTicks, linesDropped atomic.Int64

	calls, busy, memory atomic.Int64
	failures            [len(FailureKinds)]atomic.Int64
}

// took takes the measures of an instance's last call, which may have been its start, and notes how it ended.
func (c *counts) took(i Instance, err error) {
	c.busy.Add(int64(i.Took()))
	c.memory.Store(max(c.memory.Load(), i.Memory()))
	c.ended(err)
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
		Calls: c.calls.Load(), Busy: time.Duration(c.busy.Load()), Memory: c.memory.Load()}
	for kind := range all.Failures {
		all.Failures[kind] = c.failures[kind].Load()
	}
	return all
}
