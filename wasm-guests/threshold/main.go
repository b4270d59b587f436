// Command threshold is a guest that passes the samples of a signal beyond a limit, with hysteresis, and tells
// when the signal goes beyond it and when it is back. README.md describes it from outside.
//
// Concurrency: the host makes one call at a time; see package edge.
package main

import edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"

func init() { edge.Register(newGuest()) }

func main() {}

// newGuest returns a guest that has not seen a sample.
func newGuest() edge.Guest[settings] {
	m := &monitor{}
	return edge.Guest[settings]{Sample: m.sample}
}
