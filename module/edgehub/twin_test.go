package edgehub

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask calls get in a goroutine and returns the request that edgeHub sees, and the outcome.
func ask[T any](p *peer, get func() T) (request *packets.PublishPacket, outcome <-chan T) {
	result := make(chan T, 1)
	go func() { result <- get() }()
	return expect[*packets.PublishPacket](p), result
}

type twinOutcome struct {
	twin Twin
	err  error
}

func (h *harness) getTwin(ctx context.Context) func() twinOutcome {
	return func() twinOutcome {
		twin, err := h.client.Twin(ctx)
		return twinOutcome{twin, err}
	}
}

func answer(p *peer, request *packets.PublishPacket, status int, body string) {
	p.t.Helper()
	rid, ok := ParseTwinGetTopic(request.TopicName)
	if !ok {
		rid, ok = ParseTwinReportTopic(request.TopicName)
	}
	require.True(p.t, ok, request.TopicName)
	p.publish(0, TwinResponseTopic(status, rid), body)
}

func TestTwinIsAskedForAndRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		request, outcome := ask(p, h.getTwin(t.Context()))
		assert.True(t, strings.HasPrefix(request.TopicName, "$iothub/twin/GET/?$rid="))
		assert.Empty(t, request.Payload)
		assert.EqualValues(t, 0, request.Qos)

		answer(p, request, 200, `{"desired":{"a":1,"$version":7},"reported":{"b":2,"$version":3}}`)
		got := <-outcome
		require.NoError(t, got.err)
		assert.JSONEq(t, `{"a":1,"$version":7}`, string(got.twin.Desired))
		assert.JSONEq(t, `{"b":2,"$version":3}`, string(got.twin.Reported))
		assert.EqualValues(t, 7, got.twin.Version)
	})
}

func TestATwinOfAnOfflineEdgeHubIsUnknownNotEmpty(t *testing.T) {
	for _, body := range []string{`{}`, `{"desired":{},"reported":{}}`, `{"desired":null,"reported":null}`, `null`} {
		twin, err := parseTwin([]byte(body))
		require.NoError(t, err, body)
		assert.Zero(t, twin.Version)
		assert.JSONEq(t, "{}", string(twin.Desired))
		assert.JSONEq(t, "{}", string(twin.Reported))
	}
}

func TestAnswersThatAreNoTwinAreErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		for body, want := range map[string]string{
			"":                             "read twin: unexpected end of JSON input",
			"nonsense":                     "read twin: invalid character",
			"[]":                           "read twin: json: cannot unmarshal",
			`{"desired":1}`:                "read twin: desired: ",
			`{"desired":{"$version":"x"}}`: "read twin: desired: ",
		} {
			request, outcome := ask(p, h.getTwin(t.Context()))
			answer(p, request, 200, body)
			assert.ErrorContains(t, (<-outcome).err, want, body)
		}
		for _, status := range []int{429, 500} {
			request, outcome := ask(p, h.getTwin(t.Context()))
			answer(p, request, status, "")
			var statusError *StatusError
			require.ErrorAs(t, (<-outcome).err, &statusError)
			assert.Equal(t, status, statusError.Status)
		}
	})
}

func TestATwinThatBlocksForAMinuteIsWaitedForAndNothingElseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		request, outcome := ask(p, h.getTwin(t.Context()))
		got := make(outcomes, 1)
		require.NoError(t, h.client.Publish(t.Context(), "out", text("a"), got.of("a")))
		p.input("in", "b")
		(<-h.inputs).Ack()
		time.Sleep(61 * time.Second) // edgeHub acknowledges no publish behind the GET, nor answers pings
		assert.Empty(t, got.all())
		assert.Empty(t, h.events, "the connection stands")
		answer(p, request, 200, `{"desired":{"$version":1}}`)
		assert.NoError(t, (<-outcome).err)
	})
}

func TestATwinRequestEndsAfter90SecondsAndItsLateAnswerIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.KeepAlive = 10 * time.Minute })
		p := h.connected()
		began := time.Now()
		first, outcome := ask(p, h.getTwin(t.Context()))
		assert.ErrorIs(t, (<-outcome).err, context.DeadlineExceeded)
		assert.Equal(t, 90*time.Second, time.Since(began))

		second, outcome := ask(p, h.getTwin(t.Context()))
		assert.NotEqual(t, first.TopicName, second.TopicName, "an rid is used once")
		answer(p, first, 200, `{"desired":{"old":1,"$version":1}}`)
		assert.Equal(t, "nobody waits for this answer", awaitEvent[PacketIgnored](h).Reason)
		answer(p, second, 200, `{"desired":{"$version":2}}`)
		assert.EqualValues(t, 2, (<-outcome).twin.Version)
	})
}

func TestTwinRequestsEndWithTheirConnectionAndTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		ctx, cancel := context.WithCancel(t.Context())
		_, outcome := ask(p, h.getTwin(ctx))
		cancel()
		assert.ErrorIs(t, (<-outcome).err, context.Canceled)

		_, outcome = ask(p, h.getTwin(t.Context()))
		_, reported := ask(p, func() error { return h.client.Report(t.Context(), []byte("{}")) })
		p.close()
		assert.ErrorIs(t, (<-outcome).err, ErrConnectionLost)
		assert.ErrorIs(t, <-reported, ErrConnectionLost)
	})
}

func TestReportWaitsFor204(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		report := func() error { return h.client.Report(t.Context(), []byte(`{ "a": 1 }`)) }
		request, outcome := ask(p, report)
		assert.True(t, strings.HasPrefix(request.TopicName, "$iothub/twin/PATCH/properties/reported/?$rid="))
		assert.Equal(t, `{"a":1}`, string(request.Payload))
		answer(p, request, 204, "")
		assert.NoError(t, <-outcome)

		request, outcome = ask(p, report)
		answer(p, request, 400, "")
		assert.EqualError(t, <-outcome, "report: edgeHub answered status 400")

		assert.ErrorContains(t, h.client.Report(t.Context(), []byte(`{"a b":1}`)), "report: reported patch")
		synctest.Wait()
		assert.Empty(t, p.got, "what edgeHub would refuse is not sent")
	})
}

func TestDesiredPatchesComeAsTheyAre(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, nil)
		p := h.connected()
		p.publish(0, DesiredTopic(8), `{"a":null,"$version":8}`)
		p.publish(0, "$iothub/twin/PATCH/properties/desired/", `not even JSON`)
		assert.Equal(t, `{"a":null,"$version":8}`, <-h.desired)
		assert.Equal(t, `not even JSON`, <-h.desired, "it is for the caller to judge, who asks for the twin anew")
	})
}

func FuzzTwin(f *testing.F) {
	f.Add([]byte(`{"desired":{"$version":1,"$metadata":{}},"reported":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if twin, err := parseTwin(body); err == nil {
			assert.NotEmpty(t, twin.Desired)
			assert.NotEmpty(t, twin.Reported)
		}
	})
}
