package edgehub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBackoffGrowsFromMinToMaxWithJitter(t *testing.T) {
	b := backoff{min: time.Second, max: time.Minute}
	for attempt, ceiling := range []time.Duration{2, 4, 8, 16, 32, 60, 60, 60} {
		ceiling *= time.Second
		seen := make(map[time.Duration]bool)
		for range 200 {
			b.attempt = attempt
			wait := b.next()
			assert.GreaterOrEqual(t, wait, time.Second)
			assert.LessOrEqual(t, wait, ceiling)
			seen[wait] = true
		}
		assert.Greater(t, len(seen), 100, "waits differ")
	}
	b.reset()
	assert.LessOrEqual(t, b.next(), 2*time.Second)
}

func TestBackoffNeverOverflows(t *testing.T) {
	for _, b := range []backoff{{min: time.Nanosecond, max: time.Hour}, {min: time.Hour, max: 24 * time.Hour}, {min: time.Second, max: time.Second}} {
		for range 200 {
			wait := b.next()
			assert.GreaterOrEqual(t, wait, b.min)
			assert.LessOrEqual(t, wait, b.max+1)
		}
	}
}
