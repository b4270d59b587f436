package bench

import (
	_ "embed" // of the guests
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// The guests that are measured. A test holds them against their sources: the .wat files in wasm-guests/testdata, and the
// binary in wasm-guests/average/c, which is checked against its own.
var (
	//go:embed guests/pass.wasm
	passBinary []byte
	//go:embed guests/emit_and_set.wasm
	emitAndSetBinary []byte
	//go:embed guests/average.wasm
	averageBinary []byte
)

// Guest is a guest and what it is fed.
type Guest struct {
	Name     string
	Binary   []byte
	Message  []byte // the body of each message; nil: a sample
	Settings []byte // a JSON object; nil: none
}

// bytes200 is the message that guests get which do not look at it.
var bytes200 = make([]byte, 200)

// sample is a message as the host makes it for a signal with a selector.
const sample = `{"signal":"signal","value":21.433333333333334,"unit":"Cel","sourceTimestamp":"2026-01-02T03:04:05.678Z"}`

var (
	pass       = Guest{Name: "pass", Binary: passBinary, Message: bytes200}
	emitAndSet = Guest{Name: "emitAndSet", Binary: emitAndSetBinary, Message: bytes200}
	average    = Guest{Name: "averageC", Binary: averageBinary}
)

// limits are what the twin gives a guest that asks for nothing else.
var limits = module.Limits{
	Memory: 16 << 20, Deadline: 100 * time.Millisecond, Start: 2 * time.Second, HTTPTimeout: 10 * time.Second, Stack: 128 << 10,
	EmitsPerCall: 64, EmitBytesPerCall: 1 << 20, LogLinesPerMinute: 600, Storage: 1 << 20, CPUPercent: 50,
}

func (g *Guest) message() []byte {
	if g.Message == nil {
		return []byte(sample)
	}
	return g.Message
}

func (g *Guest) settings() string {
	if g.Settings == nil {
		return "{}"
	}
	return string(g.Settings)
}

// smallBinary is up to where a guest is taken to be one of kilobytes, with a thousand signals of which a gateway copes.
const smallBinary = 512 << 10

// signals is how many signals of the guest are started to see what one takes.
func (g *Guest) signals() int {
	if len(g.Binary) > smallBinary {
		return 20
	}
	return 1000
}
