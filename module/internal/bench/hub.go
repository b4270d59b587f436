package bench

import (
	"context"
	"fmt"
)

// roundTrips are messages from edgeHub through a guest that passes them on, to $upstream.
type roundTrips struct {
	device *device
	sent   int64
}

func newRoundTrips(ctx context.Context, dir string, inFlight int) (*roundTrips, error) {
	d, err := newDevice(ctx, dir, inFlight, &pass, 1)
	if err != nil {
		return nil, err
	}
	return &roundTrips{device: d}, nil
}

func (r *roundTrips) run(ctx context.Context, n int) error {
	if err := r.device.send(ctx, bytes200, n); err != nil {
		return err
	}
	r.sent += int64(n)
	if upstream := r.device.hub.Stats().Modules[ourName].Upstream; upstream != r.sent {
		return fmt.Errorf("%d messages were sent, %d came back", r.sent, upstream)
	}
	return nil
}

func (r *roundTrips) metrics() []metric { return nil }

func (r *roundTrips) close() { r.device.stop() }
