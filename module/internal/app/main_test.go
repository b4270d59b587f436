package app

import (
	"os"
	"syscall"
	"testing"
)

// TestMain compiles guests where the module under test starts this program to, and is the module where a test does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == CompilerCommand {
		syscall.Exit(CompilerMain(os.Args[2:])) // os.Exit would have the race detector wait for a second
	}
	if len(os.Args) > 1 && os.Args[1] == "module" {
		runModule()
	}
	os.Exit(m.Run())
}
