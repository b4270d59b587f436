// Command telemetry is a guest that sends a reading at each tick of a timer. README.md describes it from outside.
//
// Concurrency: the host makes one call at a time; see package edge.
package main

import (
	"strconv"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
)

func init() { edge.Register(newGuest()) }

func main() {}

// settings are what the twin may set; README.md has the table.
type settings struct {
	Device      string
	Temperature float64
	Pressure    float64
}

func newGuest() edge.Guest[settings] {
	return edge.Guest[settings]{Settings: settings{Device: "001", Temperature: 12.34, Pressure: 20.3}, Tick: tick}
}

// tick sends what a device would measure.
func tick(h *edge.Host, set *settings) (edge.Verdict, error) {
	var reading edge.Object
	reading.Text("device Id", set.Device)
	reading.Value("temperature", number(set.Temperature))
	reading.Value("pressure", number(set.Pressure))
	return edge.Done, h.Emit(reading.Message(nil))
}

func number(value float64) []byte { return strconv.AppendFloat(nil, value, 'g', -1, 64) }
