// Command wasm-on-edge is the IoT Edge module and the tools around it: it runs Wasm guests on the messages of edgeHub,
// simulates an Edge Hub to try them without Azure, and checks twins and deployments offline.
//
// # Concurrency
//
// A command runs in main's goroutine, and ends those that it started before it returns.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/app"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// commands are the command line.
type commands struct {
	Run        runCommand        `cmd:"" default:"1" help:"Run as an IoT Edge module (the default): connect to edgeHub, follow the twin, run its guests."`
	Simulate   simulateCommand   `cmd:"" help:"Simulate edgeHub and a sensor for a deployment, and run the module on it, without Azure."`
	Check      checkCommand      `cmd:"" help:"Check a twin or a deployment offline."`
	Call       callCommand       `cmd:"" help:"Give a guest one message, and see what it makes of it."`
	Test       testCommand       `cmd:"" help:"Run the *.test.yaml files of guests."`
	Replay     replayCommand     `cmd:"" help:"Send the messages of dead letters again, or run them, or a recording, through a signal here."`
	Bench      benchCommand      `cmd:"" help:"Measure on this machine, in the format of Go benchmarks."`
	Push       pushCommand       `cmd:"" help:"Write a guest to an OCI registry."`
	Inspect    inspectCommand    `cmd:"" help:"Tell what a guest is, and whether this host runs it."`
	Completion completionCommand `cmd:"" help:"Print a script that completes commands and flags, for a shell."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

func main() {
	// Errors of the engine carry the host's own stack where this is set, and traps cost several times as much.
	if err := os.Setenv("RUST_BACKTRACE", "0"); err != nil {
		fmt.Fprintln(os.Stderr, "wasm-on-edge: error:", err)
	}
	// The module starts this program once more for each guest that it compiles; that is no command for people.
	if len(os.Args) > 1 && os.Args[1] == app.CompilerCommand {
		os.Exit(app.CompilerMain(os.Args[2:]))
	}
	env, stop := processEnvironment()
	code := execute(os.Args[1:], env)
	stop()
	os.Exit(code)
}

// newParser returns what reads command lines. Exit is told the exit code where the parser has done all that was asked for.
func newParser(env *environment, exit func(code int)) (*kong.Kong, error) {
	return kong.New(&commands{}, kong.Name("wasm-on-edge"),
		kong.Description("Wasm guests on Azure IoT Edge, bound to signals by the module twin."),
		kong.Writers(env.stdout, env.stderr), kong.Exit(exit))
}

// execute runs a command line and returns the exit code. An error is one line, with a hint where one is known.
func execute(args []string, env *environment) int {
	code := -1
	parser, err := newParser(env, func(c int) { code = c })
	if err != nil {
		return fail(env, err)
	}
	command, err := parser.Parse(args)
	if code >= 0 { // --help has printed what was asked for
		return code
	}
	if err != nil {
		complain(env, hint(err, "see wasm-on-edge --help"))
		return exitUsage
	}
	if err := command.Run(env); err != nil {
		return fail(env, err)
	}
	return exitOK
}

func fail(env *environment, err error) int {
	switch {
	case errors.Is(err, errFindings), errors.Is(err, errDrift), errors.Is(err, errUnwell): // it has been printed
	case errors.Is(err, syscall.EPIPE): // nobody reads any more
	default:
		complain(env, err)
	}
	return exitFailure
}

// complain prints an error, and its hint where it has one, a line each.
func complain(env *environment, err error) {
	fmt.Fprintf(env.stderr, "wasm-on-edge: error: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	if h, ok := errors.AsType[*hintError](err); ok {
		fmt.Fprintf(env.stderr, "wasm-on-edge: hint: %s\n", h.hint)
	}
}

// hintError is an error with what to do about it.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

func hint(err error, text string) error { return &hintError{error: err, hint: text} }
