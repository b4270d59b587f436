package supervise

import (
	"sync/atomic"
	"time"
)

// Counts are a signal's totals since the module's start.
type Counts struct {
	In, Out, Dropped, DeadLetters, Traps, MissedTicks, LinesDropped int64
	Busy                                                            time.Duration // wall time in the guest
}

type counts struct {
	in, out, dropped, deadLetters, traps, missedTicks, linesDropped, busy atomic.Int64
}

func (c *counts) load() Counts {
	return Counts{In: c.in.Load(), Out: c.out.Load(), Dropped: c.dropped.Load(), DeadLetters: c.deadLetters.Load(),
		Traps: c.traps.Load(), MissedTicks: c.missedTicks.Load(), LinesDropped: c.linesDropped.Load(), Busy: time.Duration(c.busy.Load())}
}
