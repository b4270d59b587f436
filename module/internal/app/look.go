package app

import (
	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/supervise"
)

// Trace has what a signal does with its next n messages gathered, for who looks on from this process. See
// [supervise.Supervisor.Trace].
func (a *App) Trace(name module.SignalName, n int) *supervise.Trace {
	return a.supervisor.Trace(name, n)
}

// Untrace ends a trace.
func (a *App) Untrace(name module.SignalName, t *supervise.Trace) { a.supervisor.Untrace(name, t) }

// Logged returns the last n lines that a guest logged, oldest first.
func (a *App) Logged(guest module.GuestName, n int) []supervise.LoggedLine {
	return a.supervisor.Logged(guest, n)
}
