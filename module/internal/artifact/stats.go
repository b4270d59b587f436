package artifact

import (
	"context"
	"sync/atomic"
	"time"
)

// Stats are totals of what was downloaded since the start, and how much is at it now.
type Stats struct {
	Done, Refused int64         // downloads, by how they ended
	Failures      int64         // attempts that are followed by another
	Bytes         int64         // of content that came, also in attempts that failed
	Busy          time.Duration // by the clock, over all attempts, waits left out
	Running       int64         // downloads that have begun and not ended, waits between attempts included
}

type stats struct {
	done, refused, failures, bytes, busy, running atomic.Int64
}

// Stats returns the totals.
func (s *Store) Stats() Stats {
	c := &s.stats
	return Stats{Done: c.done.Load(), Refused: c.refused.Load(), Failures: c.failures.Load(), Bytes: c.bytes.Load(),
		Busy: time.Duration(c.busy.Load()), Running: c.running.Load()}
}

// ended counts an attempt that began at a time, and in which so many bytes came. One that is called off has not failed.
func (c *stats) ended(ctx context.Context, since time.Time, bytes int64, err error) {
	c.bytes.Add(bytes)
	c.busy.Add(int64(time.Since(since)))
	switch {
	case err == nil:
		c.done.Add(1)
	case Refused(err):
		c.refused.Add(1)
	case ctx.Err() == nil:
		c.failures.Add(1)
	}
}
