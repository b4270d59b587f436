package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"
)

// Constants of a recording's room: the recording says nothing of it.
const replayHumidity = 25

// Replay plays a recording in the place of the simulated temperature sensor: each row becomes a message of the
// sensor's shape, with the row's value as the machine's temperature and the row's time as timeCreated.
type Replay struct {
	hub      *Hub
	peer     *peer
	settings sensorSettings
	records  []record
	speed    float64
}

// NewReplay reads a recording, a CSV with the header timestamp,value, to be played as the module of the deployment.
// Times are UTC where they name no zone. Speed 1 plays as it was recorded, 60 sixty times as fast, 0 as fast as it
// goes.
func NewReplay(h *Hub, module string, recording io.Reader, speed float64) (*Replay, error) {
	p, settings, err := h.sensor(module)
	if err != nil {
		return nil, fmt.Errorf("replay as sensor %q: %w", module, err)
	}
	if speed < 0 || math.IsNaN(speed) || math.IsInf(speed, 0) {
		return nil, fmt.Errorf("replay as sensor %q: speed %v is not possible", module, speed)
	}
	records, err := readRecording(recording)
	if err == nil && len(records) == 0 {
		err = errors.New("the recording has no rows")
	}
	if err != nil {
		return nil, fmt.Errorf("replay as sensor %q: %w", module, err)
	}
	return &Replay{hub: h, peer: p, settings: settings, records: records, speed: speed}, nil
}

// Run sends the recording and returns when its last message is stored, or when ctx ends. [Hub.WaitIdle] tells when
// the messages are dealt with.
func (r *Replay) Run(ctx context.Context) error {
	link := &local{peer: r.peer}
	r.peer.attach(link, func() {})
	defer r.peer.detach(link, ErrStopped)
	batch, start := newUUID(), time.Now()
	for i, rec := range r.records {
		if err := sleep(ctx, time.Until(start.Add(r.offset(rec)))); err != nil {
			return nil
		}
		if err := r.hub.Publish(ctx, r.peer.name, sensorOutput, r.reading(rec).message(batch, i+1)); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("replay as sensor %q: message %d: %w", r.peer.name, i+1, err)
		}
	}
	return nil
}

// offset is when a row is due, from the start.
func (r *Replay) offset(rec record) time.Duration {
	if r.speed == 0 {
		return 0
	}
	return time.Duration(float64(rec.time.Sub(r.records[0].time)) / r.speed)
}

func (r *Replay) reading(rec record) reading {
	return reading{
		temperature: rec.value,
		pressure:    r.settings.pressure(rec.value),
		ambient:     r.settings.ambient,
		humidity:    replayHumidity,
		created:     rec.time,
		numbered:    r.hub.cfg.Number,
	}
}

// sleep waits d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
