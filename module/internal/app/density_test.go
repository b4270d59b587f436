package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/bytecodealliance/wasmtime-go/v39"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// BenchmarkDensity runs signals of small guests, each with all that the module keeps for it while it runs, and reports
// what one takes after some messages: resident memory, page tables included. One in a process of its own tells the truth
// (-bench Density/c/1000$): what another has freed stays with the process. wasm-on-edge bench measures the whole module.
func BenchmarkDensity(b *testing.B) {
	for _, guest := range []string{"pass", "c", "rust"} {
		for _, signals := range []int{1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", guest, signals), func(b *testing.B) {
				for b.Loop() {
					b.ReportMetric(float64(measureSignals(b, smallGuest(b, guest), signals))/float64(signals)/1024, "KiB/signal")
				}
			})
		}
	}
}

// Messages that each signal gets: more than the window that the guest average keeps by default.
const densityMessages = 12

// acknowledging is an edgeHub that takes everything at once.
type acknowledging struct{}

func (acknowledging) Publish(_ context.Context, _ module.OutputName, _ module.Message, done func(error)) error {
	done(nil)
	return nil
}

// measureSignals returns the memory that signals take together, in bytes.
func measureSignals(b *testing.B, compiled guest, count int) int64 {
	p := newPlant(b, acknowledging{})
	before := footprint(b)
	const selector = "/value"
	routes := &pipeline.Routes{Inputs: make(map[module.InputName][]pipeline.Route)}
	for n := range count {
		name := module.SignalName(fmt.Sprint("signal", n))
		require.NoError(b, p.Apply(b.Context(), supervise.Work{
			Signal: module.Signal{Name: name, Source: module.Source{Kind: module.SourceInput, Name: "in"}, Guest: "guest", Output: "telemetry",
				Selector: selector},
			Spec: module.GuestSpec{Name: "guest", Limits: smallLimits}, Guest: compiled,
		}))
		routes.Inputs["in"] = append(routes.Inputs["in"], pipeline.Route{Signal: name, Consumer: p.Consumer(name)})
	}
	p.SetRoutes(routes)
	for n := range densityMessages {
		acked := make(chan struct{})
		m := module.Message{Body: fmt.Appendf(nil, `{"value":%v.37}`, 7*n), Properties: module.Properties{{Name: "$.mid", Value: strconv.Itoa(n)}}}
		require.NoError(b, p.Deliver(pipeline.Delivery{Input: "in", Connection: 1, Received: time.Now(), Ack: func() { close(acked) }, Message: m}))
		<-acked
	}
	return footprint(b) - before
}

var smallLimits = module.Limits{Memory: 1 << 20, Deadline: time.Second, Start: time.Second, Stack: 128 << 10,
	EmitsPerCall: 16, EmitBytesPerCall: 256 << 10, LogLinesPerMinute: 60, Storage: 64 << 10}

// smallGuest returns the smallest guest, or the guest average of a language, compiled.
func smallGuest(b testing.TB, name string) guest {
	host, err := wasm.New(wasm.Config{Compiler: []string{CompilerCommand}, Memory: 1 << 40})
	require.NoError(b, err)
	b.Cleanup(host.Close)
	var binary []byte
	if name == "pass" {
		text, err := os.ReadFile(filepath.Join(guestSource, "pass.wat"))
		require.NoError(b, err)
		binary, err = wasmtime.Wat2Wasm(string(text))
		require.NoError(b, err)
	} else {
		binary, err = os.ReadFile(filepath.Join(guestSource, "../average", name, "average.wasm"))
		require.NoError(b, err)
	}
	g, err := host.Compile(b.Context(), "guest", binary, smallLimits)
	require.NoError(b, err)
	b.Cleanup(g.Close)
	return guest{g}
}

// footprint returns the resident memory of this process in bytes, with its page tables, which containers count too, and
// without garbage: how much of that there is follows from what the signals keep alive, and from when it is looked at.
func footprint(b *testing.B) (bytes int64) {
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	for _, field := range regexp.MustCompile(`(?m)^(?:VmRSS|VmPTE):\s+(\d+) kB$`).FindAllSubmatch(status, -1) {
		kib, err := strconv.ParseInt(string(field[1]), 10, 64)
		require.NoError(b, err)
		bytes += kib << 10
	}
	return bytes
}
