package supervise

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// timeBuckets reach from a microsecond to eight seconds, doubling, and one more for what takes longer.
const timeBuckets = 25

// Times tell how long the calls of a guest took by the clock, for messages and ticks, over all its signals.
type Times struct {
	Buckets [timeBuckets]int64 // calls that took less than [TimeBound] of their index, and not less than the one before
	Sum     time.Duration
}

// TimeBound returns what the calls in a bucket took less than: a microsecond in bucket 0, in each further one twice as
// much. Those in the last one took any longer time.
func TimeBound(bucket int) time.Duration { return time.Microsecond << bucket }

// times are written by the runners of all signals of a guest.
type times struct {
	buckets [timeBuckets]atomic.Int64
	sum     atomic.Int64
}

func (t *times) add(took time.Duration) {
	bucket := bits.Len64(uint64(max(took, 0) / time.Microsecond))
	t.buckets[min(bucket, timeBuckets-1)].Add(1)
	t.sum.Add(int64(took))
}

func (t *times) load() Times {
	all := Times{Sum: time.Duration(t.sum.Load())}
	for n := range all.Buckets {
		all.Buckets[n] = t.buckets[n].Load()
	}
	return all
}

// Times returns the times of all guests that signals ever used: counters must not go back.
func (s *Supervisor) Times() map[module.GuestName]Times {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[module.GuestName]Times, len(s.times))
	for name, t := range s.times {
		all[name] = t.load()
	}
	return all
}

// timesOf returns where the times of a guest are counted.
func (s *Supervisor) timesOf(name module.GuestName) *times {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.times[name] == nil {
		s.times[name] = new(times)
	}
	return s.times[name]
}
