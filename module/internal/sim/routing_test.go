package sim

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// jsonBody are the properties without which edgeHub does not look into a body.
var jsonBody = edgehub.Properties{{Name: "$.ct", Value: "application/json"}, {Name: "$.ce", Value: "utf-8"}}

func TestRouteTakesTheMessagesThatMeetItsCondition(t *testing.T) {
	hot := edgehub.Message{Body: []byte(`{"machine":{"temperature":31}}`), Properties: append(edgehub.Properties{
		{Name: "Level", Value: "3"}, {Name: "$.mid", Value: "m-1"}, {Name: "$.sub", Value: "part"},
	}, jsonBody...)}
	for condition, takes := range map[string]bool{
		`$body.machine.temperature > 30`:                                                                      true,
		`$body.machine.temperature < 30`:                                                                      false,
		`as_number(level) = 3 and $contentType = 'application/json'`:                                          true,
		`$messageId = 'm-1' and {$dt-subject} = 'part'`:                                                       true,
		`$outputName = 'out' and $connectionModuleId = 'source' and $connectionDeviceId = '` + deviceID + `'`: true,
		`$edgeHubOriginInterface = 'internal'`:                                                                true,
		`$.mid = 'm-1'`:                                                                                       false, // it is not called so
		`is_defined(nothing)`:                                                                                 false,
		`nothing <> 'x'`:                                                                                      false, // undefined is not met
	} {
		var up cloud
		h := start(t, Config{Manifest: deployment(t, `FROM /messages/modules/source/* WHERE `+condition+` INTO $upstream`), Observer: up.observer()})
		require.NoError(t, h.Publish(t.Context(), "source", "out", hot))
		assert.Equal(t, takes, len(up.all()) == 1, condition)
	}
}

func TestMessageFollowsTheFirstRouteIntoASinkWhoseConditionItMeets(t *testing.T) {
	const into = ` INTO BrokeredEndpoint("/modules/filter/inputs/in")`
	m := deployment(t, `FROM /messages/* WHERE urgent = 'yes'`+into, `FROM /messages/*`+into)
	m.Routes[0].Priority = 0
	h := start(t, Config{Manifest: m})
	for _, urgent := range []string{"no", "no", "yes"} {
		message := edgehub.Message{Body: []byte(urgent), Properties: edgehub.Properties{{Name: "urgent", Value: urgent}}}
		require.NoError(t, h.Publish(t.Context(), "source", "out", message))
	}
	c, _ := connect(t, h, "filter")
	c.subscribe(1, edgehub.InputsFilter(deviceID, "filter"))
	for _, want := range []string{"no", "yes", "no"} { // the first was read before there was another
		assert.Equal(t, want, string(c.published().Payload))
		c.ack()
	}
}

func TestBodyThatCannotBeLookedIntoIsWarnedOfOnce(t *testing.T) {
	var log bytes.Buffer
	h, err := New(Config{Dir: shortDir(t), Manifest: deployment(t, `FROM /* WHERE $body.a = 1 INTO $upstream`), Log: zerolog.New(&log)})
	require.NoError(t, err)
	defer h.closeListeners()
	for range 2 {
		require.NoError(t, h.Publish(t.Context(), "source", "out", edgehub.Message{Body: []byte(`{"a":1}`)}))
	}
	assert.Equal(t, 1, strings.Count(log.String(), "look into body: the message has no content encoding"))
	assert.Equal(t, int64(2), h.Stats().Modules["source"].Dropped)
}

func TestMessageThatEdgeHubCannotHandleIsAcknowledgedAndThrownAway(t *testing.T) {
	many := strings.Repeat("x", 20)
	var crowd edgehub.Properties
	for i := range many {
		crowd = append(crowd, struct{ Name, Value string }{many[:i+1], ""})
	}
	for name, c := range map[string]struct {
		topic, body string
		taken       bool
	}{
		"names that differ":                 {output("filter", "o", crowd...), "", true},
		"names that differ in case":         {output("filter", "o", struct{ Name, Value string }{"Level", "1"}, struct{ Name, Value string }{"level", "2"}), "", false},
		"many, and two that differ in case": {output("filter", "o", append(crowd, struct{ Name, Value string }{"X", ""})...), "", false},
		"a system property in two cases":    {output("filter", "o", struct{ Name, Value string }{"$.ct", "1"}, struct{ Name, Value string }{"$.CT", "2"}), "", true},
		"as large as may be":                {output("filter", "o"), strings.Repeat("x", edgehub.MaxMessage-115-len(deviceID)-len("filter")-len("outputNameo")), true},
		"larger":                            {output("filter", "o"), strings.Repeat("x", edgehub.MaxMessage-115-len(deviceID)-len("filter")-len("outputNameo")+1), false},
		"a topic as long as may be":         {longTopic(edgehub.MaxTopic), "", true},
		"a longer topic":                    {longTopic(edgehub.MaxTopic + 1), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			var up cloud
			h := start(t, Config{Manifest: deployment(t, filterToUpstream), Observer: up.observer()})
			filter, _ := connect(t, h, "filter")
			filter.publish(1, 5, c.topic, c.body)
			assert.EqualValues(t, 5, filter.puback())
			assert.Equal(t, c.taken, len(up.all()) == 1)
			assert.Equal(t, c.taken, h.Stats().Modules["filter"].Discarded == 0)
		})
	}
}

// longTopic is an output's topic of so many bytes.
func longTopic(length int) string {
	short := output("filter", "o", struct{ Name, Value string }{"a", ""})
	return output("filter", "o", struct{ Name, Value string }{"a", strings.Repeat("x", length-len(short))})
}

func TestSenderMaySayAtWhichQoSItsMessageIsDelivered(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	filter := join(t, h, "filter")
	for value, qos := range map[string]byte{"0": 0, "1": 1, "2": 1, "x": 1, "10": 1} {
		m := edgehub.Message{Properties: edgehub.Properties{{Name: "mqtt-qos", Value: value}}}
		require.NoError(t, h.Publish(t.Context(), "source", "out", m))
		assert.Equal(t, qos, filter.published().Qos, value)
		if qos == 1 {
			filter.ack()
		}
	}
	require.NoError(t, h.WaitIdle(t.Context()), "what goes at QoS 0 is done with")
}

func TestMessageWithAnEmptyQoSClosesTheConnectionAndComesAgain(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		m := edgehub.Message{Properties: edgehub.Properties{{Name: "mqtt-qos", Value: ""}}}
		require.NoError(t, h.Publish(t.Context(), "source", "out", m))
		c.closed()
		synctest.Wait() // the hub has noticed
		c = dial()
		c.connect(connectPacket(h, "filter"))
		after(t, 31*time.Second, c.closed)
	})
}
