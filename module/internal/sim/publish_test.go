package sim

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// cloud collects what reaches $upstream.
type cloud struct {
	mu       sync.Mutex
	messages []Upstream
}

func (c *cloud) observer() Observer {
	return Observer{Upstream: func(m Upstream) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.messages = append(c.messages, m)
	}}
}

func (c *cloud) all() []Upstream {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.messages
}

func TestOutputIsAcknowledgedOnceItIsStored(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	c.publish(1, 46118, "devices/"+deviceID+"/modules/filter/messages/events/%24.on=alerts&%24.ct=application%2Fjson&city=M%C3%BCn%2Fx&a%2Bb=c%2Bd/", "body")
	assert.EqualValues(t, 46118, c.puback())

	require.Len(t, up.all(), 1)
	m := up.all()[0]
	assert.Equal(t, "filter", m.Module)
	assert.Equal(t, "alerts", m.Output)
	assert.Equal(t, "body", string(m.Message.Body))
	assert.Equal(t, edgehub.Properties{{Name: "$.ct", Value: "application/json"}, {Name: "city", Value: "Mün/x"}, {Name: "a+b", Value: "c+d"}}, m.Message.Properties)
	assert.False(t, m.Time.IsZero())
	assert.EqualValues(t, 1, h.Stats().Modules["filter"].Upstream)
}

func TestMessageGoesOnceToEachSinkThatRoutesLeadTo(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream, `FROM /messages/* INTO $upstream`, `FROM /messages/modules/filter/* INTO BrokeredEndpoint("/modules/sink/inputs/in")`), Observer: up.observer()})
	sink := join(t, h, "sink")
	c, _ := connect(t, h, "filter")
	c.publish(1, 1, output("filter", "o"), "x")
	c.puback()
	assert.Len(t, up.all(), 1)
	sink.published()
	sink.nothing()
}

func TestPublishesAreAcknowledgedInOrder(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, filterToUpstream)})
	c, _ := connect(t, h, "filter")
	for id := range uint16(300) { // more than may wait for their turn
		c.publish(1, id+1, output("filter", "o"), "x")
	}
	for id := range uint16(300) {
		require.Equal(t, id+1, c.puback())
	}
}

func TestPublishAtQoS0IsRoutedAndNotAcknowledged(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	c.publish(0, 0, output("filter", "o"), "first")
	c.publish(1, 1, output("filter", "o"), "second")
	assert.EqualValues(t, 1, c.puback())
	assert.Len(t, up.all(), 2)
}

func TestWhatEdgeHubCannotReadOrRouteIsAcknowledgedAndThrownAway(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, `FROM /messages/modules/filter/outputs/o INTO $upstream`), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	prefix := "devices/" + deviceID + "/modules/filter/messages/events/"
	for i, topic := range []string{
		prefix + "%24.on=o&a=b=c/",
		prefix + "%24.on=o&=b/",
		prefix + "%24.on=o&%24.ct=a&%24.ct=b/",
		"devices/" + deviceID + "/modules/filter/inputs/in/",
		"anything",
		"$iothub/other",
		"$iothub/methods/other/?$rid=1",
		"$SYS/x",
	} {
		c.publish(1, uint16(i)+1, topic, "x")
		assert.EqualValues(t, i+1, c.puback(), topic)
	}
	c.publish(1, 99, output("filter", "unrouted"), "x")
	assert.EqualValues(t, 99, c.puback())

	assert.Empty(t, up.all())
	stats := h.Stats().Modules["filter"]
	assert.EqualValues(t, 8, stats.Discarded)
	assert.EqualValues(t, 1, stats.Dropped)
	assert.EqualValues(t, 1, stats.Received)
}

func TestMessageWhoseTopicWouldNotFitAnInputIsThrownAway(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c, _ := connect(t, h, "source")
	topic := output("source", "out", struct{ Name, Value string }{"a", strings.Repeat("x", maxTopic-80)})
	require.LessOrEqual(t, len(topic), maxTopic)
	c.publish(1, 1, topic, "x")
	assert.EqualValues(t, 1, c.puback())
	require.NoError(t, h.WaitIdle(t.Context()))
	assert.EqualValues(t, 1, h.Stats().Modules["source"].Discarded)
}

func TestFlagsOfAPublishBecomeProperties(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	p := publishPacket(1, 1, output("filter", "o"), "x")
	p.Dup, p.Retain = true, true
	c.send(p)
	c.puback()
	assert.Equal(t, edgehub.Properties{{Name: "mqtt-retain", Value: "true"}, {Name: "mqtt-dup", Value: "true"}}, up.all()[0].Message.Properties)
}

func TestUnknownOperationsOnTheTwinCloseTheConnection(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	for _, topic := range []string{"$iothub/twin/GET/", "$iothub/twin/GET/?$rid=", "$iothub/twin/GET/x/?$rid=1", "$iothub/twin/PATCH/properties/reported/x/?$rid=1", "$iothub/twin/DELETE/?$rid=1"} {
		c, _ := connect(t, h, "filter")
		c.publish(1, 1, topic, "")
		c.closed()
	}
}

func TestFullInputHoldsBackItsSenders(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), QueueLimit: 2})
	filter := join(t, h, "filter")
	source, _ := connect(t, h, "source")
	for id := range uint16(4) {
		source.publish(1, id+1, output("source", "out"), fmt.Sprint(id))
	}
	assert.EqualValues(t, 1, source.puback())
	assert.EqualValues(t, 2, source.puback())
	source.nothing() // 3 waits; pings do not
	filter.published()
	filter.ack()
	assert.EqualValues(t, 3, source.puback())

	ctx, cancel := context.WithCancel(t.Context())
	blocked := make(chan error)
	go func() { blocked <- h.Publish(ctx, "source", "out", edgehub.Message{}) }()
	cancel()
	require.ErrorIs(t, <-blocked, context.Canceled)
}

func TestGoodbyeComesAfterWhatWasSentBefore(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	for range 50 {
		c.publish(0, 0, output("filter", "o"), "x")
	}
	c.send(packets.NewControlPacket(packets.Disconnect))
	c.closed()
	assert.Len(t, up.all(), 50)
}

func TestAcknowledgementsAreWithheldOnDemand(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
	c, _ := connect(t, h, "filter")
	require.NoError(t, h.HoldAcks("filter", true))
	c.publish(1, 1, output("filter", "o"), "x")
	c.publish(1, 2, output("filter", "o"), "y")
	require.Eventually(t, func() bool { return len(up.all()) == 2 }, patience, time.Millisecond)
	c.nothing()
	require.NoError(t, h.HoldAcks("filter", false))
	assert.EqualValues(t, 1, c.puback())
	assert.EqualValues(t, 2, c.puback())
	require.ErrorIs(t, h.HoldAcks("nobody", true), ErrNoModule)
}

func TestPublishNamesAModuleOfTheDeployment(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	require.EqualError(t, h.Publish(t.Context(), "nobody", "o", edgehub.Message{}), `publish: no such module in the deployment: "nobody"`)
}
