package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
)

const (
	// exitStuck is the exit code of a process that found itself stuck: EX_SOFTWARE of sysexits.h.
	exitStuck = 70

	lastWords   = 10 * time.Second // for the log and the disk, which may be what is stuck
	stackBytes  = 1 << 20          // in the file
	loggedBytes = 32 << 10
)

// watch ends the process when it is stuck for good, which edgeAgent cannot see: it looks only at whether there is one.
func (a *App) watch(ctx context.Context) {
	if stuck := a.watching.Run(ctx); stuck != nil {
		a.endStuck(stuck)
	}
}

// probes ask every part for a sign of life, and whether inputs get on.
func (a *App) probes() []observe.Probe {
	answers := func(ask func()) func() error { return func() error { ask(); return nil } }
	inputs := &progress{
		oldest:  a.pipeline.Oldest,
		hopeful: func() bool { return a.connected() && !a.pipeline.Blocked() },
		write:   a.tryJournal,
	}
	return []observe.Probe{
		{Name: "pipeline", Ask: answers(func() { a.pipeline.Counts() })},
		{Name: "signals", Ask: answers(func() { a.supervisor.Snapshot() })},
		{Name: "twin", Ask: answers(func() { a.reconciler.Reported() })},
		{Name: "journal", Ask: answers(func() { a.journal.Usage() })},
		{Name: "inputs", Ask: inputs.check},
	}
}

// connected reports whether there is a connection to edgeHub.
func (a *App) connected() bool {
	now, cancel := context.WithCancel(context.Background())
	cancel()
	return a.hub.client.WaitConnected(now) == nil
}

// tryJournal writes a record that nobody reads.
func (a *App) tryJournal(done func(error)) {
	tx := &journal.Tx{}
	tx.Put("watchdog", "try", nil)
	a.journal.Submit(tx, done)
}

// endStuck says what is stuck and what all goroutines are doing, in the log and in the storage directory, and ends the
// process. Inputs that were not acknowledged come again to the next one.
func (a *App) endStuck(stuck error) {
	time.AfterFunc(lastWords, func() { os.Exit(exitStuck) })
	stacks := observe.Stacks(stackBytes)
	a.log.WithLevel(zerolog.FatalLevel).Err(stuck).Bytes("stacks", stacks[:min(len(stacks), loggedBytes)]).
		Msg("the module is stuck and ends itself; stuck.txt in the storage directory says where it was")
	if a.config.Storage != "" {
		text := fmt.Appendf(nil, "%s %v\n\n%s", time.Now().UTC().Format(time.RFC3339), stuck, stacks)
		if err := os.WriteFile(filepath.Join(a.config.Storage, "stuck.txt"), text, 0o600); err != nil {
			a.log.Error().Err(err).Msg("write stuck.txt")
		}
	}
	os.Exit(exitStuck)
}
