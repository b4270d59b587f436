package app

import (
	"context"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/reconcile"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// guest is a compiled guest as supervise knows it; package wasm knows nothing of supervisors.
type guest struct{ *wasm.Guest }

func (g guest) Start(o supervise.Options) (supervise.Instance, error) {
	i, err := g.Guest.Start(wasmOptions(o))
	if err != nil {
		return nil, err // not i: a nil *wasm.Instance in an interface is none
	}
	return i, nil
}

// wasmOptions are a supervisor's options as package wasm has them: each declares what it asks of the way out by itself.
func wasmOptions(o supervise.Options) wasm.Options {
	return wasm.Options{Signal: o.Signal, Limits: o.Limits, Env: o.Env, State: o.State, Files: o.Files, HTTP: o.HTTP, Context: o.Context}
}

func (g guest) IsProgram() bool { return g.ABI() == wasm.ABICommand }

func (g guest) Serve(o supervise.Options, io supervise.ServiceIO) (supervise.Service, error) {
	s, err := g.Guest.Serve(wasmOptions(o), io)
	if err != nil {
		return nil, err // not s, as above
	}
	return s, nil
}

// CompilerCommand is the argument with which the module starts this program to compile a guest. The program then calls
// [CompilerMain] and nothing else.
const CompilerCommand = "compile"

// CompilerMain compiles the guest on standard input and returns the exit code.
func CompilerMain(args []string) int { return wasm.CompilerMain(args) }

// compile returns a compiler for the reconciler.
func compile(host *wasm.Host) func(context.Context, module.GuestName, []byte, module.Limits) (reconcile.Guest, error) {
	return func(ctx context.Context, name module.GuestName, binary []byte, limits module.Limits) (reconcile.Guest, error) {
		g, err := host.Compile(ctx, name, binary, limits)
		if err != nil {
			return nil, err
		}
		return guest{g}, nil
	}
}
