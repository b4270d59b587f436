package app

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// tallying is a guest that passes messages on and counts them in its state.
const tallying = `(module
	(import "edge" "state_get" (func $get (param i32 i32 i32 i32) (result i32)))
	(import "edge" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))
	(memory (export "memory") 1)
	(data (i32.const 0) "n")
	(func (export "edge_alloc") (param i32) (result i32) i32.const 1024)
	(func (export "edge_message") (param i32 i32) (result i32)
		(drop (call $get (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 8)))
		(i64.store (i32.const 8) (i64.add (i64.load (i32.const 8)) (i64.const 1)))
		(drop (call $set (i32.const 0) (i32.const 1) (i32.const 8) (i32.const 8)))
		i32.const 1))`

// ledger is an edgeHub that writes down what it gets.
type ledger struct {
	mu     sync.Mutex
	bodies []string
}

func (l *ledger) Publish(_ context.Context, _ module.OutputName, m module.Message, done func(error)) error {
	l.mu.Lock()
	l.bodies = append(l.bodies, string(m.Body))
	l.mu.Unlock()
	done(nil)
	return nil
}

// versions compiles a guest twice.
func versions(t testing.TB, text string) (both [2]guest) {
	host, err := wasm.New(wasm.Config{Compiler: []string{CompilerCommand}, Memory: 1 << 40})
	require.NoError(t, err)
	t.Cleanup(host.Close)
	code, err := wasmtime.Wat2Wasm(text)
	require.NoError(t, err)
	for i := range both {
		g, err := host.Compile(t.Context(), "guest", code, smallLimits)
		require.NoError(t, err)
		t.Cleanup(g.Close)
		both[i] = guest{g}
	}
	return both
}

// swapper gives one signal new versions of its guest, each on probation.
type swapper struct {
	plant
	guests [2]guest
	work   supervise.Work
	passed atomic.Int64
}

func newSwapper(t testing.TB, hub pipeline.Publisher, text string) *swapper {
	s := &swapper{plant: newPlant(t, hub), guests: versions(t, text), work: hostOnly("s")}
	s.work.Signal.Guest, s.work.Signal.Output = "guest", "telemetry"
	s.work.Spec = module.GuestSpec{Name: "guest", Limits: smallLimits}
	s.work.Guest, s.work.Digest = s.guests[0], "sha256:0"
	require.NoError(t, s.Apply(t.Context(), s.work))
	s.SetRoutes(&pipeline.Routes{})
	return s
}

// swap goes over to the n-th version.
func (s *swapper) swap(t testing.TB, n int) {
	former := s.work
	former.Former, former.Probation = nil, nil
	s.work.Guest, s.work.Digest, s.work.Former = s.guests[n%2], "sha256:"+strconv.Itoa(n), &former
	s.work.Probation = supervise.NewProbation(s.work.Digest, module.Probation{Messages: 1, Duration: time.Minute}, func() { s.passed.Add(1) })
	require.NoError(t, s.Apply(t.Context(), s.work))
	s.work.Probation.Begin()
}

func (s *swapper) give(n int) {
	share := s.Tick(pipeline.Stream{Signal: "s"}, "load", time.Now())
	share.Message.Body = []byte(strconv.Itoa(n))
	s.Consumer("s").Take(share)
}

func TestAThousandSwapsUnderFullLoadLoseRepeatAndReorderNothing(t *testing.T) {
	const swaps = 1000
	hub := &ledger{}
	s := newSwapper(t, hub, tallying)
	var over atomic.Bool
	var given int
	var load sync.WaitGroup
	load.Go(func() {
		for ; !over.Load(); given++ {
			s.give(given)
		}
	})
	for n := 1; n <= swaps; n++ {
		s.swap(t, n)
	}
	over.Store(true)
	load.Wait()
	want := make([]string, given)
	for n := range want {
		want[n] = strconv.Itoa(n)
	}
	require.Eventually(t, func() bool {
		hub.mu.Lock()
		defer hub.mu.Unlock()
		return len(hub.bodies) >= given
	}, time.Minute, 10*time.Millisecond)
	assert.True(t, slices.Equal(want, hub.bodies), "each message once, in order")
	state, err := s.Kept(pipeline.Stream{Signal: "s"}).State()
	require.NoError(t, err)
	assert.EqualValues(t, given, binary.LittleEndian.Uint64(state["n"]), "every version counted on from the one before")
	assert.Zero(t, s.Snapshot()["s"].Traps)
	assert.Greater(t, given, swaps)
	t.Logf("%d swaps within %d messages", swaps, given)
}

// BenchmarkSwap measures the pause that a swap is to a signal: from the last message of one version to the first of the next,
// which waits for it, while messages keep coming.
func BenchmarkSwap(b *testing.B) {
	for _, name := range []string{"pass", "tallying"} {
		b.Run(name, func(b *testing.B) {
			text := tallying
			if name == "pass" {
				text = passing
			}
			s := newSwapper(b, acknowledging{}, text)
			var pauses []time.Duration
			for n := 1; b.Loop(); n++ {
				s.give(n)
				before := time.Now()
				s.swap(b, n)
				pauses = append(pauses, time.Since(before))
			}
			slices.Sort(pauses)
			for _, percent := range []int{50, 99} {
				b.ReportMetric(float64(pauses[len(pauses)*percent/100].Nanoseconds())/1000, fmt.Sprintf("µs-p%d", percent))
			}
		})
	}
}

// passing is the smallest guest.
const passing = `(module (memory (export "memory") 1) (func (export "edge_alloc") (param i32) (result i32) i32.const 1024)
	(func (export "edge_message") (param i32 i32) (result i32) i32.const 1))`
