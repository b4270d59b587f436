package pipeline

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

func TestWithoutRoomOnTheDeviceNothingIsStoredAndMessagesPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var full error
		h := &hub{}
		p := New(Config{Publisher: h, Journal: openJournal(t), Room: func() error { return full }, OnError: func(error) {}})
		p.SetLimits(Limits{Outbox: 1 << 20, Spool: 1 << 20})
		go p.SendResults(t.Context())
		p.Connected(h.open())

		state := []module.StateChange{{Key: "k", Value: []byte("v")}}
		require.NoError(t, p.Kept(Stream{Signal: "a"}).SetState(state))
		full = journal.ErrFull
		require.ErrorIs(t, p.Kept(Stream{Signal: "a"}).SetState(state), journal.ErrFull)
		require.ErrorIs(t, p.Kept(Stream{Signal: "a"}).Settle(p.Tick(Stream{Signal: "a"}, "tick", time.Now()), Changes{State: state}), journal.ErrFull)

		spool := p.Spool(Stream{Signal: "a"}, func() {})
		s := p.Tick(Stream{Signal: "a"}, "tick", time.Now())
		require.True(t, spool.Put(s))
		assert.Equal(t, []*Share{s}, spool.Failed(), "it still is its owner's")

		s.Send("telemetry", module.Message{Body: []byte("x")}, false)
		s.Finish()
		synctest.Wait()
		assert.Equal(t, []string{"x"}, h.bodies(1))
	})
}
