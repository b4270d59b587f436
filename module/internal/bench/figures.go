package bench

import (
	"context"
	"fmt"
)

// all returns every figure, memory first: it is measured while the process has used none for anything else.
func (b *Bench) all() [][]figure {
	guests := []*Guest{&pass, &average}
	called := []*Guest{&pass, &emitAndSet, &average}
	compiled := []*Guest{&average}
	if own := b.config.Guest; own != nil {
		guests, called, compiled = append(guests, own), append(called, own), append(compiled, own)
	}
	var groups [5][]figure
	for _, g := range guests {
		groups[0] = append(groups[0], b.memory(g))
		groups[2] = append(groups[2], b.start(g))
	}
	for _, g := range called {
		groups[1] = append(groups[1], b.message(g))
	}
	for _, g := range compiled {
		groups[3] = append(groups[3], b.compile(g), b.load(g))
	}
	for _, inFlight := range []int{1, 64} {
		groups[4] = append(groups[4], b.endToEnd(inFlight))
	}
	return groups[:]
}

// message is a message into the sandbox and what came of it back.
func (b *Bench) message(g *Guest) figure {
	name := fmt.Sprintf("Message/%s/%dB", g.Name, len(g.message()))
	return figure{name: name, prepare: func(ctx context.Context) (subject, error) { return newCalls(ctx, b.host, g) }}
}

// start is one more signal of a guest that is compiled: its instance, its settings, and its end.
func (b *Bench) start(g *Guest) figure {
	return figure{name: "Start/" + g.Name, prepare: func(ctx context.Context) (subject, error) { return newStarts(ctx, b.host, g) }}
}

// compile is compiling in a process of its own.
func (b *Bench) compile(g *Guest) figure {
	return figure{name: "Compile/" + g.Name, prepare: func(ctx context.Context) (subject, error) { return newCompiles(ctx, "", g) }}
}

// load is what takes the place of compiling when the code is on disk already: checking and mapping it.
func (b *Bench) load(g *Guest) figure {
	return figure{name: "Load/" + g.Name, prepare: func(ctx context.Context) (subject, error) {
		return newCompiles(ctx, b.path("compiled"), g)
	}}
}

// memory is what a signal takes of the whole module: guest, sandbox, host and twin.
func (b *Bench) memory(g *Guest) figure {
	n := g.signals()
	return figure{name: fmt.Sprintf("Memory/%s/%dsignals", g.Name, n), once: true, prepare: func(ctx context.Context) (subject, error) {
		return newMemory(ctx, b.path("memory-"+g.Name), g, n)
	}}
}

// endToEnd is a message from a simulated edgeHub through the module and back, over TLS, in one process.
func (b *Bench) endToEnd(inFlight int) figure {
	name := fmt.Sprintf("EndToEnd/%dinFlight", inFlight)
	return figure{name: name, prepare: func(ctx context.Context) (subject, error) {
		return newRoundTrips(ctx, b.path(fmt.Sprint("hub", inFlight)), inFlight)
	}}
}
