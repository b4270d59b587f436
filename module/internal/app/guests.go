package app

import (
	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/reconcile"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// guest is a compiled guest as supervise knows it; package wasm knows nothing of supervisors.
type guest struct{ *wasm.Guest }

func (g guest) Start(o supervise.Options) (supervise.Instance, error) {
	i, err := g.Guest.Start(wasm.Options(o))
	if err != nil {
		return nil, err // not i: a nil *wasm.Instance in an interface is none
	}
	return i, nil
}

// compile returns a compiler for the reconciler.
func compile(host *wasm.Host) func(module.GuestName, []byte, module.Limits) (reconcile.Guest, error) {
	return func(name module.GuestName, binary []byte, limits module.Limits) (reconcile.Guest, error) {
		g, err := host.Compile(name, binary, limits)
		if err != nil {
			return nil, err
		}
		return guest{g}, nil
	}
}
