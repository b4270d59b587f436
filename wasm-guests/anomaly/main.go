// Command anomaly is a guest that learns what is usual for a signal and sends one alert for each incident in
// which the signal departs from that. README.md describes it from outside.
//
// Concurrency: the host makes one call at a time; see package edge.
package main

import edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"

func init() { edge.Register(newGuest()) }

func main() {}

// newGuest returns a guest that has not seen a sample.
func newGuest() edge.Guest[settings] {
	d := &detector{}
	return edge.Guest[settings]{Settings: defaults, Configure: d.configure, Sample: d.sample}
}
