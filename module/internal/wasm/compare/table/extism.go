package main

import (
	"context"

	extism "github.com/extism/go-sdk"
)

// newExtism is the variant that runs on Extism's Go SDK; killable with a timeout of a call, as long as ours.
func newExtism(name string, killable bool) (*variant, error) {
	binary, err := extismGuest()
	if err != nil {
		return nil, err
	}
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: binary}}}
	if killable {
		manifest.Timeout = uint64(limits.Deadline.Milliseconds())
	}
	ctx := context.Background()
	plugin, err := extism.NewPlugin(ctx, manifest, extism.PluginConfig{}, nil)
	if err != nil {
		return nil, err
	}
	var out []byte
	run := func(n int) (err error) {
		for range n {
			if _, out, err = plugin.Call("process", message); err != nil {
				return err
			}
		}
		return nil
	}
	return newVariant(name, run, func() []byte { return out }, func() { _ = plugin.Close(ctx) })
}
