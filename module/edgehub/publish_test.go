package edgehub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func text(s string) Message { return Message{Body: []byte(s)} }

// outcomes collects what done functions are called with.
type outcomes chan string

func (o outcomes) of(name string) func(error) {
	return func(err error) {
		switch {
		case err == nil:
			o <- name
		case errors.Is(err, ErrConnectionLost):
			o <- name + " lost"
		default:
			o <- fmt.Sprint(name, " ", err)
		}
	}
}

func (o outcomes) all() (list []string) {
	synctest.Wait()
	for len(o) > 0 {
		list = append(list, <-o)
	}
	return list
}

func TestAPublishIsDoneByItsPuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		got := make(outcomes, 10)
		require.NoError(t, h.client.Publish(t.Context(), "alerts", Message{Body: []byte("21.5"), Properties: properties("$.ct", "text/plain")}, got.of("a")))
		require.NoError(t, h.client.Publish(t.Context(), "alerts", text("b"), nil), "nobody has to be told")
		require.NoError(t, h.client.Publish(t.Context(), "alerts", text("c"), got.of("c")))

		first := expect[*packets.PublishPacket](p)
		assert.Equal(t, "devices/edge-1/modules/filter/messages/events/%24.on=alerts&%24.ct=text%2Fplain/", first.TopicName)
		assert.Equal(t, "21.5", string(first.Payload))
		assert.EqualValues(t, 1, first.Qos)
		assert.Empty(t, got.all())

		p.puback(first.MessageID)
		assert.Equal(t, []string{"a"}, got.all())
		p.puback(expect[*packets.PublishPacket](p).MessageID)
		p.puback(expect[*packets.PublishPacket](p).MessageID)
		assert.Equal(t, []string{"c"}, got.all())
	})
}

func TestAPublishIsDoneByTheLossOfItsConnectionAndNeverSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		got := make(outcomes, 10)
		var reason error
		for _, name := range []string{"a", "b", "c"} {
			require.NoError(t, h.client.Publish(t.Context(), "out", text(name), got.of(name)))
		}
		require.NoError(t, h.client.Publish(t.Context(), "out", text("d"), func(err error) { reason = err }))
		p.puback(expect[*packets.PublishPacket](p).MessageID)
		synctest.Wait()
		p.close()
		assert.Equal(t, []string{"a", "b lost", "c lost"}, got.all())
		assert.ErrorIs(t, reason, io.EOF, "it says why")
		assert.ErrorIs(t, h.client.Publish(t.Context(), "out", text("e"), got.of("e")), ErrNotConnected)

		p = h.connected()
		time.Sleep(10 * time.Minute)
		for len(p.got) > 0 {
			assert.IsType(t, &packets.PingreqPacket{}, <-p.got)
		}
		assert.Empty(t, got.all(), "done is called once")
	})
}

func TestSendWaitsForThePuback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		sent := make(chan error, 1)
		go func() { sent <- h.client.Send(t.Context(), "out", text("a")) }()
		id := expect[*packets.PublishPacket](p).MessageID
		synctest.Wait()
		assert.Empty(t, sent)
		p.puback(id)
		assert.NoError(t, <-sent)

		go func() { sent <- h.client.Send(t.Context(), "out", text("b")) }()
		expect[*packets.PublishPacket](p)
		p.close()
		assert.ErrorIs(t, <-sent, ErrConnectionLost)

		h.connected()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, h.client.Send(ctx, "out", text("c")), context.DeadlineExceeded)
	})
}

func TestPublishWaitsWhileTheWindowIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.MaxUnacked = 2 })
		p := h.connected()
		returned := make(chan string, 10)
		for _, name := range []string{"a", "b", "c", "d"} {
			go func() {
				assert.NoError(t, h.client.Publish(t.Context(), "out", text(name), nil))
				returned <- name
			}()
			synctest.Wait()
		}
		assert.Len(t, returned, 2)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, h.client.Publish(ctx, "out", text("e"), nil), context.DeadlineExceeded)

		p.puback(expect[*packets.PublishPacket](p).MessageID)
		synctest.Wait()
		assert.Len(t, returned, 3, "one PUBACK lets one in")

		p.puback(expect[*packets.PublishPacket](p).MessageID)
		synctest.Wait()
		assert.Len(t, returned, 4)
	})
}

func TestThoseWhoWaitForTheWindowLearnOfTheLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.MaxUnacked = 1 })
		p := h.connected()
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), nil))
		returned := make(chan error, 10)
		for range 5 {
			go func() {
				returned <- h.client.Publish(t.Context(), "out", text("b"), func(error) { t.Error("done of a publish that failed") })
			}()
		}
		synctest.Wait()
		p.close()
		for range 5 {
			assert.ErrorIs(t, <-returned, ErrNotConnected)
		}
	})
}

func TestMemoryForAPeerThatDoesNotReadIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.next()
		p.acceptConnect(false)
		p.grantAll()
		awaitEvent[Connected](h)
		p.stopReading()

		var published int
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for h.client.Publish(ctx, "out", Message{Body: make([]byte, 10_000)}, nil) == nil {
			published++
		}
		assert.Less(t, published, 20, "Publish waits for room")

		lost := awaitEvent[Disconnected](h)
		assert.Equal(t, 90*time.Second, lost.After, "a peer that stalls is given up like one that is silent")
		assert.ErrorContains(t, lost.Err, "write packets")
	})
}

func TestATooLargeMessageIsNeverWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		err := h.client.Publish(t.Context(), "out", Message{Body: make([]byte, MaxPacket)}, func(error) { t.Error("done was called") })
		_, ok := errors.AsType[*TooLargeError](err)
		assert.True(t, ok)
		require.NoError(t, h.client.Publish(t.Context(), "out", text("next"), nil))
		assert.Equal(t, "next", string(expect[*packets.PublishPacket](p).Payload))
	})
}

func TestPublishBeforeRunIsNotConnected(t *testing.T) {
	assert.ErrorIs(t, testClient(t).Publish(t.Context(), "out", text("a"), nil), ErrNotConnected)
	_, err := testClient(t).Twin(t.Context())
	assert.ErrorIs(t, err, ErrNotConnected)
	assert.ErrorIs(t, testClient(t).Report(t.Context(), []byte("{}")), ErrNotConnected)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, testClient(t).WaitConnected(ctx), context.Canceled)
}

func TestTheCallerMayReuseItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		buffer := []byte("first")
		require.NoError(t, h.client.Publish(t.Context(), "out", Message{Body: buffer}, nil))
		copy(buffer, "XXXXX")
		assert.Equal(t, "first", string(expect[*packets.PublishPacket](p).Payload))
	})
}
