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

// counts is a signal whose guest counts its messages in its state and sends the count on.
type counts struct {
	kept  *Kept
	calls int
	errs  []error
}

func (c *counts) Take(s *Share) bool {
	if c.kept.Repeat(s) {
		return true
	}
	c.calls++
	s.Send("out", module.Message{Body: s.Message.Body}, true)
	if err := c.kept.Settle(s, Changes{State: []module.StateChange{{Key: "n", Value: []byte{byte('0' + c.calls)}}}}); err != nil {
		c.errs = append(c.errs, err)
	}
	return true
}

// lives runs lives of a module over one journal.
type lives struct {
	disk *fullJournal
	*rig
	*counts
	reader *holder
}

func (l *lives) begin(t *testing.T) {
	if l.rig != nil {
		l.stop()
		l.lose()
	}
	l.rig = startOn(t, l.disk, nil)
	l.counts, l.reader = &counts{kept: l.Kept(Stream{Signal: "a"})}, newHolder()
	l.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: l.counts}}}, Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: l.reader}}}})
	synctest.Wait()
}

func keptTest(t *testing.T, test func(t *testing.T, l *lives)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lives{disk: &fullJournal{Journal: openJournal(t)}}
		l.begin(t)
		test(t, l)
	})
}

func (l *lives) state(t *testing.T) string {
	state, err := l.kept.State()
	require.NoError(t, err)
	return string(state["n"])
}

func TestInputWhoseStateAndResultsAreSyncedWaitsForNothingElse(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		input := l.deliver(t, 1, "x", mid, "m1")
		assert.False(t, input.acked(), "the reader has not finished")
		(<-l.reader.shares).Finish()
		assert.True(t, input.acked(), "although edgeHub has not acknowledged the result")
		assert.Equal(t, "1", l.state(t))
		assert.Equal(t, []string{"x"}, l.bodies(1))
	})
}

func TestRedeliveredInputIsNotCountedTwice(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		l.deliver(t, 1, "x", mid, "m1")
		first := ids(l.hub)
		l.begin(t) // the process was killed before the input was acknowledged
		assert.Equal(t, []string{"x"}, l.bodies(1), "the result was stored with the state")
		assert.Equal(t, first, ids(l.hub), "with the same id")

		again := l.deliver(t, 1, "x", mid, "m1")
		assert.Zero(t, l.calls, "the guest is not called")
		assert.Equal(t, "1", l.state(t))
		read := <-l.reader.shares
		assert.Equal(t, "x", string(read.Message.Body), "who reads the signal gets its message again")
		assert.Equal(t, "id\x00"+first[0], read.Identity)
		assert.False(t, again.acked())
		read.Finish()
		assert.True(t, again.acked())

		l.deliver(t, 1, "x", mid, "m2")
		assert.Equal(t, 1, l.calls, "another input is another")
	})
}

func TestOnlyTheLastResultsThatEdgeHubHasComeAgainAfterAKill(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		for i := range 10 {
			l.deliver(t, 1, string(rune('a'+i)), mid, string(rune('a'+i)))
			l.ack(all)
		}
		l.begin(t)
		assert.Equal(t, []string{"j"}, l.bodies(1), "the others were removed along with those that came after them")
	})
}

func TestEachSendersLastInputsAreRemembered(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		number := func(i int) string { return time.Unix(int64(i), 0).String() }
		const inputs = remembered + 40
		for i := range inputs {
			l.deliver(t, 1, "x", mid, number(i))
		}
		l.deliver(t, 1, "x", mid, number(0), module.PropertySenderModule, "another")
		l.begin(t)
		for i := inputs - remembered; i < inputs; i++ {
			l.deliver(t, 1, "x", mid, number(i))
		}
		l.deliver(t, 1, "x", mid, number(0), module.PropertySenderModule, "another")
		assert.Zero(t, l.calls)
		l.deliver(t, 1, "x", mid, number(inputs-remembered-1))
		assert.Equal(t, 1, l.calls, "that was too long ago")
	})
}

func TestStateThatCannotBeStoredFailsTheCall(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		l.disk.is.Store(true)
		input := l.deliver(t, 1, "x", mid, "m1")
		require.Len(t, l.errs, 1)
		assert.ErrorIs(t, l.errs[0], journal.ErrFull)
		assert.Empty(t, l.written)
		assert.Empty(t, l.reader.shares)
		assert.False(t, input.acked(), "the share is the signal's to deal with")
		assert.Zero(t, l.outbox.bytes)
	})
}

func TestWhatIsKeptOfSignalsThatAreGoneIsForgotten(t *testing.T) {
	keptTest(t, func(t *testing.T, l *lives) {
		l.deliver(t, 1, "x", mid, "m1")
		spool := l.Spool(Stream{Signal: "gone"}, func() {})
		share := l.Tick(Stream{Signal: "gone"}, "tick", time.Now())
		share.Message.Body = []byte("waited")
		require.True(t, spool.Put(share))
		synctest.Wait()
		l.ack(all)

		l.Forget(func(name module.SignalName) bool { return name == "a" })
		synctest.Wait()
		assert.Equal(t, "1", l.state(t))
		assert.Equal(t, "waited", l.last(t).body)
		assert.Equal(t, module.OutputDeadLetter, l.last(t).output)
		l.ack(all)
		l.Forget(func(module.SignalName) bool { return false })
		time.Sleep(2 * look)
		synctest.Wait()
		assert.Empty(t, l.disk.Tables(""), "nothing is left")
	})
}

func TestWhatIsStoredOfASignalIsCountedOverItsPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		assert.Empty(t, r.Stored())
		for _, partition := range []string{"a", "b"} {
			require.NoError(t, r.Kept(Stream{Signal: "s", Partition: partition}).SetState([]module.StateChange{{Key: "k", Value: make([]byte, 1000)}}))
		}
		assert.InDelta(t, 2000, r.Stored()["s"].State, 200, "and the names of the keys")
		assert.Zero(t, r.Stored()["s"].Spool)
	})
}

func TestDeadLettersAreCountedByReasonAlsoThoseOnlyTheFolderHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, &folder{})
		r.SetLimits(Limits{Outbox: 1 << 20, DeadLettersPerMinute: 1})
		r.SetRoutes(&Routes{Unclaimed: module.ActionDeadLetter})
		for n := range 3 {
			r.deliver(t, 1, string(rune('a'+n)))
		}
		synctest.Wait()
		assert.Equal(t, map[string]int64{module.ReasonNoSignal: 3}, r.Counts().Reasons)
		assert.EqualValues(t, 1, r.Counts().DeadLetters, "to edgeHub")
	})
}
