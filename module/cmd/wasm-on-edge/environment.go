package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/term"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

// environment is what a command may touch of the process.
type environment struct {
	ctx    context.Context // ends with SIGINT or SIGTERM, or when nobody reads standard output any more
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string

	size        func() (columns, rows int) // of the terminal that standard output is; nil where it is none
	logTerminal bool                       // standard error is a terminal
}

// processEnvironment is the environment of this process, until stop is called. A second SIGINT ends the process.
func processEnvironment() (env *environment, stop func()) {
	// A closed standard output is an error of the write, so that what is temporary is removed; reading the terminal from
	// the background is an error too, rather than a stop of the process.
	signal.Ignore(syscall.SIGPIPE, syscall.SIGTTIN)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	env = &environment{
		ctx: ctx, stdin: os.Stdin, stdout: &pipe{Writer: os.Stdout, broken: stop}, stderr: os.Stderr, getenv: os.Getenv,
		logTerminal: term.IsTerminal(int(os.Stderr.Fd())),
	}
	if term.IsTerminal(int(os.Stdout.Fd())) {
		env.size = terminalSize
	}
	return env, stop
}

// logFormat is for eyes where standard error is a terminal.
func (e *environment) logFormat() observe.LogFormat {
	if e.logTerminal {
		return observe.LogTerminal
	}
	return observe.LogEdge
}

// terminalSize is asked for at each drawing: people resize windows.
func terminalSize() (columns, rows int) {
	columns, rows, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || columns <= 0 || rows <= 0 {
		return 80, 24
	}
	return columns, rows
}

// pipe calls broken when its writer takes no more.
type pipe struct {
	io.Writer
	broken func()
}

func (p *pipe) Write(data []byte) (int, error) {
	n, err := p.Writer.Write(data)
	if err != nil {
		p.broken()
	}
	return n, err
}
