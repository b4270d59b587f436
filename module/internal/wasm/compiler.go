package wasm

/*
#include <stdlib.h>
#include "host.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

// What a compiler may use. It runs as a process of its own because compiling cannot be interrupted, keeps memory, and
// is done on a binary that may have been made to exhaust all that there is.
const (
	maxBinary     = 16 << 20         // bytes of a guest's binary
	compileTime   = 60 * time.Second // by the clock
	compileCPU    = 120              // seconds of processor time, over all its threads
	compileMemory = 512 << 20        // bytes of data beyond what this program has before it starts
	compiledSize  = 192 << 20        // bytes of compiled code; they must fit into the cache
	compilerNice  = 5                // it has a third of the weight of guests that run: enough to end in time
)

// How a compiler ends.
const (
	compiledExit = 0
	hostExit     = 1 // it could not do its part
	invalidExit  = 3 // the engine refuses the binary; Go itself exits with 2
)

// codeFile is the number of the file that a compiler writes to.
const codeFile = 3

// CompilerMain is the whole of a process that compiles: it reads a binary from standard input, writes the code for
// the settings that its only argument names to file 3, and returns the exit code. The last line on standard error says
// why, where that is not 0. Hosts start it, as [Config.Compiler] says.
func CompilerMain(args []string) int {
	runtime.LockOSThread() // the engine's threads inherit the priority of this one
	err := restrict()
	if err == nil {
		err = compileFile(args, os.Stdin, os.NewFile(codeFile, "compiled code"))
	}
	if err == nil {
		return compiledExit
	}
	fmt.Fprintln(os.Stderr, strings.ReplaceAll(err.Error(), "\n", " "))
	if _, ok := errors.AsType[*invalidError](err); ok {
		return invalidExit
	}
	return hostExit
}

// invalidError is the engine's refusal of a binary.
type invalidError struct{ reason string }

func (e *invalidError) Error() string { return e.reason }

// restrict sets the limits of this process, before it sees the binary. Address space is no measure: Go reserves much of
// it and uses little.
func restrict() error {
	data, err := dataSize()
	if err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	for resource, limit := range map[int]uint64{syscall.RLIMIT_DATA: data + compileMemory, syscall.RLIMIT_CPU: compileCPU,
		syscall.RLIMIT_FSIZE: compiledSize, syscall.RLIMIT_CORE: 0} {
		if err := syscall.Setrlimit(resource, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set limit %d: %w", resource, err)
		}
	}
	// Both are kindness, not protection: where memory runs out this process shall end, not the module.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, compilerNice)
	return nil
}

// dataSize returns how many bytes this process has that RLIMIT_DATA counts.
func dataSize() (uint64, error) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var size, resident, shared, code, library, data uint64 // pages, proc(5)
	if _, err := fmt.Sscan(string(text), &size, &resident, &shared, &code, &library, &data); err != nil {
		return 0, fmt.Errorf("read statm: %w", err)
	}
	return data * uint64(os.Getpagesize()), nil
}

// compileFile compiles what in holds.
func compileFile(args []string, in io.Reader, out io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("compile: %d arguments, want the settings", len(args))
	}
	s, err := parseSettings(args[0])
	if err != nil {
		return err
	}
	binary, err := io.ReadAll(io.LimitReader(in, maxBinary+1))
	if err != nil {
		return fmt.Errorf("read binary: %w", err)
	}
	e, err := newEngine(s)
	if err != nil {
		return err
	}
	defer e.close()
	var code C.wasm_byte_vec_t
	var detail C.woe_buffer
	if !C.woe_compile(e.engine, bytesOf(binary), C.size_t(len(binary)), &code, &detail) {
		return &invalidError{takeText(&detail)}
	}
	defer C.wasm_byte_vec_delete(&code)
	if _, err := out.Write(unsafe.Slice((*byte)(unsafe.Pointer(code.data)), int(code.size))); err != nil {
		return fmt.Errorf("write compiled code: %w", err)
	}
	return nil
}
