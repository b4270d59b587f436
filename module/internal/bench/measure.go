package bench

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"time"
)

// figure is one line of what is printed.
type figure struct {
	name    string // as benchstat shows it: without "Benchmark" and the number of processors
	once    bool   // its time says nothing: it is done once, and has metrics of its own
	prepare func(context.Context) (subject, error)
}

// subject is what a figure measures, ready to be run.
type subject interface {
	run(ctx context.Context, n int) error // does it n times
	metrics() []metric                    // beside time and allocations: of the last run
	close()
}

// metric is one more number of a line.
type metric struct {
	value float64
	unit  string
}

// result is what a figure came to.
type result struct {
	n       int
	time    time.Duration // of n
	mallocs uint64
	bytes   uint64
	once    bool
	metrics []metric
}

const mostTimes = 1_000_000_000

// measure runs the subject more and more often, until a run takes the given time.
func (f figure) measure(ctx context.Context, s subject, wanted time.Duration) (r result, err error) {
	for n := 1; ; n = times(r, wanted) {
		if r, err = measureOnce(ctx, s, n); err != nil {
			return result{}, err
		}
		if f.once || r.time >= wanted || n >= mostTimes {
			r.once, r.metrics = f.once, s.metrics()
			return r, nil
		}
	}
}

// times returns how often to run next: a fifth more than would take the wanted time, but a hundred times as often as the
// last at most, for the first runs are slow.
func times(last result, wanted time.Duration) int {
	each := max(last.time.Nanoseconds(), 1)
	n := int64(float64(wanted.Nanoseconds()) / float64(each) * float64(last.n) * 1.2)
	return int(min(max(n, int64(last.n)+1), 100*int64(last.n), mostTimes))
}

func measureOnce(ctx context.Context, s subject, n int) (result, error) {
	if err := ctx.Err(); err != nil {
		return result{}, err
	}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	err := s.run(ctx, n)
	elapsed := time.Since(start)
	runtime.ReadMemStats(&after)
	return result{n: n, time: elapsed, mallocs: after.Mallocs - before.Mallocs, bytes: after.TotalAlloc - before.TotalAlloc}, err
}

// line renders a result in the form that golang.org/design/14313-benchmark-format lays down.
func (r result) line(name string) string {
	if procs := runtime.GOMAXPROCS(0); procs > 1 {
		name = fmt.Sprintf("%s-%d", name, procs)
	}
	var line strings.Builder
	fmt.Fprintf(&line, "Benchmark%-32s\t%8d", name, r.n)
	all := r.metrics
	if !r.once {
		n := uint64(r.n)
		all = append([]metric{{float64(r.time.Nanoseconds()) / float64(r.n), "ns/op"}}, r.metrics...)
		all = append(all, metric{float64(r.bytes / n), "B/op"}, metric{float64(r.mallocs / n), "allocs/op"})
	}
	for _, m := range all {
		fmt.Fprintf(&line, "\t%s %s", number(m.value), m.unit)
	}
	return line.String()
}

// number renders a value with the digits that say something.
func number(value float64) string {
	switch {
	case value == float64(int64(value)) || value >= 1000:
		return fmt.Sprintf("%10.0f", value)
	case value >= 100:
		return fmt.Sprintf("%12.1f", value)
	default:
		return fmt.Sprintf("%13.2f", value)
	}
}
