//go:build cgo

package conformance

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

// compiler are the arguments with which this program compiles guests.
var compiler = []string{"compile"}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == compiler[0] {
		syscall.Exit(wasm.CompilerMain(os.Args[2:])) // os.Exit would have the race detector wait for a second
	}
	if len(os.Args) > 2 && os.Args[1] == hubArgument {
		if err := hubMain(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
