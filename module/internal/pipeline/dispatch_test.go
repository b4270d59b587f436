package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// ended is a consumer that has ended.
var ended = consumer(func(*Share) bool { return false })

// narrow is a consumer with room for one share, that waits for more room until it ends.
type narrow struct {
	shares chan *Share
	ended  chan struct{}
}

func newNarrow() *narrow { return &narrow{make(chan *Share, 1), make(chan struct{})} }

func (n *narrow) Take(s *Share) bool {
	select {
	case n.shares <- s:
		return true
	case <-n.ended:
		return false
	}
}

func TestInputsWaitUntilRoutesAreKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := start(t, nil)
		input := r.deliver(t, 1, "x")
		require.Empty(t, r.written)
		r.route(passes("out", &runs))
		synctest.Wait()
		r.ack(1)
		assert.True(t, input.acked())
	})
}

func TestInputThatNoSignalNamesGoesToTheDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{Unclaimed: module.ActionDeadLetter})
		input := r.deliver(t, 1, "x")
		letter := r.last(t)
		assert.Equal(t, module.OutputDeadLetter, letter.output)
		assert.Equal(t, module.ReasonNoSignal, letter.properties.Value("deadletter-reason"))
		assert.Equal(t, "in", letter.properties.Value("deadletter-input"))
		assert.False(t, input.acked())
		r.ack(1)
		assert.True(t, input.acked())
	})
}

func TestInputThatNoSignalNamesIsDroppedWhereTheTwinSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{Unclaimed: module.ActionDrop})
		assert.True(t, r.deliver(t, 1, "x").acked())
		assert.Empty(t, r.written)
		assert.EqualValues(t, 1, r.Counts().Dropped)
	})
}

func TestInputOfARemovedSignalIsNoLongerAddressedToIt(t *testing.T) {
	t.Run("others have it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, other := start(t, nil), newHolder()
			r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "gone", Consumer: ended}, {Signal: "other", Consumer: other}}}})
			input := r.deliver(t, 1, "x")
			(<-other.shares).Finish()
			assert.True(t, input.acked())
			assert.Empty(t, r.written)
		})
	})
	t.Run("nobody has it: no signal names it", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, gone := start(t, nil), newNarrow()
			r.route(gone)
			r.deliver(t, 1, "in its queue")
			r.deliver(t, 1, "waits")
			r.SetRoutes(&Routes{})
			close(gone.ended)
			synctest.Wait()
			assert.Equal(t, "waits", r.last(t).body)
			assert.Equal(t, module.ReasonNoSignal, r.last(t).properties.Value("deadletter-reason"))
		})
	})
	t.Run("what another signal sends has no reader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, nil)
			r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: emits(module.OutputNone, "1")}}},
				Signals: map[module.SignalName][]Route{"a": {{Signal: "gone", Consumer: ended}}}})
			assert.True(t, r.deliver(t, 1, "x").acked())
			assert.EqualValues(t, 1, r.Counts().Dropped)
		})
	})
}

func TestStopLeavesInputsThatNoSignalTookUnacknowledged(t *testing.T) {
	t.Run("one that waits for room", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, full := start(t, nil), newNarrow()
			r.route(full)
			r.deliver(t, 1, "in its queue")
			waits := r.deliver(t, 1, "waits for room")
			r.stop()
			close(full.ended)
			synctest.Wait()
			assert.False(t, waits.acked(), "it comes again")
			assert.Empty(t, r.written, "and is no dead letter")
		})
	})
	t.Run("one that arrives", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			var runs atomic.Int32
			r := start(t, nil)
			r.route(passes("out", &runs))
			r.stop()
			assert.False(t, r.deliver(t, 1, "late").acked())
			assert.Zero(t, runs.Load())
		})
	})
	t.Run("one whose result has a reader", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, a := start(t, nil), newHolder()
			r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: a}}}, Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: ended}}}})
			input := r.deliver(t, 1, "x")
			r.stop()
			s := <-a.shares // a works on it when the module stops
			s.Send(module.OutputNone, module.Message{}, true)
			s.Finish()
			assert.False(t, input.acked())
		})
	})
	t.Run("one whose result found the outbox closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r, a := start(t, nil), newHolder()
			r.route(a)
			input := r.deliver(t, 1, "x")
			r.stop()
			require.True(t, r.Drain(t.Context()))
			s := <-a.shares
			s.Send("out", module.Message{}, true)
			s.Finish()
			assert.False(t, input.acked())
		})
	})
}

func TestDrainedPipelineHasAcknowledgedItsInputs(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		input := r.deliver(t, 1, "x")
		go r.ack(1)
		require.True(t, r.Drain(t.Context()))
		assert.True(t, input.acked())
	})
}

func TestRoutesCanBeReplacedWhileAConsumerBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r, full := start(t, nil), newNarrow()
		r.route(full)
		for i := range 3 {
			r.deliver(t, 1, strconv.Itoa(i))
		}
		r.route(passes("out", &runs)) // does not wait
		synctest.Wait()
		assert.Zero(t, runs.Load(), "order is kept: the second still waits for room")
		<-full.shares
		synctest.Wait()
		assert.Equal(t, []string{"2"}, r.bodies(1), "the third goes the new way")
	})
}

// worker is a signal with a queue and a goroutine, as the module runs them.
type worker struct {
	*narrow
	handle func(*Share)
}

func startWorker(ctx context.Context, group *sync.WaitGroup, handle func(*Share)) *worker {
	w := &worker{newNarrow(), handle}
	group.Go(func() {
		defer close(w.ended)
		for {
			select {
			case <-ctx.Done():
				return
			case s := <-w.shares:
				w.handle(s)
				s.Finish()
			}
		}
	})
	return w
}

func forward(output module.OutputName) func(*Share) {
	return func(s *Share) { s.Send(output, module.Message{Body: s.Message.Body}, true) }
}

func TestChainWithFullQueuesAndAFullOutboxMovesOnWhenEdgeHubDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var workers sync.WaitGroup
		r := start(t, nil)
		r.SetLimits(Limits{Outbox: 1, DeadLettersPerMinute: 10, Spool: 1 << 20}) // one result at a time
		a := startWorker(t.Context(), &workers, forward("a"))
		b := startWorker(t.Context(), &workers, forward("b"))
		c := startWorker(t.Context(), &workers, forward("c"))
		r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: a}}},
			Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: b}}, "b": {{Signal: "c", Consumer: c}}}})
		var inputs []*receipt
		for i := range 20 {
			inputs = append(inputs, r.deliver(t, 1, strconv.Itoa(i)))
		}
		require.Len(t, r.written, 1, "all stand still")
		for range 60 {
			r.ack(1)
			synctest.Wait()
		}
		order := map[module.OutputName][]string{}
		for _, p := range r.written {
			order[p.output] = append(order[p.output], p.body)
		}
		for output, bodies := range order {
			require.Len(t, bodies, 20)
			for i, body := range bodies {
				assert.Equal(t, strconv.Itoa(i), body, "output %s is in order", output)
			}
		}
		for _, input := range inputs {
			assert.True(t, input.acked())
		}
	})
}

// TestHammer lets everything happen at once, for the race detector: deliveries, connections that are lost, routes that
// are replaced, limits that change.
func TestHammer(t *testing.T) {
	const inputs = 3000
	ctx, cancel := context.WithCancel(t.Context())
	h := &hub{}
	p := New(Config{Publisher: h, Journal: openJournal(t)})
	p.SetLimits(Limits{Outbox: 4 << 10, DeadLettersPerMinute: 10, Spool: 1 << 20})
	var running, workers sync.WaitGroup
	a, b := startWorker(ctx, &workers, forward("a")), startWorker(ctx, &workers, forward("b"))
	routes := &Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: a}, {Signal: "b", Consumer: b}}}, Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: b}}}}
	p.SetRoutes(routes)
	running.Go(func() { p.Dispatch(ctx) })
	running.Go(func() { p.SendResults(ctx) })
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			h.ack(3)
			p.SetRoutes(&Routes{Inputs: routes.Inputs, Signals: routes.Signals})
			p.SetLimits(Limits{Outbox: int64(1+i%3) << 12, DeadLettersPerMinute: 10, Spool: 1 << 20})
			if p.Counts(); i%50 == 0 {
				h.lose()
				p.Connected(h.open())
			}
		}
	})
	acked := make(chan struct{}, inputs)
	window := make(chan struct{}, 64)
	for i := range inputs {
		window <- struct{}{}
		require.NoError(t, p.Deliver(newDelivery("in", 1, fmt.Sprint(i), func() { <-window; acked <- struct{}{} }, mid, strconv.Itoa(i))))
	}
	for range inputs {
		<-acked
	}
	assert.Zero(t, p.Counts().InFlight)
	cancel()
	p.Drain(ctx)
	running.Wait()
	workers.Wait()
	times := map[string]int{}
	for _, published := range h.written {
		if published.acked {
			times[published.properties.Value(mid)]++
		}
	}
	assert.Equal(t, 3*inputs, len(times), "results that edgeHub has")
	for id, n := range times {
		require.Equal(t, 1, n, id)
	}
}
