package wasm_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

func sample() module.Message {
	return module.Message{Body: make([]byte, 200), Properties: module.Properties{{Name: "$.mid", Value: "01J000000000000000000000"}, {Name: "$.cdid", Value: "device"}}}
}

func TestAMessageAllocatesNothing(t *testing.T) {
	for name, binary := range map[string][]byte{"pass": file(t, "pass"), "emit and set": file(t, "emit_and_set")} {
		i, m := run(t, binary), sample()
		assert.Zero(t, testing.AllocsPerRun(1000, func() {
			_, _ = i.Message(m)
			i.Effects()
		}), name)
	}
}

func BenchmarkMessage(b *testing.B) {
	for name, binary := range map[string][]byte{"pass": file(b, "pass"), "emit+set": file(b, "emit_and_set")} {
		b.Run(name, func(b *testing.B) {
			i, m := run(b, binary), sample()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.Message(m); err != nil {
					b.Fatal(err)
				}
				i.Effects()
			}
		})
	}
}

// BenchmarkLibrary does what BenchmarkMessage/pass does through wasmtime-go's own API.
func BenchmarkLibrary(b *testing.B) {
	engine := wasmtime.NewEngine()
	compiled, err := wasmtime.NewModule(engine, file(b, "pass"))
	require.NoError(b, err)
	store := wasmtime.NewStore(engine)
	instance, err := wasmtime.NewInstance(store, compiled, nil)
	require.NoError(b, err)
	alloc, call, memory := instance.GetFunc(store, "edge_alloc"), instance.GetFunc(store, "edge_message"), instance.GetExport(store, "memory").Memory()
	body := sample().Body
	b.ReportAllocs()
	for b.Loop() {
		pointer, err := alloc.Call(store, int32(len(body)))
		if err != nil {
			b.Fatal(err)
		}
		copy(memory.UnsafeData(store)[pointer.(int32):], body)
		if _, err := call.Call(store, pointer, int32(len(body))); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStart(b *testing.B) {
	guest := compile(b, file(b, "pass"))
	o := wasm.Options{Signal: "signal", Limits: limits()}
	b.ReportAllocs()
	for b.Loop() {
		i, err := guest.Start(o)
		if err != nil {
			b.Fatal(err)
		}
		i.Close()
	}
}

// BenchmarkGoroutines passes b.N messages in all, with as many instances as goroutines.
func BenchmarkGoroutines(b *testing.B) {
	for _, goroutines := range []int{1, 2} {
		b.Run(fmt.Sprint(goroutines), func(b *testing.B) {
			guest, m := compile(b, file(b, "pass")), sample()
			instances := make([]*wasm.Instance, goroutines)
			for n := range instances {
				instances[n] = start(b, guest, wasm.Options{})
			}
			b.ResetTimer()
			var all sync.WaitGroup
			for _, i := range instances {
				all.Go(func() {
					for range b.N / goroutines {
						_, _ = i.Message(m)
					}
				})
			}
			all.Wait()
		})
	}
}
