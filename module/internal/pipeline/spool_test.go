package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func spoolTest(t *testing.T, test func(t *testing.T, r *rig, spool *Spool)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		spool := r.Spool(Stream{Signal: "a"}, func() {})
		r.route(consumer(func(s *Share) bool { return assert.True(t, spool.Put(s)) }))
		test(t, r, spool)
	})
}

func TestInputIsFinishedOnceItsShareIsInTheSpool(t *testing.T) {
	spoolTest(t, func(t *testing.T, r *rig, spool *Spool) {
		first, second := r.deliver(t, 1, "1", mid, "m1", "color", "red"), r.deliver(t, 1, "2")
		assert.True(t, first.acked())
		assert.True(t, second.acked())
		assert.Equal(t, 2, spool.Len())

		later := r.Spool(Stream{Signal: "a"}, func() {}) // in the next life of the module
		require.Equal(t, 2, later.Len())
		s := later.Take()
		assert.Equal(t, "1", string(s.Message.Body))
		assert.Equal(t, "red", s.Message.Properties.Value("color"))
		assert.Equal(t, "id\x00dev/sensor\x00m1", s.Identity, "its results have the ids that they would have had")
		assert.Equal(t, module.InputName("in"), s.Input)
		assert.Equal(t, "2", string(later.Take().Message.Body))
		assert.Nil(t, later.Take())
	})
}

func TestRecordIsRemovedWhenAllThatCameOfItIsFinished(t *testing.T) {
	spoolTest(t, func(t *testing.T, r *rig, spool *Spool) {
		r.deliver(t, 1, "1")
		s := spool.Take()
		s.Send("out", module.Message{Body: []byte("result")}, true)
		s.Finish()
		time.Sleep(2 * look)
		synctest.Wait()
		assert.Len(t, r.disk.Keys("spool/a"), 1, "edgeHub has not acknowledged the result")
		r.ack(1)
		time.Sleep(2 * look)
		synctest.Wait()
		assert.Empty(t, r.disk.Keys("spool/a"))
		assert.Zero(t, spool.bytes)
	})
}

func TestFullSpoolTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.SetLimits(Limits{Outbox: 1 << 20, Spool: 100})
		spool := r.Spool(Stream{Signal: "a"}, func() {})
		assert.True(t, spool.Put(r.Tick(Stream{Signal: "a"}, "tick", time.Now())), "one at least")
		large := r.Tick(Stream{Signal: "a"}, "tick", time.Now())
		large.Message.Body = make([]byte, 100)
		assert.False(t, spool.Put(large))
	})
}

func TestShareThatCannotBeStoredIsGivenBack(t *testing.T) {
	spoolTest(t, func(t *testing.T, r *rig, spool *Spool) {
		r.disk.is.Store(true)
		input := r.deliver(t, 1, "1")
		assert.False(t, input.acked())
		failed := spool.Failed()
		require.Len(t, failed, 1)
		assert.Empty(t, spool.Failed())
		assert.Zero(t, spool.Len())
		failed[0].Finish()
		assert.True(t, input.acked())
	})
}

func TestNothingComesOutBeforeRoutesAreKnown(t *testing.T) {
	spoolTest(t, func(t *testing.T, r *rig, _ *Spool) {
		r.deliver(t, 1, "1")
		r.stop()
		next := startOn(t, r.disk, nil)
		woken := false
		spool := next.Spool(Stream{Signal: "a"}, func() { woken = true })
		assert.Nil(t, spool.Take())
		next.SetRoutes(&Routes{})
		assert.True(t, woken)
		assert.NotNil(t, spool.Take())
	})
}

func TestSpoolKeepsTheOrderOverLives(t *testing.T) {
	spoolTest(t, func(t *testing.T, r *rig, spool *Spool) {
		for _, body := range []string{"1", "2", "3"} {
			r.deliver(t, 1, body)
		}
		spool.Take().Finish()
		time.Sleep(2 * look)
		synctest.Wait()
		later := r.Spool(Stream{Signal: "a"}, func() {})
		r.route(consumer(func(s *Share) bool { return later.Put(s) }))
		r.deliver(t, 1, "4")
		var bodies []string
		for s := later.Take(); s != nil; s = later.Take() {
			bodies = append(bodies, string(s.Message.Body))
		}
		assert.Equal(t, []string{"2", "3", "4"}, bodies)
	})
}

func FuzzStoredRecordsAreReadOrRefused(f *testing.F) {
	s := &Share{Identity: "id", Input: "in", Received: time.Unix(1, 2), Message: module.Message{Body: []byte("b"), Properties: module.Properties{{Name: "n", Value: "v"}}}}
	f.Add(encodeShare(s))
	f.Add(encodeResult(&result{output: "out", signal: "a", Message: s.Message}))
	f.Add([]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := decodeShare(b); err == nil {
			again, err := decodeShare(encodeShare(s))
			require.NoError(t, err)
			require.Equal(t, s, again)
		}
		if r, err := decodeResult(b); err == nil {
			again, err := decodeResult(encodeResult(r))
			require.NoError(t, err)
			require.Equal(t, r, again)
		}
	})
}
