package supervise

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/signals"
)

// partitions are the runners of a partitioned signal's parts. They are its own runner's, which gives each message to those
// that have samples in it. That runner's own instance gets none: it shows whether the guest starts and takes its settings
// before there is a partition, and when they change.
type partitions map[string]*part

// part is the runner of a partition.
type part struct {
	*runner
	used time.Time // it was given something last
}

// spreads reports whether the runner gives what comes to those of partitions.
func (r *runner) spreads() bool { return r.partition == "" && r.reader.Partitioned() }

// spread gives a share to the runners of the partitions that it has something for.
func (r *runner) spread(s *pipeline.Share) {
	found, err := r.reader.Read(nil, s.Content(), s.Message.Properties)
	if err != nil {
		r.unreadable(s, err)
		return
	}
	if len(found) == 0 {
		r.counts.ends[signals.NoValue].Add(1)
	}
	slices.SortStableFunc(found, func(a, b signals.Found) int { return strings.Compare(a.Partition, b.Partition) })
	for part := range chunks(found) {
		p := r.part(part[0].Partition)
		p.used = time.Now()
		p.Take(s.Part(part[0].Partition, part)) // where it is refused the module stops: it stays open, and its input comes again
	}
	s.Finish()
}

// chunks yields what there is of each partition. It is in order.
func chunks(found []signals.Found) iter.Seq[[]signals.Found] {
	return func(yield func([]signals.Found) bool) {
		for len(found) > 0 {
			n := 1
			for n < len(found) && found[n].Partition == found[0].Partition {
				n++
			}
			if !yield(found[:n:n]) {
				return
			}
			found = found[n:]
		}
	}
}

// part returns the runner of a partition, which is started where it is new. Where there are as many as there may be, the one
// makes way that was given nothing for the longest time; what is kept of it is there when it comes again.
func (r *runner) part(key string) *part {
	if p := r.parts[key]; p != nil {
		return p
	}
	r.conclude() // or a part would begin with a version that is bad
	if len(r.parts) >= r.work.Signal.MaxPartitions {
		r.evict()
	}
	runner := r.supervisor.runner(pipeline.Stream{Signal: r.name, Partition: key})
	if runner == nil { // the module stops
		runner = newRunner(r.supervisor, pipeline.Stream{Signal: r.name, Partition: key})
		runner.inbox.close()
		return &part{runner: runner}
	}
	p := &part{runner: runner}
	p.paused.Store(r.paused.Load())
	p.apply(r.work)
	if c := r.candidate; c != nil {
		_ = p.do(p.supervisor.ctx, func() { p.setCandidate(c) }) // else the module stops
	}
	if r.parts == nil {
		r.parts = make(partitions)
	}
	r.parts[key] = p
	return p
}

// apply has a partition's runner do the signal's work. What it cannot do its own state tells.
func (p *part) apply(w Work) {
	_ = p.do(p.supervisor.ctx, func() {
		if err := p.runner.apply(w); err != nil {
			p.event(zerolog.WarnLevel, &w).Err(err).Msg("partition goes on as it was")
		}
	})
}

// evict ends the partition that was given nothing for the longest time.
func (r *runner) evict() {
	oldest := slices.MinFunc(slices.Collect(maps.Keys(r.parts)), func(a, b string) int { return r.parts[a].used.Compare(r.parts[b].used) })
	r.counts.evicted.Add(1)
	r.endPart(oldest)
}

func (r *runner) endPart(key string) {
	p := r.parts[key]
	delete(r.parts, key)
	if p.do(p.supervisor.ctx, p.finish) != nil {
		return // it ends with the module
	}
	p.remove()
	<-p.ended
	r.supervisor.forget(p.runner)
}

// applyParts has the partitions follow the signal's work, and brings those up that left something in their spools.
func (r *runner) applyParts() {
	if !r.spreads() {
		r.dissolve()
		return
	}
	for _, p := range r.parts {
		p.apply(r.work)
	}
	for _, stream := range r.supervisor.config.Pipeline.Waiting(r.name) {
		if stream.Partition != "" {
			r.part(stream.Partition)
		}
	}
}

// dissolve ends all partitions.
func (r *runner) dissolve() {
	for key := range r.parts {
		r.endPart(key)
	}
}

// add makes the state of a signal that of its partitions too.
func (s *State) add(partition State) {
	s.Partitions++
	s.Counts.Add(&partition.Counts)
	s.Waiting, s.Spooled, s.Slow = s.Waiting+partition.Waiting, s.Spooled+partition.Spooled, s.Slow || partition.Slow
	s.Shadow = s.Shadow.add(partition.Shadow)
	s.RestartCount += partition.RestartCount
	if partition.Status != module.Running {
		s.Troubled++
	}
	if s.Troubled == 1 && partition.Status != module.Running {
		s.Description = fmt.Sprintf("partition %q: %s: %s", partition.partition, partition.Status, partition.Description)
	}
}
