package bench

import (
	"fmt"
	"os"
	"regexp"
	"runtime"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

var cpuModel = regexp.MustCompile(`(?m)^model name\s*:\s*(.+?)\s*$`) // proc(5), "/proc/cpuinfo"; arm64 has none

// printHeader says where and with what the figures came about, as go test does.
func (b *Bench) printHeader() error {
	lines := [][2]string{
		{"goos", runtime.GOOS}, {"goarch", runtime.GOARCH}, {"pkg", "github.com/wasm-on-edge/wasm-on-edge"},
		{"version", b.config.Version}, {"wasmtime", wasm.Version},
	}
	info, _ := os.ReadFile("/proc/cpuinfo") // without it the line is left out
	if found := cpuModel.FindSubmatch(info); found != nil {
		lines = append(lines, [2]string{"cpu", string(found[1])})
	}
	for _, line := range lines {
		if _, err := fmt.Fprintf(b.config.Out, "%s: %s\n", line[0], line[1]); err != nil {
			return err
		}
	}
	return nil
}
