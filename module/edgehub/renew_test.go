package edgehub

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answerPings keeps a connection alive until it ends, and passes everything else to rest.
func (p *peer) answerPings() {
	rest := make(chan packets.ControlPacket, cap(p.got))
	got := p.got
	p.got = rest
	go func() {
		defer close(rest)
		for packet := range got {
			if _, ping := packet.(*packets.PingreqPacket); ping {
				_ = pingresp().Write(p.link)
				continue
			}
			rest <- packet
		}
	}()
}

func TestTheTokenIsRenewedByATakeoverBeforeItExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		began := time.Now()
		old := h.connected()
		old.answerPings()

		next := h.next()
		age := time.Since(began)
		assert.GreaterOrEqual(t, age, time.Duration(0.72*float64(time.Hour)))
		assert.LessOrEqual(t, age, time.Duration(0.88*float64(time.Hour)))
		connect := next.acceptConnect(true)
		token, err := ParseSASToken(string(connect.Password))
		require.NoError(t, err)
		assert.Equal(t, time.Now().Add(time.Hour).Unix(), token.Expires)

		// Until edgeHub closes it, inputs may come over the old connection too.
		old.input("in", "over the old one")
		next.input("in", "over the new one")
		assert.ElementsMatch(t, []uint64{1, 2}, []uint64{(<-h.inputs).Connection, (<-h.inputs).Connection})

		next.grantAll()
		connected := awaitEvent[Connected](h)
		assert.True(t, connected.Renewal)
		assert.EqualValues(t, 2, connected.Connection)
		for _, packet := range old.expectClosed() {
			assert.Failf(t, "sent over the old connection", "%v", packet)
		}
		assert.Empty(t, h.events, "nothing was lost")
	})
}

func TestTheTrustBundleIsFetchedAtEachConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		credentials := &testCredentials{}
		h := run(t, func(c *Config) { c.Identity.credentials = credentials })
		h.connected().close()
		h.connected().answerPings()
		h.accept()
		assert.True(t, awaitEvent[Connected](h).Renewal)
		assert.Equal(t, 3, credentials.trusted)
		assert.Equal(t, 3, credentials.signed)
	})
}

func TestPublishesWaitForTheNewConnectionWhileTheOldOneDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		old := h.connected()
		old.answerPings()
		got := make(outcomes, 10)
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), got.of("a")))
		h.clock.set(time.Hour)
		outstanding := expect[*packets.PublishPacket](old)

		next := h.next() // its TLS stands, but CONNECT waits for the PUBACK
		synctest.Wait()
		assert.Empty(t, next.got)
		published := make(chan error, 1)
		go func() { published <- h.client.Publish(t.Context(), "out", text("b"), got.of("b")) }()
		synctest.Wait()
		assert.Empty(t, published)
		assert.Empty(t, old.got)

		old.puback(outstanding.MessageID)
		next.acceptConnect(true)
		assert.Equal(t, []string{"a"}, got.all())
		next.grantAll()
		require.NoError(t, <-published)
		assert.Equal(t, "b", string(expect[*packets.PublishPacket](next).Payload))
	})
}

func TestWhatIsNotAcknowledgedInTimeIsLostAndNothingOvertakesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		old := h.connected()
		old.answerPings()
		got := make(outcomes, 10)
		for _, name := range []string{"a", "b"} {
			require.NoError(t, h.client.Publish(t.Context(), "out", text(name), got.of(name)))
		}
		h.clock.set(time.Hour)
		next := h.next()
		synctest.Wait()
		waited := make(chan error, 1)
		go func() { waited <- h.client.Publish(t.Context(), "out", text("c"), got.of("c")) }()
		synctest.Wait()
		began := time.Now()
		next.acceptConnect(true)
		assert.Equal(t, drainTimeout, time.Since(began))
		old.puback(expect[*packets.PublishPacket](old).MessageID) // still in time
		synctest.Wait()
		old.close() // as edgeHub does
		next.grantAll()
		assert.ErrorIs(t, <-waited, ErrConnectionLost, "c would overtake b, which its caller sends again")
		assert.Equal(t, []string{"a", "b lost"}, got.all())
		require.NoError(t, h.client.Publish(t.Context(), "out", text("b"), got.of("b")))
		next.puback(expect[*packets.PublishPacket](next).MessageID)
		synctest.Wait()
		assert.Equal(t, []string{"b"}, got.all())
	})
}

func TestATwinRequestIsPartOfWhatIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		old := h.connected()
		old.answerPings()
		request, outcome := ask(old, h.getTwin(t.Context()))
		h.clock.set(time.Hour)
		next := h.next()
		synctest.Wait()
		assert.Empty(t, next.got)
		answer(old, request, 200, "{}")
		assert.NoError(t, (<-outcome).err)
		next.acceptConnect(true)
		next.grantAll()
		awaitEvent[Connected](h)
	})
}

func TestASignThatFailsKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		credentials := &testCredentials{}
		h := run(t, func(c *Config) { c.Identity.credentials = credentials })
		p := h.connected()
		p.answerPings()
		credentials.fail(errTest)
		for range 5 {
			failed := awaitEvent[RenewalFailed](h)
			assert.ErrorIs(t, failed.Err, errTest)
			require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), nil))
			expect[*packets.PublishPacket](p)
		}
		credentials.fail(nil)
		h.accept()
		assert.True(t, awaitEvent[Connected](h).Renewal)
	})
}

func TestARefusedRenewalKeepsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.answerPings()
		h.next().refuseConnect(5)
		failed := awaitEvent[RenewalFailed](h)
		assert.Equal(t, &RefusedError{Code: 5}, failed.Err)
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), nil))
		expect[*packets.PublishPacket](p)
	})
}

func TestALossDuringARenewalIsAnOrdinaryLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		old := h.connected()
		old.answerPings()
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), nil))
		h.clock.set(time.Hour)
		next := h.next()
		old.close()
		assert.Empty(t, next.expectClosed(), "no CONNECT was sent")
		awaitEvent[Disconnected](h)
		h.accept()
		assert.False(t, awaitEvent[Connected](h).Renewal)
	})
}

func TestStoppingInTheMiddleOfARenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		old := h.connected()
		old.answerPings()
		next := h.next()
		expect[*packets.ConnectPacket](next)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		published := make(chan error, 1)
		go func() { published <- h.client.Publish(ctx, "out", text("a"), nil) }()
		synctest.Wait()
		h.stop()
		assert.ErrorIs(t, <-published, ErrNotConnected)
		next.expectClosed()
		before := old.expectClosed()
		require.Len(t, before, 1)
		assert.IsType(t, &packets.DisconnectPacket{}, before[0])
	})
}

func TestAJumpOfTheWallClockRenewsAtOnce(t *testing.T) {
	for name, by := range map[string]time.Duration{"forward": 3 * time.Hour, "backward": -3 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := run(t, nil)
				h.connected().answerPings()
				h.clock.set(50 * time.Second) // not worth a renewal
				time.Sleep(time.Minute)
				assert.Empty(t, h.events)

				h.clock.set(by)
				began := time.Now()
				p := h.next()
				assert.LessOrEqual(t, time.Since(began), clockInterval)
				token, err := ParseSASToken(string(p.acceptConnect(true).Password))
				require.NoError(t, err)
				assert.Equal(t, time.Now().Add(by+time.Hour).Unix(), token.Expires)
				p.grantAll()
				p.answerPings()
				assert.InDelta(t, by.Seconds(), awaitEvent[ClockJumped](h).By.Seconds(), 1)
				assert.True(t, awaitEvent[Connected](h).Renewal)
				time.Sleep(time.Minute)
				assert.Empty(t, h.events, "once is enough")
			})
		})
	}
}

func TestAJumpIsToldOnceHoweverOftenItsRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		credentials := &testCredentials{}
		h := run(t, func(c *Config) { c.Identity.credentials = credentials })
		h.connected().answerPings()
		credentials.fail(errTest)
		h.clock.set(time.Hour)
		awaitEvent[ClockJumped](h)
		time.Sleep(10 * time.Minute)
		failures := len(h.events)
		assert.Greater(t, failures, 5)
		assert.Less(t, failures, 60, "renewals have their backoff")
		for range failures {
			assert.IsType(t, RenewalFailed{}, <-h.events)
		}
	})
}

func TestAClockThatStartsInThePastConnectsOnceItIsSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		h.clock.set(time.Until(time.Unix(0, 0)))
		for range 10 { // edgeHub finds the token expired
			h.next().refuseConnect(5)
			assert.Equal(t, &RefusedError{Code: 5}, awaitEvent[Retrying](h).Err)
		}
		h.clock.set(0)
		began := time.Now()
		p := h.next()
		assert.LessOrEqual(t, time.Since(began), defaultBackoffMax)
		token, err := ParseSASToken(string(p.acceptConnect(true).Password))
		require.NoError(t, err)
		assert.Equal(t, time.Now().Add(time.Hour).Unix(), token.Expires)
		p.grantAll()
		awaitEvent[Connected](h)
	})
}
