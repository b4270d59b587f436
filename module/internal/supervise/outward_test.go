package supervise

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestARequestThatBeganWhileTheRunnerWasBusyGoesOn(t *testing.T) {
	q := requests{parent: t.Context()}
	begun := q.current() // by a service that the runner has just started
	q.renew()
	assert.NoError(t, begun.Err())
	assert.NoError(t, q.current().Err())
}

func TestRequestsThatWereCalledOffBeginAgainOnceTheyAreRenewed(t *testing.T) {
	q := requests{parent: t.Context()}
	begun := q.current()
	q.callOff(make(chan struct{}))
	assert.Error(t, begun.Err())
	assert.Error(t, q.current().Err(), "nor does another begin")
	q.renew()
	assert.NoError(t, q.current().Err())
}

func TestNothingIsCalledOffForWhatIsDone(t *testing.T) {
	q := requests{parent: t.Context()}
	begun, done := q.current(), make(chan struct{})
	close(done)
	q.callOff(done)
	assert.NoError(t, begun.Err())
}
