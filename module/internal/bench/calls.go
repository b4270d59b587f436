package bench

import (
	"context"
	"fmt"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// calls are messages to one instance.
type calls struct {
	guest    *wasm.Guest
	instance *wasm.Instance
	message  module.Message
	n        int
	outputs  int // of the n messages, with those that were passed on
}

func newCalls(ctx context.Context, host *wasm.Host, g *Guest) (*calls, error) {
	guest, err := compiled(ctx, host, g)
	if err != nil {
		return nil, err
	}
	instance, err := started(guest, g)
	if err != nil {
		guest.Close()
		return nil, err
	}
	properties := module.Properties{{Name: "$.mid", Value: "01J000000000000000000000"}, {Name: "$.cdid", Value: "device"}}
	return &calls{guest: guest, instance: instance, message: module.Message{Body: g.message(), Properties: properties}}, nil
}

func (c *calls) run(_ context.Context, n int) error {
	c.n, c.outputs = n, 0
	for range n {
		verdict, err := c.instance.Message(c.message)
		if err != nil {
			return err
		}
		c.outputs += len(c.instance.Effects().Emitted)
		if verdict == module.Pass {
			c.outputs++
		}
	}
	return nil
}

func (c *calls) metrics() []metric {
	return []metric{{float64(c.outputs) / float64(c.n), "outputs/op"}, {float64(c.instance.Memory()) / 1024, "guest-KiB"}}
}

func (c *calls) close() {
	c.instance.Close()
	c.guest.Close()
}

// starts are instances of one guest, one after the other.
type starts struct {
	guest *wasm.Guest
	of    *Guest
}

func newStarts(ctx context.Context, host *wasm.Host, g *Guest) (*starts, error) {
	guest, err := compiled(ctx, host, g)
	if err != nil {
		return nil, err
	}
	return &starts{guest, g}, nil
}

func (s *starts) run(_ context.Context, n int) error {
	for range n {
		instance, err := started(s.guest, s.of)
		if err != nil {
			return err
		}
		instance.Close()
	}
	return nil
}

func (s *starts) metrics() []metric { return nil }

func (s *starts) close() { s.guest.Close() }

// compiles take a binary to a guest that can be started, with a cache of compiled code or without.
type compiles struct {
	host *wasm.Host
	of   *Guest
}

// newCompiles returns compiles with the cache in the given directory, where the code is put first; "" is none.
func newCompiles(ctx context.Context, cache string, g *Guest) (*compiles, error) {
	host, err := newHost(cache)
	if err != nil {
		return nil, err
	}
	c := &compiles{host, g}
	if cache == "" {
		return c, nil
	}
	if err := c.run(ctx, 1); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *compiles) run(ctx context.Context, n int) error {
	for range n {
		guest, err := compiled(ctx, c.host, c.of)
		if err != nil {
			return err
		}
		guest.Close()
	}
	return nil
}

func (c *compiles) metrics() []metric { return nil }

func (c *compiles) close() { c.host.Close() }

func compiled(ctx context.Context, host *wasm.Host, g *Guest) (*wasm.Guest, error) {
	return host.Compile(ctx, module.GuestName(g.Name), g.Binary, limits)
}

// started returns an instance that has accepted its settings.
func started(guest *wasm.Guest, g *Guest) (*wasm.Instance, error) {
	instance, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits})
	if err != nil {
		return nil, err
	}
	if err := instance.Configure(fmt.Appendf(nil, `{"signal":"signal","partition":"","settings":%s}`, g.settings())); err != nil {
		instance.Close()
		return nil, err
	}
	return instance, nil
}
