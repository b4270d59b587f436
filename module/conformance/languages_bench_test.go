//go:build cgo

package conformance

import (
	"fmt"
	"testing"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func BenchmarkLanguages(b *testing.B) {
	for _, window := range []int{10, 1000} {
		for language := range languages {
			b.Run(fmt.Sprintf("%s/window=%d", language, window), func(b *testing.B) { benchmarkLanguage(b, language, window) })
		}
	}
}

func benchmarkLanguage(b *testing.B, language string, window int) {
	all := compileAverages(b).start(b, fmt.Sprintf(`{"window":%d}`, window))
	s, lines := all[language], readings(b)
	if s == nil {
		b.Skip("the binary is missing: run make guests")
	}
	messages := make([]module.Message, len(lines))
	for n, line := range lines {
		messages[n] = module.Message{Body: []byte(line)}
	}
	for n := range window {
		_, _ = s.instance.Message(messages[n%len(messages)])
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := range b.N {
		_, _ = s.instance.Message(messages[n%len(messages)])
	}
	b.ReportMetric(float64(s.instance.Memory())/1024, "KiB")
}
