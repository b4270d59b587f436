package app

import (
	"context"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/methods"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// newMethods makes the direct methods. They speak of parts that are made after the client which calls them.
func (a *App) newMethods(env twin.Environment) *methods.Methods {
	env.Fetch = func(f twin.File) ([]byte, error) { // a method does not wait for a download
		file, err := a.artifacts.Find(artifact.Request{Source: f.Source, Digest: f.Digest, Credentials: f.Credentials, Unsigned: true})
		return file.Bytes, err
	}
	return methods.New(methods.Config{
		Access: a.config.Methods, Allows: a.policy.AllowsMethod, Signals: a.supervisor, About: a.about,
		Validate: func(document []byte) module.Desired { return a.bounded(twin.Parse(document, env)) },
	})
}

// bounded refuses what the device's policy does not allow, as the reconciler would.
func (a *App) bounded(d module.Desired) module.Desired {
	for name, spec := range d.Guests {
		if e := a.policy.CheckGuest(spec); e != nil {
			d.Findings = append(d.Findings, module.Finding{Path: "guests." + string(name) + "." + e.Field, Reason: e.Reason,
				Entry: module.Entry{Kind: module.EntryGuest, Name: string(name)}})
			delete(d.Guests, name)
		}
	}
	return d
}

// onMethod answers a direct method, and logs that it was called: it may have come from any module on the device.
func (a *App) onMethod(m *methods.Methods) func(ctx context.Context, name string, payload []byte) (int, []byte) {
	return func(ctx context.Context, name string, payload []byte) (int, []byte) {
		status, answer := m.Answer(ctx, name, payload)
		a.log.Info().Str("method", name).Int("status", status).Msg("direct method was called")
		return status, answer
	}
}

// about is what the module says of itself as a whole.
func (a *App) about() methods.About {
	r, c := a.reconciler.Reported(), a.pipeline.Counts()
	return methods.About{
		Runtime: r.Runtime, Desired: r.LastDesiredVersion, Status: r.LastDesiredStatus, Summary: r.Summary, Connected: a.connected(),
		Pipeline: methods.Pipeline{Received: c.Received, Redelivered: c.Redelivered, Dropped: c.Dropped, DeadLetters: c.DeadLetters,
			OutboxDropped: c.OutboxDropped, InFlight: c.InFlight, Outbox: c.Outbox, OutboxBytes: c.OutboxBytes, OutboxLimit: c.OutboxLimit,
			Gathered: c.Gathered},
	}
}
