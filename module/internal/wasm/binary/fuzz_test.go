package binary_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/binary"
)

// FuzzRead starts from the guests in build/guests too, their beginnings, where there are any.
func FuzzRead(f *testing.F) {
	f.Add([]byte(whole))
	guests, _ := filepath.Glob("../../../../build/guests/*.wasm")
	for _, guest := range guests {
		if bytes, err := os.ReadFile(guest); err == nil {
			f.Add(bytes[:min(len(bytes), 8<<10)])
		}
	}
	f.Fuzz(func(t *testing.T, bytes []byte) {
		info, err := binary.Read(bytes)
		if (info == nil) == (err == nil) {
			t.Fatalf("want either declarations or an error, have %v and %v", info, err)
		}
		if err != nil {
			return
		}
		if len(info.Imports)+len(info.Exports) > len(bytes) {
			t.Fatalf("%d imports and %d exports from %d bytes", len(info.Imports), len(info.Exports), len(bytes))
		}
		for _, e := range info.Exports {
			if (e.Kind == binary.Func) != strings.HasPrefix(e.Type, "(") {
				t.Fatalf("export %q of kind %d has the type %q", e.Name, e.Kind, e.Type)
			}
		}
	})
}
