package sim

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

// feed publishes numbered messages as the source.
func feed(t testing.TB, h *Hub, output string, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		require.NoError(t, h.Publish(t.Context(), "source", output, edgehub.Message{Body: fmt.Append(nil, n)}))
	}
}

// input receives an input and returns its body.
func (c *client) input() string {
	c.t.Helper()
	return string(c.published().Payload)
}

func TestInputArrivesAsEdgeHubSendsIt(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c := join(t, h, "filter")
	source, _ := connect(t, h, "source")
	source.publish(1, 5, "devices/"+deviceID+"/modules/source/messages/events/%24.on=out&%24.mid=m%2F1&%24.ifid=x&a%20b=%26/", "body")
	source.puback()

	p := c.published()
	assert.Equal(t, "devices/simulated-device/modules/filter/inputs/in/%24.mid=m%2F1&a%20b=%26&%24.cdid=simulated-device&%24.cmid=source", p.TopicName)
	assert.Equal(t, "body", string(p.Payload))
	assert.EqualValues(t, 1, p.Qos)
	assert.EqualValues(t, 1, p.MessageID)
	assert.False(t, p.Dup)
	assert.False(t, p.Retain)
}

func TestOneInputIsInFlightOverAllInputsOfAModule(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter, sourceToOther)})
	c := join(t, h, "filter")
	feed(t, h, "out", 1, 2, 3)
	feed(t, h, "other", 10, 11)
	for _, want := range []string{"1", "10", "2", "11", "3"} { // inputs take turns
		p := c.published()
		assert.Equal(t, want, string(p.Payload))
		assert.EqualValues(t, 1, p.MessageID, "of every publish")
		c.nothing()
		c.ack()
	}
	require.NoError(t, h.WaitIdle(t.Context()))
	stats := h.Stats().Modules["filter"]
	assert.EqualValues(t, 5, stats.Delivered)
	assert.EqualValues(t, 5, stats.Acked)
	assert.Zero(t, stats.Redelivered)
	assert.Equal(t, map[string]int{"in": 0, "other": 0}, stats.Queued)
}

func TestWindowMayBeWider(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), InFlight: 3})
	c := join(t, h, "filter")
	feed(t, h, "out", 1, 2, 3, 4, 5)
	for _, want := range []string{"1", "2", "3"} {
		assert.Equal(t, want, c.input())
	}
	c.nothing()
	c.ack()
	assert.Equal(t, "4", c.input())
	c.nothing()

	_, err := h.Disconnect("filter")
	require.NoError(t, err)
	c.closed()
	c, present := connect(t, h, "filter")
	assert.True(t, present)
	for _, want := range []string{"2", "3", "4"} { // what was in flight comes again, in order
		assert.Equal(t, want, c.input())
	}
	c.nothing()
	assert.EqualValues(t, 3, h.Stats().Modules["filter"].Redelivered)
}

func TestInputsComeRightAfterConnackOnARestoredSession(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c := join(t, h, "filter")
	c.disconnect()
	c, present := connect(t, h, "filter")
	assert.True(t, present)
	feed(t, h, "out", 1)
	assert.Equal(t, "1", c.input(), "without another SUBSCRIBE")
}

func TestCleanSessionForgetsSubscriptions(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	join(t, h, "filter").disconnect()
	for range 2 {
		c := dial(t, h)
		p := connectPacket(h, "filter")
		p.CleanSession = true
		assert.False(t, c.connect(p))
		c.subscribeAll("filter")
		c.disconnect()
	}
	_, present := connect(t, h, "filter")
	assert.False(t, present)
}

func TestNewestConnectionWins(t *testing.T) {
	disconnected := make(chan error, 1)
	h := start(t, Config{
		Manifest: deployment(t, sourceToFilter),
		Observer: Observer{Disconnected: func(_ string, err error) { disconnected <- err }},
	})
	old := join(t, h, "filter")
	feed(t, h, "out", 1, 2)
	assert.Equal(t, "1", old.input())
	c, present := connect(t, h, "filter")
	assert.True(t, present)
	require.ErrorIs(t, <-disconnected, errReplaced)
	old.closed()
	assert.Equal(t, "1", c.input(), "delivered again at once")
	c.ack()
	assert.Equal(t, "2", c.input())
}

func TestInputsNeedASubscriptionThatTakesThem(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter, sourceToOther)})
	c, _ := connect(t, h, "filter")
	feed(t, h, "out", 1)
	c.nothing()
	c.subscribe(1, "devices/"+deviceID+"/modules/filter/inputs/other/#")
	c.subscribe(0, "devices/"+deviceID+"/modules/+/inputs/else/#", "nonsense")
	require.NoError(t, h.WaitIdle(t.Context()), "edgeHub sends, finds that no filter takes it, and forgets it")
	assert.EqualValues(t, 1, h.Stats().Modules["filter"].Rejected)
	feed(t, h, "other", 2)
	assert.Equal(t, "2", c.input())
}

func TestInputsAtQoS0AreNotWaitedFor(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c, _ := connect(t, h, "filter")
	c.subscribe(0, edgehub.InputsFilter(deviceID, "filter"))
	feed(t, h, "out", 1, 2)
	p := c.published()
	assert.Zero(t, p.Qos)
	assert.Equal(t, "2", c.input())
	require.NoError(t, h.WaitIdle(t.Context()))
}

func TestUnsubscribedModuleGetsNothing(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c := join(t, h, "filter")
	p := packets.NewControlPacket(packets.Unsubscribe).(*packets.UnsubscribePacket)
	p.MessageID, p.Topics = 8, []string{edgehub.InputsFilter(deviceID, "filter")}
	c.send(p)
	assert.EqualValues(t, 8, next[*packets.UnsubackPacket](c).MessageID)
	feed(t, h, "out", 1)
	c.nothing()
}

func TestAcknowledgementsCountByOrderAndNotByPacketID(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c, _ := connect(t, h, "filter")
	c.subscribe(1, edgehub.InputsFilter(deviceID, "filter"), edgehub.DesiredFilter)
	_, err := h.PatchDesired("filter", []byte(`{}`))
	require.NoError(t, err)
	assert.EqualValues(t, 1, c.published().Qos, "a patch, which wants a PUBACK as well")
	feed(t, h, "out", 1, 2)
	assert.Equal(t, "1", c.input())
	c.ack() // meant for the input: credited to the patch
	c.nothing()
	c.ack()
	assert.Equal(t, "2", c.input())
	c.ack()
	c.ack() // for nothing: ignored
	require.NoError(t, h.WaitIdle(t.Context()))
}

func TestInputThatIsNotAcknowledgedComesAgainAfterABackoffThatDoubles(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		p := connectPacket(h, "filter")
		p.Keepalive = 0
		c.connect(p)
		c.subscribeAll("filter")
		feed(t, h, "out", 1, 2)
		assert.Equal(t, "1", c.input())
		for _, backoff := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			after(t, 30*time.Second+backoff*time.Second, func() {
				p := c.published()
				assert.Equal(t, "1", string(p.Payload))
				assert.False(t, p.Dup)
			})
		}
		for range 8 { // late acknowledgements of the first copies
			c.ack()
		}
		c.ack() // of the last
		assert.Equal(t, "2", c.input())
		stats := h.Stats().Modules["filter"]
		assert.EqualValues(t, 8, stats.Overdue)
		assert.EqualValues(t, 8, stats.Redelivered)
		assert.EqualValues(t, 1, stats.Acked)
		after(t, 31*time.Second, func() { assert.Equal(t, "2", c.input(), "an acknowledgement resets the backoff") })
	})
}

func TestSkippedAcknowledgementShiftsAllLaterOnes(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		feed(t, h, "out", 1)
		c.input() // never acknowledged
		after(t, 31*time.Second, func() { assert.Equal(t, "1", c.input()) })
		c.ack()                                                              // goes to the first copy
		after(t, 32*time.Second, func() { assert.Equal(t, "1", c.input()) }) // so that this one times out, too
	})
}

func TestInputInFlightWaitsForItsTimeWhenTheClientLeaves(t *testing.T) {
	for name, leave := range map[string]func(*client){"DISCONNECT": (*client).disconnect, "connection lost": (*client).cut} {
		t.Run(name, func(t *testing.T) {
			bubble(t, Config{Manifest: deployment(t, sourceToFilter, sourceToOther)}, func(t *testing.T, h *Hub, dial func() *client) {
				c := dial()
				c.connect(connectPacket(h, "filter"))
				c.subscribeAll("filter")
				feed(t, h, "out", 1)
				c.input()
				time.Sleep(10 * time.Second)
				leave(c)
				synctest.Wait()
				c = dial()
				assert.True(t, c.connect(connectPacket(h, "filter")))
				feed(t, h, "other", 2)
				after(t, 0, func() { assert.Equal(t, "2", c.input(), "the new connection has a window of its own") })
				c.ack()
				after(t, 21*time.Second, func() { assert.Equal(t, "1", c.input()) })
			})
		})
	}
}

func TestInputInFlightComesAgainAtOnceWhenTheHubCloses(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		feed(t, h, "out", 1)
		c.input()
		c2 := dial()
		c2.connect(connectPacket(h, "filter"))
		c.closed()
		after(t, time.Second, func() { assert.Equal(t, "1", c2.input()) })
	})
}

func TestModuleThatComesBackDoesNotCutTheBackoffShort(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, dial func() *client) {
		feed(t, h, "out", 1) // tried in vain after 0, 1, 3, 7, 15, 31, 63, 123 s
		time.Sleep(64 * time.Second)
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		after(t, 59*time.Second, func() { assert.Equal(t, "1", c.input()) })
		assert.Zero(t, h.Stats().Modules["filter"].Redelivered)
	})
}

func TestHigherPriorityGoesFirstOnceABatchIsDone(t *testing.T) {
	m := deployment(t, sourceToFilter, `FROM /messages/modules/source/outputs/urgent INTO BrokeredEndpoint("/modules/filter/inputs/in")`)
	m.Routes[1].Priority = 0
	inBubble(t, Config{Manifest: m}, func(t *testing.T, h *Hub, c *client, dial func() *client) {
		feed(t, h, "out", 1, 2, 3)
		feed(t, h, "urgent", 4, 5)
		for _, want := range []string{"1", "4", "5", "2", "3"} { // the first was read alone
			assert.Equal(t, want, c.input())
			c.ack()
		}
		c.disconnect()
		synctest.Wait() // the hub has noticed
		feed(t, h, "out", 6)
		feed(t, h, "urgent", 7)
		c = dial()
		c.connect(connectPacket(h, "filter"))
		assert.Equal(t, "6", c.input(), "which was read and tried before")
	})
}

func TestTenAreReadAtATime(t *testing.T) {
	m := deployment(t, sourceToFilter, `FROM /messages/modules/source/outputs/urgent INTO BrokeredEndpoint("/modules/filter/inputs/in")`)
	m.Routes[1].Priority = 0
	h := start(t, Config{Manifest: m})
	c := join(t, h, "filter")
	feed(t, h, "out", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
	assert.Equal(t, "0", c.input())
	c.ack()
	assert.Equal(t, "1", c.input())
	feed(t, h, "urgent", 100)
	for n := 2; n <= 10; n++ { // the batch that 1 is the first of
		c.ack()
		assert.Equal(t, strconv.Itoa(n), c.input())
	}
	assert.Equal(t, 13, h.Stats().Modules["filter"].Queued["in"], "nothing of a batch is forgotten before its end")
	c.ack()
	assert.Equal(t, "100", c.input())
	assert.Equal(t, 3, h.Stats().Modules["filter"].Queued["in"])
}

func TestMessagesExpireInTheirQueueUntilTheyAreRead(t *testing.T) {
	m := deployment(t, sourceToFilter, sourceToOther)
	m.Routes[0].TimeToLive = time.Minute
	m.Routes[1].TimeToLive = manifest.Forever
	bubble(t, Config{Manifest: m}, func(t *testing.T, h *Hub, dial func() *client) {
		feed(t, h, "out", 1) // is read at once, and tried in vain until it succeeds
		feed(t, h, "out", 2)
		feed(t, h, "other", 3)
		time.Sleep(50 * time.Second)
		feed(t, h, "out", 4)
		time.Sleep(11 * time.Second)
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		var got []string
		for range 3 {
			got = append(got, c.input())
			c.ack()
		}
		assert.ElementsMatch(t, []string{"1", "3", "4"}, got)
		assert.EqualValues(t, 1, h.Stats().Modules["filter"].Expired)
		require.NoError(t, h.WaitIdle(t.Context()))
	})
}

func TestWaitIdleEndsWithItsContext(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	require.NoError(t, h.WaitIdle(t.Context()))
	feed(t, h, "out", 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, h.WaitIdle(ctx), context.Canceled)
}

func TestObserverHearsOfConnections(t *testing.T) {
	events := make(chan string, 4)
	h := start(t, Config{Manifest: deployment(t), Observer: Observer{
		Connected:    func(module string) { events <- "connected " + module },
		Disconnected: func(module string, err error) { events <- "disconnected " + module + ": " + err.Error() },
	}})
	join(t, h, "filter").disconnect()
	assert.Equal(t, "connected filter", <-events)
	assert.Equal(t, "disconnected filter: client sent DISCONNECT", <-events)
	connected, err := h.Disconnect("filter")
	require.NoError(t, err)
	assert.False(t, connected)
	_, err = h.Disconnect("nobody")
	require.ErrorIs(t, err, ErrNoModule)
}
