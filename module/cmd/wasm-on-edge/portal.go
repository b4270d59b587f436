package main

import (
	"context"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/portal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// openPortal makes the page of a simulation.
func (s *simulation) openPortal(m manifest.Manifest) error {
	c := portal.Config{
		Listen: s.command.Portal, Manifest: m, Name: s.command.Module, Hub: s.hub,
		Twin: atHand(s.command.Module, s.command.Guests), Guests: s.command.Guests, Inspect: inspectFor, Version: version(),
	}
	if s.module != nil {
		c.Module = s.module // not a nil *app.App in an interface
	}
	p, err := portal.New(c)
	if err != nil {
		return hint(err, "--portal takes HOST:PORT of this machine, and 0 as the port for any that is free; --no-portal goes without")
	}
	s.portal.Store(p)
	return nil
}

func (s *simulation) runPortal(ctx context.Context) {
	if err := s.portal.Load().Run(ctx); err != nil {
		s.log.Error().Err(err).Msg("portal ended")
	}
}

// watch has an observer tell the portal too.
func (s *simulation) watch(o sim.Observer) sim.Observer {
	tell := func(f func(*portal.Portal)) {
		if p := s.portal.Load(); p != nil {
			f(p)
		}
	}
	upstream, fault := o.Upstream, o.Fault
	o.Upstream = func(u sim.Upstream) { upstream(u); tell(func(p *portal.Portal) { p.Upstream(u) }) }
	o.Fault = func(f sim.Fault) { fault(f); tell(func(p *portal.Portal) { p.Fault(f) }) }
	o.Connected = func(name string) { tell(func(p *portal.Portal) { p.Connected(name) }) }
	o.Disconnected = func(name string, err error) { tell(func(p *portal.Portal) { p.Disconnected(name, err) }) }
	return o
}

// inspectFor tells the page what inspect tells.
func inspectFor(wasm []byte) portal.Inspection {
	i := inspect(wasm)
	return portal.Inspection{Digest: i.Digest, Bytes: i.Bytes, Runs: i.Runs, Reason: i.Reason, ABI: i.ABI, MemoryPages: i.MemoryPages,
		Imports: i.Imports, Exports: i.Exports, Permissions: i.Permissions}
}
