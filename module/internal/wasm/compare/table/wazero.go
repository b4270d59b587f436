package main

import (
	"context"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// newWazero is the variant that runs on wazero's compiler. A guest that loops can be ended there only with
// WithCloseOnContextDone, under a context that can end: killable. That context is made once, not for each message.
func newWazero(name string, killable bool) (*variant, error) {
	binary, err := passes.binary()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	runtime := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler().WithCloseOnContextDone(killable))
	end := func() { _ = runtime.Close(ctx); cancel() }
	guest, err := runtime.Instantiate(ctx, binary)
	if err != nil {
		end()
		return nil, err
	}
	var out []byte
	alloc, process, memory := guest.ExportedFunction("alloc"), guest.ExportedFunction("process"), guest.Memory()
	run := func(n int) (err error) {
		for range n {
			if out, err = wazeroMessage(ctx, alloc, process, memory, out); err != nil {
				return err
			}
		}
		return nil
	}
	return newVariant(name, run, func() []byte { return out }, end)
}

func wazeroMessage(ctx context.Context, alloc, process api.Function, memory api.Memory, out []byte) ([]byte, error) {
	stack := [2]uint64{uint64(len(message))}
	if err := alloc.CallWithStack(ctx, stack[:]); err != nil {
		return nil, err
	}
	if !memory.Write(uint32(stack[0]), message) {
		return nil, errEnded
	}
	stack[1] = uint64(len(message))
	if err := process.CallWithStack(ctx, stack[:]); err != nil {
		return nil, err
	}
	result, ok := memory.Read(uint32(stack[0]>>32), uint32(stack[0]))
	if !ok {
		return nil, errEnded
	}
	return append(out[:0], result...), nil
}
