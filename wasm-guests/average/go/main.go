// Command average is a guest that sends the moving average of a signal. ../README.md describes it from outside.
//
// Concurrency: the host makes one call at a time; see package edge.
package main

import edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"

func init() { edge.Register(newGuest()) }

func main() {}

// newGuest returns a guest that has not seen a sample.
func newGuest() edge.Guest[settings] {
	a := &average{}
	return edge.Guest[settings]{Settings: defaults, Configure: a.configure, Sample: a.sample}
}
