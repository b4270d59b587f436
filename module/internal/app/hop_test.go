package app

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// plant is a pipeline and a supervisor that run, before an edgeHub that takes everything.
type plant struct {
	*pipeline.Pipeline
	*supervise.Supervisor
}

func newPlant(b testing.TB, hub pipeline.Publisher) plant {
	j, _, err := journal.Open(journal.Config{Limit: 64 << 20})
	require.NoError(b, err)
	p := pipeline.New(pipeline.Config{Publisher: hub, Journal: j, OnError: func(err error) { b.Error(err) }})
	s := supervise.New(supervise.Config{Pipeline: p, Log: zerolog.Nop(), Changed: func() {}})
	p.SetLimits(pipeline.Limits{Outbox: 64 << 20, Spool: 1 << 20})
	ctx, stop := context.WithCancel(context.Background())
	journalCtx, endJournal := context.WithCancel(context.Background())
	var parts, journalEnded sync.WaitGroup
	journalEnded.Go(func() { j.Run(journalCtx) })
	for _, run := range []func(context.Context){p.Dispatch, p.SendResults, s.Run} {
		parts.Go(func() { run(ctx) })
	}
	b.Cleanup(func() {
		stop()
		parts.Wait()
		endJournal()
		journalEnded.Wait()
	})
	p.Connected(1)
	return plant{p, s}
}

// hostOnly is a signal that passes messages on within the module.
func hostOnly(name module.SignalName) supervise.Work {
	return supervise.Work{Signal: module.Signal{Name: name, Source: module.Source{Kind: module.SourceInput, Name: "in"},
		Format: module.FormatJSON, DataType: "auto", Scale: 1, DeadbandType: "none", DataChangeTrigger: "always", Payload: "samples"}}
}

// BenchmarkHop measures what a message costs on its way into a guest: the call itself, the guest's signal with it, and
// another signal before that. What the last has more than the second is the hop.
func BenchmarkHop(b *testing.B) {
	const body = `{"value":21.50}`
	compiled := smallGuest(b, "pass")
	b.Run("call", func(b *testing.B) {
		i, err := compiled.Start(supervise.Options{Signal: "s", Limits: smallLimits})
		require.NoError(b, err)
		defer i.Close()
		m := module.Message{Body: []byte(body)}
		for b.Loop() {
			if _, err := i.Message(m); err != nil {
				b.Fatal(err)
			}
		}
	})
	last := hostOnly("last")
	last.Signal.Guest, last.Guest, last.Spec = "guest", compiled, module.GuestSpec{Name: "guest", Limits: smallLimits}
	b.Run("signal", func(b *testing.B) { feed(b, body, last) })
	b.Run("chain", func(b *testing.B) { feed(b, body, hostOnly("first"), last) })
}

// feed gives messages to the first of some signals that read each other, and waits until the last has had them all.
func feed(b *testing.B, body string, chain ...supervise.Work) {
	p := newPlant(b, acknowledging{})
	routes := &pipeline.Routes{Signals: make(map[module.SignalName][]pipeline.Route)}
	for n, w := range chain {
		require.NoError(b, p.Apply(b.Context(), w))
		if n > 0 {
			before := chain[n-1].Signal.Name
			routes.Signals[before] = []pipeline.Route{{Signal: w.Signal.Name, Consumer: p.Consumer(w.Signal.Name)}}
		}
	}
	p.SetRoutes(routes)
	first, name := p.Consumer(chain[0].Signal.Name), chain[len(chain)-1].Signal.Name
	b.ReportAllocs()
	for b.Loop() {
		s := p.Tick(pipeline.Stream{Signal: chain[0].Signal.Name}, "bench", time.Now())
		s.Message.Body = []byte(body)
		first.Take(s)
	}
	require.Eventually(b, func() bool { return p.Snapshot()[name].In == int64(b.N) }, time.Minute, time.Millisecond)
}
