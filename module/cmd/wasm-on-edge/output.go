package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/sim"
)

// output is how a simulation shows itself. Write takes the log, a line at a time. All of it may be called from any
// goroutine; what writes waits for who reads.
type output interface {
	io.Writer
	printf(format string, args ...any)                // a line that is no log
	message(sim.Upstream)                             // reached $upstream
	fault(sim.Fault)                                  // was made
	reported(version int64, document json.RawMessage) // changed
	entered(line string)                              // on standard input
	follow(ctx context.Context, look func() snapshot) // shows the state now and then until ctx ends
	show(snapshot)                                    // the state at a moment that counts
	end(summary)                                      // is the last call
}

// newOutput chooses: objects for scripts, a screen for people, lines for files and pipes.
func newOutput(c simulateCommand, env *environment) output {
	switch {
	case c.JSON:
		return &objects{stdout: json.NewEncoder(env.stdout), stderr: env.stderr}
	case env.size != nil:
		return &screen{module: c.Module, stdout: env.stdout, stderr: env.stderr, size: env.size, logAbove: env.logTerminal}
	case c.Env: // standard output is to hold nothing else
		return &lines{stdout: env.stderr, stderr: env.stderr}
	}
	return &lines{stdout: env.stdout, stderr: env.stderr}
}
