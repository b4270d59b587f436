package pipeline

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestTheOldestInputIsTheFirstThatIsNotFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.deliver(t, 1, "a")
		assert.Zero(t, r.Oldest(), "an input that waits for routes waits rightly")
		h := newHolder()
		r.route(h)
		r.deliver(t, 1, "b")
		r.deliver(t, 1, "c")
		assert.EqualValues(t, 1, r.Oldest())
		first, second := <-h.shares, <-h.shares
		second.Finish()
		assert.EqualValues(t, 1, r.Oldest())
		first.Finish()
		assert.EqualValues(t, 3, r.Oldest())
		(<-h.shares).Finish()
		assert.Zero(t, r.Oldest())
	})
}

func TestWhoWaitsForRoomInTheOutboxIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		r.route(consumer(func(s *Share) bool {
			s.Send("out", module.Message{Body: s.Message.Body}, false)
			s.Finish()
			return true
		}))
		large := strings.Repeat("x", 700<<10)
		r.deliver(t, 1, large)
		assert.False(t, r.Blocked())
		r.deliver(t, 1, large)
		assert.True(t, r.Blocked())
		r.ack(1)
		synctest.Wait()
		assert.False(t, r.Blocked())
		r.ack(1)
	})
}
