package wasm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// compilers starts processes that compile.
type compilers struct {
	args  []string
	slots chan struct{} // one for each process that may run at once
	time  time.Duration
}

// compilingVariable is set for compilers. Where a program takes no notice of the arguments, it ends a chain of children.
const compilingVariable = "WASM_ON_EDGE_COMPILING"

// errSlow is why a compiler is ended that takes too long.
var errSlow = errors.New("compiling takes too long")

// acquire waits for the right to run a compiler. Release gives it back.
func (c *compilers) acquire(ctx context.Context) *module.GuestError {
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return stopped()
	}
}

func (c *compilers) release() { <-c.slots }

// run compiles a binary into a file. The error has no guest's name.
func (c *compilers) run(ctx context.Context, binary []byte, s settings, to *os.File) *module.GuestError {
	if os.Getenv(compilingVariable) != "" {
		return compileError(module.KindHost, "a compiler starts no compiler", "")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.time, errSlow)
	defer cancel()
	// The program that runs, also where a newer one lies in its place by now.
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append(c.args[:len(c.args):len(c.args)], s.String())...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = []string{"RUST_BACKTRACE=0", "GOTRACEBACK=none", compilingVariable + "=1"}
	cmd.Stdin = bytes.NewReader(binary)
	cmd.ExtraFiles = []*os.File{to}
	cmd.WaitDelay = time.Second
	// It ends with this process, even one that is killed; to the kernel that is the thread that started it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var words tail
	cmd.Stderr = &words
	if err := cmd.Run(); err != nil {
		return c.failure(ctx, err, words.lines())
	}
	return nil
}

// failure says why a compiler ended badly.
func (c *compilers) failure(ctx context.Context, err error, lines []string) *module.GuestError {
	smaller := "make the guest smaller, or split it"
	reason := lines[len(lines)-1]
	exit, ran := errors.AsType[*exec.ExitError](err)
	switch {
	case errors.Is(context.Cause(ctx), errSlow):
		return compileError(module.KindDeadline, fmt.Sprintf("it takes longer than the %v that compiling has", c.time), smaller)
	case ctx.Err() != nil:
		return stopped()
	case !ran:
		return compileError(module.KindHost, "start compiler: "+err.Error(), "")
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	switch {
	case exit.ExitCode() == invalidExit:
		return compileError(module.KindInvalid, reason, "")
	case exit.ExitCode() == hostExit:
		return compileError(module.KindHost, reason, "")
	case status.Signal() == syscall.SIGXCPU:
		return compileError(module.KindDeadline, fmt.Sprintf("it takes more than the %d s of processor time that compiling has", compileCPU), smaller)
	case status.Signal() == syscall.SIGKILL:
		return compileError(module.KindMemory, "the system ended the compiler, most likely for want of memory", smaller)
	case outOfMemory(lines):
		return compileError(module.KindMemory, fmt.Sprintf("it takes more than the %d MiB of memory that compiling has", compileMemory>>20), smaller)
	case status.Signaled():
		return compileError(module.KindInvalid, fmt.Sprintf("the compiler crashed on it (%v): %s", status.Signal(), reason), "build it with another compiler or other options")
	}
	return compileError(module.KindHost, fmt.Sprintf("the compiler ended with %v: %s", exit, reason), "")
}

func compileError(kind module.GuestErrorKind, message, hint string) *module.GuestError {
	return &module.GuestError{Op: "compile", Kind: kind, Message: message, Hint: hint}
}

func stopped() *module.GuestError {
	return compileError(module.KindHost, "it was not compiled because the module stops", "")
}

// outOfMemory recognises how the engine and Go's runtime end when they get no memory.
func outOfMemory(lines []string) bool {
	text := strings.Join(lines, " ")
	for _, words := range []string{"memory allocation of", "out of memory", "annot allocate memory"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

// tail keeps the last bytes that are written to it.
type tail struct{ kept []byte }

const tailLength = 4 << 10

func (t *tail) Write(data []byte) (int, error) {
	t.kept = append(t.kept, data[max(0, len(data)-tailLength):]...)
	t.kept = t.kept[max(0, len(t.kept)-tailLength):]
	return len(data), nil
}

// lines returns what is kept, at least one line.
func (t *tail) lines() []string {
	return strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(t.kept), "�")), "\n")
}
