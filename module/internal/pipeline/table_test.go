package pipeline

import (
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const mid = module.PropertyMessageID

// identities are the ways a message can be known by; the empty one by nothing but its content.
var identities = map[string][]string{
	"with a message id":                  {mid, "m1"},
	"with a batch and a sequence number": {propertyBatchID, "b", propertySequence, "7"},
	"without an identity":                nil,
}

// inBubble runs a test with a pipeline whose signal sends each message on to "out".
func inBubble(t *testing.T, test func(t *testing.T, r *rig, runs *atomic.Int32)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := start(t, nil)
		r.route(passes("out", &runs))
		test(t, r, &runs)
	})
}

func TestInputIsAcknowledgedAfterItsResult(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		input := r.deliver(t, 1, "21.5")
		require.Equal(t, []string{"21.5"}, r.bodies(1))
		assert.Zero(t, input.acks.Load(), "edgeHub has not acknowledged the result")
		assert.Equal(t, 1, r.Counts().InFlight)
		r.ack(1)
		assert.True(t, input.acked())
		assert.Zero(t, r.Counts().InFlight)
	})
}

func TestRedeliveryOnAnotherConnectionIsAttachedToThePendingInput(t *testing.T) {
	for name, identity := range identities {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
				r.deliver(t, 1, "21.5", identity...)
				r.lose()
				r.connect()
				again := r.deliver(t, 2, "21.5", identity...)
				assert.EqualValues(t, 1, runs.Load(), "the guest ran once")
				assert.Zero(t, again.acks.Load())
				r.ack(1)
				assert.True(t, again.acked())
				assert.EqualValues(t, 1, r.Counts().Redelivered)
			})
		})
	}
}

func TestCopyThatComesWhileThePendingInputWaitsIsAcknowledgedToo(t *testing.T) {
	for name, identity := range identities {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
				r.disk.is.Store(true) // or the result would be stored, and the input finished in time
				first := r.deliver(t, 1, "21.5", identity...)
				time.Sleep(ackTimeout + time.Second) // edgeHub gives up waiting, and sends it again
				second := r.deliver(t, 1, "21.5", identity...)
				assert.EqualValues(t, 1, runs.Load())
				r.ack(1)
				assert.True(t, first.acked())
				assert.True(t, second.acked())
			})
		})
	}
}

func TestInputThatFinishedBetweenConnectionsIsNotRunAgain(t *testing.T) {
	for name, identity := range identities {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
				r.deliver(t, 1, "21.5", identity...)
				r.lose()
				r.connect()
				synctest.Wait()
				r.ack(1) // the result, sent again; the acknowledgement goes to the connection that is no more
				again := r.deliver(t, 2, "21.5", identity...)
				assert.EqualValues(t, 1, runs.Load())
				assert.True(t, again.acked(), "its outcome is known")
			})
		})
	}
}

func TestInputThatFinishedAfterEdgeHubGaveUpIsNotRunAgain(t *testing.T) {
	for name, identity := range identities {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
				r.disk.is.Store(true) // or the result would be stored, and the input finished in time
				r.deliver(t, 1, "21.5", identity...)
				time.Sleep(ackTimeout)
				r.ack(1) // of no use any more
				again := r.deliver(t, 1, "21.5", identity...)
				assert.EqualValues(t, 1, runs.Load())
				assert.True(t, again.acked())
				r.deliver(t, 1, "21.5", append([]string{"n", "2"}, identity...)...)
				assert.EqualValues(t, 2, runs.Load(), "another message is another")
			})
		})
	}
}

func TestAcknowledgementThatWasLostOnItsWay(t *testing.T) {
	t.Run("a message with an identity is not run again", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
			r.deliver(t, 1, "21.5", mid, "m1")
			r.ack(1)
			r.connect()
			again := r.deliver(t, 2, "21.5", mid, "m1")
			assert.EqualValues(t, 1, runs.Load())
			assert.True(t, again.acked())
		})
	})
	t.Run("one without may be the next reading, so it is", func(t *testing.T) {
		inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
			r.deliver(t, 1, "21.5")
			r.ack(1)
			r.connect()
			next := r.deliver(t, 2, "21.5")
			assert.EqualValues(t, 2, runs.Load())
			assert.Zero(t, next.acks.Load())
			r.ack(1)
			assert.True(t, next.acked())
		})
	})
}

func TestEqualReadingsWithoutIdentityAreTwoReadings(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		first, second := r.deliver(t, 1, "on"), r.deliver(t, 1, "on")
		assert.EqualValues(t, 2, runs.Load(), "both at once in flight")
		r.ack(1)
		assert.True(t, first.acked())
		assert.False(t, second.acked())
		r.ack(1)
		assert.True(t, second.acked())
		r.deliver(t, 1, "on")
		assert.EqualValues(t, 3, runs.Load(), "one after the other")
	})
}

func TestRedeliveriesOfEqualReadingsAreAttachedOneToEach(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		r.deliver(t, 1, "on")
		r.deliver(t, 1, "on")
		r.lose()
		r.connect()
		first, second := r.deliver(t, 2, "on"), r.deliver(t, 2, "on")
		third := r.deliver(t, 2, "on")
		assert.EqualValues(t, 3, runs.Load(), "the third is new")
		r.ack(2)
		assert.True(t, first.acked())
		assert.True(t, second.acked())
		assert.False(t, third.acked())
	})
}

func TestReadingAfterOneInDoubtIsNotTakenForIt(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		r.deliver(t, 1, "on")
		r.connect()
		r.ack(1) // in vain, as far as can be known
		r.deliver(t, 2, "off")
		r.ack(1)
		r.deliver(t, 2, "on")
		assert.EqualValues(t, 3, runs.Load(), "what is to be repeated would have come first")
	})
}

func TestRedeliverySettlesWhatCameBeforeIt(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		r.deliver(t, 1, "on")
		r.deliver(t, 1, "off")
		r.connect()
		r.ack(1) // on: in vain, as far as can be known
		r.deliver(t, 2, "off")
		r.deliver(t, 2, "on")
		assert.EqualValues(t, 3, runs.Load(), "edgeHub did not repeat the first, so it knows it")
	})
}

func TestRedeliveryIsOfTheLastOfTwoEqualInputs(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		r.deliver(t, 1, "on", mid, "m1")
		r.ack(1)
		r.deliver(t, 1, "on", mid, "m1") // a sender that says it twice
		r.lose()
		r.connect()
		again := r.deliver(t, 2, "on", mid, "m1")
		assert.EqualValues(t, 2, runs.Load())
		assert.False(t, again.acked(), "its result is pending")
	})
}

func TestAcknowledgementThatWaitsForOneBeforeItHasNotLeft(t *testing.T) {
	for name, identity := range identities {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r, held := start(t, nil), newHolder()
				r.route(held)
				r.deliver(t, 1, "stuck")
				r.deliver(t, 1, "on", identity...)
				stuck := <-held.shares
				(<-held.shares).Finish()
				time.Sleep(ackTimeout + time.Second) // acknowledgements leave in order: edgeHub has not seen any
				again := r.deliver(t, 1, "on", identity...)
				assert.True(t, again.acked())
				assert.Empty(t, held.shares, "it is not run again")
				stuck.Finish()
			})
		})
	}
}

func TestNewInputDoesNotMakeForgetOneWhoseAcknowledgementWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, held := start(t, nil), newHolder()
		r.route(held)
		r.deliver(t, 1, "stuck")
		r.deliver(t, 1, "on")
		<-held.shares
		(<-held.shares).Finish()
		r.deliver(t, 1, "off")
		<-held.shares
		r.connect()
		r.deliver(t, 2, "stuck")
		assert.True(t, r.deliver(t, 2, "on").acked())
		assert.Empty(t, held.shares, "it is not run again")
	})
}

func TestSequenceNumberAloneIsNoIdentity(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, runs *atomic.Int32) {
		r.deliver(t, 1, "on", propertySequence, "1")
		r.deliver(t, 1, "on", propertySequence, "1") // a sensor that counts from 1 at each start
		assert.EqualValues(t, 2, runs.Load())
	})
}

func TestSendersDoNotShareIdentities(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		r.deliver(t, 1, "x", mid, "m1")
		first := r.last(t).properties.Value(mid)
		r.deliver(t, 1, "x", mid, "m1", module.PropertySenderModule, "other")
		assert.NotEqual(t, first, r.last(t).properties.Value(mid))
	})
}

func TestWindowOf64IsKnownAgainAfterALostConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, held := start(t, nil), newHolder()
		r.route(held)
		name := func(i int) []string { return []string{mid, strconv.Itoa(i)} }
		for i := range 64 {
			r.deliver(t, 1, "x", name(i)...)
		}
		shares := make([]*Share, 64)
		for i := range shares {
			shares[i] = <-held.shares
		}
		for i := 63; i > 0; i-- { // the first holds up the acknowledgements of all
			shares[i].Finish()
		}
		r.lose()
		r.connect()
		for i := range 64 {
			again := r.deliver(t, 2, "x", name(i)...)
			assert.Equal(t, i > 0, again.acked(), "input %d", i)
		}
		assert.Empty(t, held.shares, "none is run again")
	})
}

func TestCopiesOfConnectionsThatEndedAreLetGo(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		for connection := range uint64(100) {
			r.deliver(t, connection+1, "21.5")
		}
		for _, entries := range r.table.entries {
			require.Len(t, entries, 1)
			assert.Len(t, entries[0].acks, 1)
		}
	})
}

func TestFinishedInputsAreForgottenInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		for i := range 3 * remembered {
			r.deliver(t, 1, fmt.Sprint("identified ", i), mid, strconv.Itoa(i))
			r.deliver(t, 1, fmt.Sprint("anonymous ", i))
			r.ack(2)
		}
		assert.Len(t, r.table.entries, remembered)
		assert.Empty(t, r.table.doubtful)
		for _, e := range r.table.recent {
			assert.Nil(t, e.message.Body, "what is remembered holds no message")
			assert.Nil(t, e.acks)
		}
	})
}

func TestTableThatIsFullRefusesNewInputsButKnowsTheOld(t *testing.T) {
	p := New(Config{Publisher: &hub{}, Journal: openJournal(t)}) // no routes: nothing is worked on
	ack := func() {}
	for i := range tableLimit {
		require.NoError(t, p.Deliver(newDelivery("in", 1, strconv.Itoa(i), ack)))
	}
	require.ErrorIs(t, p.Deliver(newDelivery("in", 1, "one more", ack)), ErrTableFull)
	require.NoError(t, p.Deliver(newDelivery("in", 2, "0", ack)))
}
