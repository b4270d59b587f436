package edgehub

import (
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testClock is a wall clock that was set by some amount.
type testClock struct {
	mu sync.Mutex
	by time.Duration
}

func (c *testClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.by)
}

func (c *testClock) set(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by = by
}

func TestStoppingWritesWhatIsPendingAndDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.input("in", "a")
		in := <-h.inputs
		require.NoError(t, h.client.Publish(t.Context(), "out", text("last"), nil))
		in.Ack()
		h.stop()
		sent := p.expectClosed()
		require.Len(t, sent, 3)
		assert.IsType(t, &packets.PublishPacket{}, sent[0])
		assert.IsType(t, &packets.PubackPacket{}, sent[1])
		assert.IsType(t, &packets.DisconnectPacket{}, sent[2])
		assert.ErrorIs(t, h.client.Publish(t.Context(), "out", text("late"), nil), ErrNotConnected)
	})
}

func TestStoppingTakesASecondAtMost(t *testing.T) {
	for name, prepare := range map[string]func(*harness) *peer{
		"connected":              (*harness).connected,
		"waiting for CONNACK":    func(h *harness) *peer { p := h.next(); expect[*packets.ConnectPacket](p); return p },
		"waiting for SUBACK":     func(h *harness) *peer { p := h.next(); p.acceptConnect(false); return p },
		"waiting before a retry": func(h *harness) *peer { p := h.connected(); p.close(); awaitEvent[Retrying](h); return p },
		"with a peer that stalls": func(h *harness) *peer {
			p := h.connected()
			p.stopReading()
			_ = h.client.Publish(h.t.Context(), "out", text("a"), nil)
			return p
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := run(t, nil)
				prepare(h)
				synctest.Wait()
				began := time.Now()
				h.stop()
				assert.LessOrEqual(t, time.Since(began), disconnectTimeout)
			})
		})
	}
}

func TestPublishesThatAreOutstandingAtTheStopAreLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		h.connected()
		got := make(outcomes, 10)
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), got.of("a")))
		h.stop()
		assert.Equal(t, []string{"a lost"}, got.all())
	})
}

func TestRunMayBeCalledAgainButNotTwiceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		h.connected()
		assert.ErrorContains(t, h.client.Run(t.Context()), "already running")
		h.stop()
		h.start(t)
		h.connected()
	})
}

func TestWaitsBetweenAttemptsGrowToAMinuteAndStartAnewAfterAStableOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		var longest time.Duration
		for attempt := 1; attempt <= 20; attempt++ {
			h.next().refuseConnect(3)
			retrying := awaitEvent[Retrying](h)
			assert.Equal(t, attempt, retrying.Attempt)
			assert.GreaterOrEqual(t, retrying.In, time.Second)
			assert.LessOrEqual(t, retrying.In, time.Minute)
			longest = max(longest, retrying.In)
		}
		assert.Greater(t, longest, 20*time.Second)

		p := h.connected()
		time.Sleep(30 * time.Second)
		p.close()
		assert.Equal(t, 21, awaitEvent[Retrying](h).Attempt, "half a minute is not stable")
		p = h.connected()
		time.Sleep(time.Minute)
		p.close()
		assert.Equal(t, 1, awaitEvent[Retrying](h).Attempt)
	})
}

func TestAnotherClientOfTheIdentityIsNamedAndNotFoughtWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		// lose takes a connection away and returns what is said of that.
		lose := func(after time.Duration) (contested []IdentityContested, attempt int) {
			p := h.connected()
			time.Sleep(after)
			p.close()
			for {
				switch e := (<-h.events).(type) {
				case IdentityContested:
					contested = append(contested, e)
				case Retrying:
					return contested, e.Attempt
				}
			}
		}
		for i, want := range []struct {
			after     time.Duration
			contested []IdentityContested
		}{
			{100 * time.Millisecond, nil},
			{0, nil},
			{time.Second, []IdentityContested{{Losses: 3}}},
			{0, []IdentityContested{{Losses: 4}}},
			{contestedWithin, nil},
			{0, nil}, // counted in a row only
			{0, nil},
			{0, []IdentityContested{{Losses: 3}}},
		} {
			contested, attempt := lose(want.after)
			assert.Equal(t, want.contested, contested, "loss %d", i+1)
			assert.Equal(t, i+1, attempt, "the wait grows although CONNECT succeeds")
		}
	})
}

func TestAnEdgeHubThatDiesIsNotTakenForAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		for range 2 * contestedAfter {
			p := h.connected()
			h.setRefuse(syscall.ECONNREFUSED)
			p.close()
			awaitEvent[Disconnected](h)
			_, retrying := (<-h.events).(Retrying)
			assert.True(t, retrying, "nothing comes between the loss and the next attempt")
			h.setRefuse(nil)
		}
	})
}

func TestAnEdgeHubThatWasAwayBetweenTwoLossesIsNotTakenForAnotherClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		for range 2 * contestedAfter {
			h.connected().close()
			_, lost := (<-h.events).(Disconnected)
			require.True(t, lost)
			_, retrying := (<-h.events).(Retrying)
			assert.True(t, retrying, "nothing comes between the loss and the next attempt")
			h.setRefuse(syscall.ECONNREFUSED)
			awaitEvent[Retrying](h)
			h.setRefuse(nil)
		}
	})
}

func TestEventsDescribeThemselves(t *testing.T) {
	at := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for want, e := range map[string]Event{
		"connected (connection 1, session present: true)":                                          Connected{Connection: 1, SessionPresent: true, TokenExpires: at},
		"connection 2 took over with a new token, valid until 2026-05-04T03:02:01Z":                Connected{Connection: 2, Renewal: true, TokenExpires: at},
		"connection 1 ended after 1.5s: made by the test":                                          Disconnected{Connection: 1, After: 1500 * time.Millisecond, Err: errTest},
		"connecting again in 2s (attempt 3): made by the test":                                     Retrying{Err: errTest, Attempt: 3, In: 2 * time.Second},
		"renewing the token again in 2s, it expires at 2026-05-04T03:02:01Z: made by the test":     RenewalFailed{Err: errTest, In: 2 * time.Second, TokenExpires: at},
		"another client uses this identity: 3 connections in a row were taken away within seconds": IdentityContested{Losses: 3},
		"the wall clock jumped by -2m0s, renewing the token":                                       ClockJumped{By: -2 * time.Minute},
		`ignored a packet on topic "t": why`:                                                       PacketIgnored{Topic: "t", Reason: "why"},
	} {
		assert.Equal(t, want, e.String())
	}
}
