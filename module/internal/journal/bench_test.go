package journal_test

import (
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// On disk these say what the file system under the temporary directory makes of it: set TMPDIR to a real one.
func BenchmarkCommit(b *testing.B) {
	for _, where := range []string{"disk", "memory"} {
		for _, waiters := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/waiters=%d", where, waiters), func(b *testing.B) {
				c := journal.Config{Limit: 64 << 20}
				if where == "disk" {
					c.Dir = b.TempDir()
				}
				benchmarkCommit(b, c, waiters)
			})
		}
	}
}

// benchmarkCommit commits records of 300 bytes, b.N in all, each waited for by one of the waiters.
func benchmarkCommit(b *testing.B, c journal.Config, waiters int) {
	j := start(b, c)
	value := make([]byte, 300)
	before := j.Usage().Disk
	next := make(chan int)
	var all sync.WaitGroup
	for range waiters {
		all.Go(func() {
			for n := range next {
				var tx journal.Tx
				tx.Put("state/signal", fmt.Sprintf("%010d", n%1000), value)
				if err := j.Commit(&tx); err != nil {
					b.Error(err)
				}
			}
		})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		next <- n
	}
	close(next)
	all.Wait()
	if b.N < 1000 { // nothing was cleaned
		b.ReportMetric(float64(j.Usage().Disk-before)/float64(b.N), "disk-B/op")
	}
}

// fill commits n records of 300 bytes.
func fill(b *testing.B, j running, n int) {
	value := make([]byte, 300)
	for at := 0; at < n; at += 100 {
		var tx journal.Tx
		for k := range min(100, n-at) {
			tx.Put("spool/signal", fmt.Sprintf("%010d", at+k), value)
		}
		require.NoError(b, j.Commit(&tx))
	}
}

func BenchmarkOpen100000(b *testing.B) {
	c := journal.Config{Dir: b.TempDir(), Limit: 256 << 20}
	j := start(b, c)
	fill(b, j, 100_000)
	j.stop()
	for b.Loop() {
		j, damage, err := journal.Open(c)
		require.NoError(b, err)
		require.Empty(b, damage)
		b.StopTimer()
		require.Len(b, j.Keys("spool/signal"), 100_000)
		require.NoError(b, j.Close())
		b.StartTimer()
	}
}

// BenchmarkIndex says what a record costs in memory: its key, here of 10 bytes, and where it lies.
func BenchmarkIndex(b *testing.B) {
	for b.Loop() {
		j := start(b, journal.Config{Limit: 256 << 20})
		before := heap()
		fill(b, j, 100_000)
		b.ReportMetric(float64(heap()-before)/100_000, "heap-B/record")
		j.stop()
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func BenchmarkGet(b *testing.B) {
	j := start(b, journal.Config{Dir: b.TempDir(), Limit: 64 << 20})
	fill(b, j, 1000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := j.Get("spool/signal", "0000000500"); err != nil {
			b.Fatal(err)
		}
	}
}
