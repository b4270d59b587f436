package wasm

import (
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/require"
	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestQuick(t *testing.T) {
	bin, err := wasmtime.Wat2Wasm(`(module
 (import "edge" "emit" (func $emit (param i32 i32 i32 i32 i32 i32) (result i32)))
 (import "edge" "state_set" (func $set (param i32 i32 i32 i32) (result i32)))
 (memory (export "memory") 1)
 (data (i32.const 0) "a=b%20c&$.ct=application%2Fjson")
 (func (export "edge_alloc") (param i32) (result i32) i32.const 1024)
 (func (export "edge_message") (param i32 i32) (result i32)
   (if (i32.eq (i32.load8_u (local.get 0)) (i32.const 33)) (then (loop $l br $l)))
   (if (i32.eq (i32.load8_u (local.get 0)) (i32.const 63)) (then unreachable))
   (drop (call $set (i32.const 0) (i32.const 3) (i32.const 0) (i32.const 7)))
   (call $emit (i32.const 0) (i32.const 1) (local.get 0) (local.get 1) (i32.const 0) (i32.const 31)) drop
   i32.const 1))`)
	require.NoError(t, err)
	h, err := New()
	require.NoError(t, err)
	defer h.Close()
	limits := module.Limits{Memory: 1 << 20, Deadline: 50 * time.Millisecond, Start: time.Second, Stack: 128 << 10, EmitsPerCall: 64, EmitBytesPerCall: 1 << 20, Storage: 1 << 20}
	g, err := h.Compile("quick", bin, limits)
	require.NoError(t, err)
	defer g.Close()
	i, err := g.Start(Options{Signal: "s", Limits: limits})
	require.NoError(t, err)
	v, err := i.Message(module.Message{Body: []byte("hello")})
	require.NoError(t, err)
	require.Equal(t, module.Pass, v)
	e := i.Effects()
	require.Len(t, e.Emitted, 1)
	t.Logf("%+v", e)
	_, err = i.Message(module.Message{Body: []byte("?")})
	t.Log(err)
	i.Close()
	i, err = g.Start(Options{Signal: "s", Limits: limits})
	require.NoError(t, err)
	start := time.Now()
	_, err = i.Message(module.Message{Body: []byte("!")})
	t.Log(err, time.Since(start))
	i.Close()
}
func BenchmarkMessage(b *testing.B) {
	bin, _ := wasmtime.Wat2Wasm(`(module
 (memory (export "memory") 1)
 (func (export "edge_alloc") (param i32) (result i32) i32.const 1024)
 (func (export "edge_message") (param i32 i32) (result i32)
   i32.const 1))`)
	h, _ := New()
	defer h.Close()
	limits := module.Limits{Memory: 1 << 20, Deadline: 50 * time.Millisecond, Start: time.Second, Stack: 128 << 10, EmitsPerCall: 64, EmitBytesPerCall: 1 << 20, Storage: 1 << 20}
	g, err := h.Compile("quick", bin, limits)
	require.NoError(b, err)
	i, _ := g.Start(Options{Signal: "s", Limits: limits})
	m := module.Message{Body: make([]byte, 200)}
	b.ReportAllocs()
	for b.Loop() {
		i.Message(m)
		i.Effects()
	}
}
