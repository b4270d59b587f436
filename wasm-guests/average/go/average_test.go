package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// That it does the same as the guests in other languages is tested in module/conformance.

func TestEachSampleSendsTheAverageOfTheWindow(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"window":2}`)
	for _, step := range []struct {
		value float64
		sent  string
	}{
		{1, `{"signal":"signal","average":1,"count":1}`},
		{2, `{"signal":"signal","average":1.5,"count":2}`},
		{5, `{"signal":"signal","average":3.5,"count":2}`},
	} {
		result := run.Number(step.value)
		require.NoError(t, result.Err)
		assert.Equal(t, edge.Done, result.Verdict)
		assert.Equal(t, step.sent, string(result.Emitted[0].Body))
	}
}

func TestTheWindowIsKept(t *testing.T) {
	first := edgetest.Start(t, newGuest(), `{"window":3}`)
	for _, value := range []float64{1, 2, 3, 4} {
		first.Number(value)
	}
	next := edgetest.New(t, newGuest())
	next.State = first.State
	require.NoError(t, next.Configure(`{"window":2}`))
	assert.Equal(t, `{"signal":"signal","average":7,"count":2}`, string(next.Number(10).Emitted[0].Body))
}

func TestAValueWhoseAverageCannotBeKeptIsNotInTheWindow(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{"window":2}`)
	run.Number(1)
	run.Storage = 0
	assert.EqualError(t, run.Number(100).Err, edge.ErrStorage.Error())
	run.Storage = 1000
	assert.Equal(t, `{"signal":"signal","average":2,"count":2}`, string(run.Number(3).Emitted[0].Body))
}

func TestBadSamplesAndHeartbeatsAreIgnored(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{}`)
	assert.Equal(t, edge.Drop, run.Sample(edgetest.Sample{Value: 1, Quality: edge.Bad}).Verdict)
	assert.Equal(t, edge.Drop, run.Sample(edgetest.Sample{Value: 1, Reason: edge.Heartbeat}).Verdict)
	assert.Equal(t, map[string]float64{"ignored": 2}, run.Counters)
	assert.Empty(t, run.State)
}

func TestAValueThatIsNoNumberFails(t *testing.T) {
	run := edgetest.Start(t, newGuest(), `{}`)
	assert.EqualError(t, run.Sample(edgetest.Sample{Value: "hot"}).Err, `value is not a number: "hot"`)
}

func TestAWindowOutOfRangeIsRefused(t *testing.T) {
	for _, settings := range []string{`{"window":0}`, `{"window":1001}`} {
		assert.EqualError(t, edgetest.New(t, newGuest()).Configure(settings), `"window" is not between 1 and 1000 samples`)
	}
}
