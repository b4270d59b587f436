package pipeline

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// sendNow begins to send a message at once, and returns where its end comes.
func sendNow(ctx context.Context, r *rig, index int, body string, properties ...string) <-chan error {
	m := module.Message{Body: []byte(body)}
	for n := 0; n < len(properties); n += 2 {
		m.Properties.Set(properties[n], properties[n+1])
	}
	of := r.Tick(Stream{Signal: "a"}, "tick", time.Unix(0, 0))
	ended := make(chan error, 1)
	go func() { ended <- r.SendNow(ctx, of, index, "out", m) }()
	synctest.Wait()
	return ended
}

func TestWhatIsSentAtOnceEndsWhenEdgeHubHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{})
		ended := sendNow(t.Context(), r, 0, "x")
		require.Len(t, r.hub.written, 1)
		assert.Empty(t, ended, "edgeHub has not acknowledged it")
		r.ack(1)
		synctest.Wait()
		require.NoError(t, <-ended)
		id := r.hub.written[0].properties.Value(mid)
		again, other := sendNow(t.Context(), r, 0, "x"), sendNow(t.Context(), r, 1, "x", mid, "own")
		assert.Equal(t, id, r.hub.written[1].properties.Value(mid), "of the same place in the same input")
		assert.Equal(t, "own", r.hub.written[2].properties.Value(mid))
		r.ack(2)
		synctest.Wait()
		require.NoError(t, <-again)
		require.NoError(t, <-other)
	})
}

func TestWhatIsSentAtOnceEndsWhenItIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{})
		began := time.Now()
		require.NoError(t, <-sendNow(t.Context(), r, 0, "x"))
		assert.Equal(t, promptTime, time.Since(began))
		assert.Equal(t, 1, r.Counts().Outbox, "edgeHub has not taken it yet")
	})
}

func TestWhatIsSentAtOnceReachesTheSignalsThatReadThisOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		var got []*Share
		r.SetRoutes(&Routes{Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: consumer(func(s *Share) bool { got = append(got, s); return true })}}}})
		ended := sendNow(t.Context(), r, 0, "x", mid, "own")
		r.ack(1)
		synctest.Wait()
		require.Len(t, got, 1)
		assert.NotContains(t, got[0].Identity, "own", "a guest that repeats an id sends other messages all the same")
		assert.Empty(t, ended, "the other signal is not finished")
		got[0].Finish()
		require.NoError(t, <-ended)
	})
}

func TestAFullOutboxIsToldAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{})
		require.NoError(t, <-sendNow(t.Context(), r, 0, "x")) // it stays in the outbox
		r.SetLimits(Limits{Outbox: 1})
		began := time.Now()
		assert.ErrorIs(t, <-sendNow(t.Context(), r, 1, "y"), errOutboxFull)
		assert.Equal(t, directTime, time.Since(began))

		waiting := sendNow(t.Context(), r, 2, "z")
		r.ack(1)
		synctest.Wait()
		r.ack(1)
		require.NoError(t, <-waiting, "there was room in time")
	})
}

func TestADiskThatFailsIsToldAfterThirtySeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{})
		r.disk.is.Store(true)
		assert.ErrorIs(t, <-sendNow(t.Context(), r, 0, "x"), errNotKept)
	})
}

func TestWhatIsSentAtOnceCanBeCalledOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetRoutes(&Routes{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := sendNow(ctx, r, 0, "x")
		cancel()
		assert.ErrorIs(t, <-ended, context.Canceled)
		ended = sendNow(t.Context(), r, 1, "y")
		r.ack(2)
		require.NoError(t, <-ended)
		r.SetLimits(Limits{})
		_ = sendNow(t.Context(), r, 2, "z")
		ended = sendNow(t.Context(), r, 3, "full")
		r.close()
		assert.ErrorIs(t, <-ended, ErrStopping)
	})
}
