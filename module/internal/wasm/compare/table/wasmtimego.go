package main

import (
	"errors"

	"github.com/bytecodealliance/wasmtime-go/v39"
)

func newEngine() *wasmtime.Engine {
	config := wasmtime.NewConfig()
	config.SetEpochInterruption(true)
	return wasmtime.NewEngineWithConfig(config)
}

// newWasmtimeGo is the variant that goes through wasmtime-go's own functions, edge1 as with newCLoop. Its deadline is set
// once, far away.
func newWasmtimeGo(name string, edge1 bool) (*variant, error) {
	binary, err := passes.binary()
	if err != nil {
		return nil, err
	}
	engine := newEngine()
	compiled, err := wasmtime.NewModule(engine, binary)
	if err != nil {
		return nil, err
	}
	store := wasmtime.NewStore(engine)
	store.SetEpochDeadline(1 << 62)
	instance, err := wasmtime.NewInstance(store, compiled, nil)
	if err != nil {
		return nil, err
	}
	end := func() { store.Close(); compiled.Close(); engine.Close() }
	l := library{store: store, memory: instance.GetExport(store, "memory").Memory()}
	if edge1 {
		l.alloc, l.call = instance.GetFunc(store, "edge_alloc"), instance.GetFunc(store, "edge_message")
		return newVariant(name, l.pass, func() []byte { return message }, end)
	}
	l.alloc, l.call = instance.GetFunc(store, "alloc"), instance.GetFunc(store, "process")
	return newVariant(name, l.process, func() []byte { return l.out }, end)
}

// library is an instance as wasmtime-go knows it.
type library struct {
	store       *wasmtime.Store
	alloc, call *wasmtime.Func
	memory      *wasmtime.Memory
	out         []byte
}

// handIn allocates, copies the message and calls.
func (l *library) handIn() (any, error) {
	at, err := l.alloc.Call(l.store, int32(len(message)))
	if err != nil {
		return nil, err
	}
	copy(l.memory.UnsafeData(l.store)[at.(int32):], message)
	return l.call.Call(l.store, at, int32(len(message)))
}

func (l *library) pass(n int) error {
	for range n {
		if verdict, err := l.handIn(); err != nil || verdict.(int32) != 1 {
			return errors.Join(errEnded, err)
		}
	}
	return nil
}

func (l *library) process(n int) error {
	for range n {
		packed, err := l.handIn()
		if err != nil {
			return err
		}
		result := uint64(packed.(int64))
		l.out = append(l.out[:0], l.memory.UnsafeData(l.store)[result>>32:][:uint32(result)]...)
	}
	return nil
}

// newCompile is the variant that compiles the guest which ours.start starts, in this process and without a cache.
func newCompile(name string) (*variant, error) {
	binary, err := emits.binary()
	if err != nil {
		return nil, err
	}
	engine := newEngine()
	run := func(n int) error {
		for range n {
			compiled, err := wasmtime.NewModule(engine, binary)
			if err != nil {
				return err
			}
			compiled.Close()
		}
		return nil
	}
	return newVariant(name, run, func() []byte { return message }, engine.Close)
}
