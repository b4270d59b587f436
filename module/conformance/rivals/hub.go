package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// patience is how long a turn may take at most.
const patience = 2 * time.Minute

// bodies are messages of Microsoft's simulated temperature sensor, below 25 °C and above in turn.
var bodies = [2][]byte{
	[]byte(`{"machine":{"temperature":23.463542109876543,"pressure":1.2806819618846696},"ambient":{"temperature":20.954321098765432,"humidity":25},"timeCreated":"2026-01-02T03:04:05.6789012Z"}`),
	[]byte(`{"machine":{"temperature":33.463542109876543,"pressure":2.4199225188467090},"ambient":{"temperature":21.154321098765432,"humidity":24},"timeCreated":"2026-01-02T03:04:06.6789012Z"}`),
}

// hub is a simulated Edge Hub with all rivals as its modules, and a sensor for each of them.
type hub struct {
	*sim.Hub
	batches  int
	upstream atomic.Int64
	wanted   atomic.Int64
	came     chan struct{} // room for one: upstream has come to wanted
	stop     func()        // and waits
}

func newHub(dir string, window int) (*hub, error) {
	m, err := deployment()
	if err != nil {
		return nil, err
	}
	h := &hub{came: make(chan struct{}, 1)}
	h.Hub, err = sim.New(sim.Config{
		Manifest: m, Dir: filepath.Join(dir, "hub"), InFlight: window, Log: zerolog.Nop(),
		Observer: sim.Observer{Upstream: func(sim.Upstream) { h.count() }},
	})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var ended sync.WaitGroup
	ended.Go(func() { _ = h.Run(ctx) })
	h.stop = func() { cancel(); ended.Wait() }
	return h, nil
}

func deployment() (m manifest.Manifest, err error) {
	for n := range rivals {
		name := n.String()
		m.Modules = append(m.Modules,
			manifest.Module{Name: name, Status: "running", Desired: n.desired()},
			manifest.Module{Name: "sensor-" + name, Status: "running"})
		for _, text := range []string{
			`FROM /messages/modules/sensor-` + name + `/* INTO BrokeredEndpoint("/modules/` + name + `/inputs/sensor")`,
			`FROM /messages/modules/` + name + `/outputs/* INTO $upstream`,
		} {
			route, err := manifest.ParseRoute(text, text)
			if err != nil {
				return m, err
			}
			m.Routes = append(m.Routes, route)
		}
	}
	return m, nil
}

func (h *hub) count() {
	if h.upstream.Add(1) == h.wanted.Load() {
		h.came <- struct{}{}
	}
}

// turn sends n messages, an even number, through a rival, and returns what that took until half of them have come
// upstream and all are acknowledged.
func (h *hub) turn(ctx context.Context, p *process, n int) (turn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%s has not dealt with its messages in %s", p.rival, patience))
	defer cancel()
	h.wanted.Store(h.upstream.Load() + int64(n/2))
	h.batches++
	before, start, err := p.cpu()
	if err != nil {
		return turn{}, err
	}
	if err := h.send(ctx, p.rival, n); err != nil {
		return turn{}, err
	}
	elapsed := time.Since(start)
	after, _, err := p.cpu()
	if err != nil {
		return turn{}, err
	}
	memory, err := p.memory()
	if got := h.upstream.Load(); got != h.wanted.Load() {
		err = errors.Join(err, fmt.Errorf("%s has sent %d messages too many", p.rival, got-h.wanted.Load()))
	}
	return turn{
		inputs: float64(n) / elapsed.Seconds(), cpu: (after - before) / time.Duration(n), memory: memory,
	}, err
}

func (h *hub) send(ctx context.Context, r rival, n int) error {
	batch := fmt.Sprint("batch ", h.batches)
	for number := range n {
		err := h.Publish(ctx, "sensor-"+r.String(), "temperatureOutput", edgehub.Message{Body: bodies[number%2], Properties: edgehub.Properties{
			{Name: edgehub.PropertyContentType, Value: "application/json"},
			{Name: edgehub.PropertyContentEncoding, Value: "utf-8"},
			{Name: "sequenceNumber", Value: strconv.Itoa(number + 1)},
			{Name: "batchId", Value: batch},
		}})
		if err != nil {
			return err
		}
	}
	select {
	case <-h.came:
		return h.WaitIdle(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
