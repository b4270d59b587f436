package wasm_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// footprint returns the memory of this process in bytes, page tables included.
func footprint(t testing.TB) (bytes int64) {
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	for _, field := range regexp.MustCompile(`(?m)^(?:VmRSS|VmPTE):\s+(\d+) kB$`).FindAllSubmatch(status, -1) {
		kib, err := strconv.ParseInt(string(field[1]), 10, 64)
		require.NoError(t, err)
		bytes += kib << 10
	}
	return bytes
}

// BenchmarkDensity starts instances of a guest, each of which has had a message, and reports what one takes.
func BenchmarkDensity(b *testing.B) {
	for _, instances := range []int{1000, 10000} {
		b.Run(strconv.Itoa(instances), func(b *testing.B) {
			host, err := wasm.New(wasm.Config{Compiler: compiler, Memory: 1 << 40}) // they take a fraction of their limits
			require.NoError(b, err)
			b.Cleanup(host.Close)
			guest, err := host.Compile(b.Context(), "guest", file(b, "pass"), limits())
			require.NoError(b, err)
			b.Cleanup(guest.Close)
			start(b, guest, wasm.Options{})
			for b.Loop() {
				before := footprint(b)
				all := make([]*wasm.Instance, 0, instances)
				for range instances {
					i, err := guest.Start(wasm.Options{Signal: "signal", Limits: limits()})
					require.NoError(b, err)
					_, err = i.Message(sample())
					require.NoError(b, err)
					all = append(all, i)
				}
				b.ReportMetric(float64(footprint(b)-before)/float64(instances)/1024, "KiB/instance")
				for _, i := range all {
					i.Close()
				}
			}
		})
	}
}
