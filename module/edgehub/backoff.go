package edgehub

import (
	"context"
	"math/rand/v2"
	"time"
)

// backoff gives the waits between attempts: anywhere from min to a ceiling that doubles up to max, so that
// many modules that lost the same edgeHub do not come back at the same time.
type backoff struct {
	min, max time.Duration
	attempt  int // since the last reset
}

func (b *backoff) next() time.Duration {
	ceiling := b.max
	if b.attempt < 15 { // beyond, doubling could overflow, and has long reached max
		ceiling = min(b.max, b.min<<(b.attempt+1))
	}
	b.attempt++
	return b.min + rand.N(max(1, ceiling-b.min))
}

func (b *backoff) reset() { b.attempt = 0 }

// sleep waits for d, or less where ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
