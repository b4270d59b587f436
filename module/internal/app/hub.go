package app

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/metrics"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/observe"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// hub is edgeHub as pipeline and reconcile know it.
type hub struct {
	client *edgehub.Client
	clock  *observe.Clock
	meter  *metrics.Hub
}

// Publish implements pipeline.Publisher.
func (h *hub) Publish(ctx context.Context, output module.OutputName, m module.Message, done func(error)) error {
	begun := time.Now()
	h.meter.Publishing()
	err := h.client.Publish(ctx, string(output), edgehub.Message{Body: m.Body, Properties: edgehub.Properties(m.Properties)}, func(err error) {
		h.meter.Published(begun, err)
		done(err)
	})
	if err == nil {
		return nil
	}
	h.meter.Withdrawn()
	if _, ok := errors.AsType[*edgehub.TooLargeError](err); ok {
		return &pipeline.UnsendableError{Reason: module.ReasonTooLarge, Err: err}
	}
	if _, ok := errors.AsType[*edgehub.PropertyError](err); ok {
		return &pipeline.UnsendableError{Reason: module.ReasonInvalid, Err: err}
	}
	return err
}

// Twin implements reconcile.Hub.
func (h *hub) Twin(ctx context.Context) (desired, reported []byte, err error) {
	t, err := h.client.Twin(ctx)
	h.clock.Learn(lastUpdated(t.Desired))
	return t.Desired, t.Reported, err
}

// Report implements reconcile.Hub.
func (h *hub) Report(ctx context.Context, patch []byte) error { return h.client.Report(ctx, patch) }

// delivery is an input as the pipeline takes it.
func delivery(in *edgehub.Input) pipeline.Delivery {
	return pipeline.Delivery{
		Input:      module.InputName(in.Name),
		Message:    module.Message{Body: in.Body, Properties: module.Properties(in.Properties)},
		Connection: in.Connection,
		Received:   in.Received,
		Ack:        in.Ack,
	}
}

// logEvent writes what happens to the connection into the log.
func logEvent(log zerolog.Logger, e edgehub.Event) {
	switch e := e.(type) {
	case edgehub.Connected:
		log.Info().Uint64("connection", e.Connection).Bool("renewal", e.Renewal).Time("tokenExpires", e.TokenExpires).Msg("connected to edgeHub")
	case edgehub.IdentityContested:
		log.Error().Msg(e.String())
	case edgehub.PacketIgnored:
		log.Debug().Msg(e.String())
	default:
		log.Warn().Msg(e.String())
	}
}
