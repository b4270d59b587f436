package sim

import (
	"bufio"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

// make makes a fault about the module "filter".
func makeFault(t *testing.T, h *Hub, line string) string {
	t.Helper()
	made, err := h.Fault(t.Context(), "filter", line)
	require.NoError(t, err)
	return made
}

// inBubble runs a test with a module "filter" that has a session.
func inBubble(t *testing.T, cfg Config, test func(t *testing.T, h *Hub, c *client, dial func() *client)) {
	t.Helper()
	bubble(t, cfg, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		p := connectPacket(h, "filter")
		p.Keepalive = 0
		c.connect(p)
		c.subscribeAll("filter")
		test(t, h, c, dial)
	})
}

func TestAcknowledgementsComeLate(t *testing.T) {
	inBubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, c *client, _ func() *client) {
		makeFault(t, h, "delay-acks 2s")
		c.publish(1, 5, output("filter", "out"), "")
		after(t, 2*time.Second, func() { assert.EqualValues(t, 5, c.puback()) })
		c.publish(1, 6, output("filter", "out"), "")
		synctest.Wait()
		makeFault(t, h, "delay-acks 0s")
		c.publish(1, 7, output("filter", "out"), "")
		after(t, 2*time.Second, func() { assert.EqualValues(t, 6, c.puback()) })
		assert.EqualValues(t, 7, c.puback(), "which does not overtake the other")
	})
}

func TestAnswersOfTheTwinAreHeldAndLetGo(t *testing.T) {
	inBubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, c *client, _ func() *client) {
		makeFault(t, h, "hold-twin filter")
		c.publish(0, 0, edgehub.TwinGetTopic("1"), "")
		c.publish(1, 5, output("filter", "out"), "")
		assert.EqualValues(t, 5, c.puback(), "acknowledgements are not held")
		makeFault(t, h, "release-twin")
		assert.Equal(t, edgehub.TwinResponseTopic(200, "1"), c.published().TopicName)
		makeFault(t, h, "delay-twin 3s")
		c.publish(0, 0, edgehub.TwinGetTopic("2"), "")
		after(t, 3*time.Second, func() { c.published() })
	})
}

func TestOfflineTwinGetHoldsUpWhatComesAfterIt(t *testing.T) {
	inBubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, c *client, _ func() *client) {
		makeFault(t, h, "offline")
		c.publish(0, 0, edgehub.TwinGetTopic("1"), "")
		c.publish(1, 5, output("filter", "out"), "")
		after(t, 20*time.Second, func() {
			assert.JSONEq(t, `{"desired":{},"reported":{}}`, string(c.published().Payload), "edgeHub never had the twin")
		})
		after(t, 0, func() { assert.EqualValues(t, 5, c.puback()) })

		c.publish(0, 0, edgehub.TwinGetTopic("2"), "")
		synctest.Wait()
		makeFault(t, h, "online")
		after(t, 0, func() { assert.Contains(t, string(c.published().Payload), `"limit":25`) })
	})
}

func TestChangesOfTheTwinArriveInOnePatchWhenTheHubIsOnlineAgain(t *testing.T) {
	inBubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, c *client, _ func() *client) {
		get := func(rid string) string {
			c.publish(0, 0, edgehub.TwinGetTopic(rid), "")
			return string(c.published().Payload)
		}
		get("1")
		makeFault(t, h, "offline 1s")
		for _, patch := range []string{`{"limit":30}`, `{"limit":31,"nested":null}`} {
			_, err := h.PatchDesired("filter", []byte(patch))
			require.NoError(t, err)
		}
		assert.Contains(t, get("2"), `"$version":1`, "which is what edgeHub has")
		makeFault(t, h, "online")
		p := c.published()
		assert.Equal(t, edgehub.DesiredTopic(3), p.TopicName)
		assert.JSONEq(t, `{"limit":31,"nested":null,"$version":3}`, string(p.Payload))
		assert.Contains(t, get("3"), `"limit":31`)
	})
}

func TestMessagesForUpstreamWaitInOrderWhileTheHubIsOffline(t *testing.T) {
	var up cloud
	m := deployment(t, filterToUpstream, `FROM /messages/modules/filter/outputs/old INTO $upstream`)
	m.Routes[1].Priority, m.Routes[1].TimeToLive = 0, time.Minute
	inBubble(t, Config{Manifest: m, Observer: up.observer()}, func(t *testing.T, h *Hub, c *client, _ func() *client) {
		makeFault(t, h, "offline")
		c.publish(1, 1, output("filter", "old"), "expires")
		c.puback()
		time.Sleep(2 * time.Minute)
		for _, body := range []string{"1", "2", "3"} {
			c.publish(1, 5, output("filter", "out"), body)
			assert.EqualValues(t, 5, c.puback(), "edgeHub has stored it")
		}
		assert.Empty(t, up.all())
		assert.Zero(t, h.Stats().Modules["filter"].Upstream)
		makeFault(t, h, "online")
		var bodies []string
		for _, m := range up.all() {
			bodies = append(bodies, string(m.Message.Body))
		}
		assert.Equal(t, []string{"1", "2", "3"}, bodies)
		c.publish(1, 6, output("filter", "out"), "4")
		c.puback()
		assert.Len(t, up.all(), 4)
	})
}

func TestWhatWaitsForUpstreamSurvivesTheHub(t *testing.T) {
	var up cloud
	h := start(t, Config{Manifest: deployment(t, filterToUpstream), Keep: true, Observer: up.observer()})
	h.Offline(0)
	for n := range 25 {
		require.NoError(t, h.Publish(t.Context(), "filter", "out", edgehub.Message{Body: []byte{byte(n)}, Properties: edgehub.Properties{{Name: "a", Value: "b"}}}))
	}
	require.NoError(t, h.flush())
	successor(t, h)
	require.Len(t, up.all(), 25)
	for n, m := range up.all() {
		assert.Equal(t, []byte{byte(n)}, m.Message.Body)
		assert.Equal(t, edgehub.Properties{{Name: "a", Value: "b"}}, m.Message.Properties)
		assert.Equal(t, "out", m.Output)
	}
}

func TestTwinIsServedWrongly(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	_, err := h.PatchDesired("filter", []byte(`{"limit":30}`))
	require.NoError(t, err)
	c.published()
	for kind, want := range map[string]string{
		"stale":       `{"desired":{"$version":1,"limit":25,"nested":{"a":1.50}},"reported":{"$version":1}}`,
		"empty":       `{"desired":{},"reported":{}}`,
		"unversioned": `{"desired":{"limit":30,"nested":{"a":1.50}},"reported":{}}`,
		"true":        `{"desired":{"$version":2,"limit":30,"nested":{"a":1.50}},"reported":{"$version":1}}`,
	} {
		makeFault(t, h, "twin "+kind)
		c.publish(0, 0, edgehub.TwinGetTopic("1"), "")
		assert.JSONEq(t, want, string(c.published().Payload), kind)
	}
}

func TestExpiredTokenLetsNobodyInAgain(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	packet := connectPacket(h, "filter")
	c := dial(t, h)
	c.connect(packet)
	assert.Empty(t, makeFault(t, h, "expire-token"))
	c.closed()
	c = dial(t, h)
	c.send(packet)
	assert.EqualValues(t, packets.ErrRefusedNotAuthorised, c.connack().ReturnCode)
	packet.Password = []byte(token(iotHub, deviceID, "filter", h.peers["filter"].key, time.Now().Add(2*time.Hour)))
	c = dial(t, h)
	c.connect(packet)
}

func TestInputIsRepeated(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c := join(t, h, "filter")
	assert.NotEmpty(t, makeFault(t, h, "repeat in"))
	feed(t, h, "out", 1)
	first := c.published()
	c.ack()
	require.NoError(t, h.WaitIdle(t.Context()))
	assert.Empty(t, makeFault(t, h, "repeat in"))
	again := c.published()
	assert.Equal(t, first.TopicName, again.TopicName)
	assert.Equal(t, first.Payload, again.Payload)
}

func TestRestartRepeatsWhatWasAcknowledgedSinceTheCheckpointAndForgetsBackoffs(t *testing.T) {
	inBubble(t, Config{Manifest: deployment(t, sourceToFilter)}, func(t *testing.T, h *Hub, c *client, dial func() *client) {
		feed(t, h, "out", 0, 1, 2, 3, 4)
		c.input()
		c.ack()
		for _, want := range []string{"1", "2"} { // of a batch of four
			assert.Equal(t, want, c.input())
			c.ack()
		}
		assert.Equal(t, "3", c.input())
		makeFault(t, h, "restart")
		c.closed()
		c = dial()
		assert.True(t, c.connect(connectPacket(h, "filter")), "the session is kept")
		after(t, time.Second, func() { assert.Equal(t, "1", c.input(), "which the new hub has tried in vain, once") })
		c.ack()
		for _, want := range []string{"2", "3", "4"} {
			assert.Equal(t, want, c.input())
			c.ack()
		}
		require.NoError(t, h.WaitIdle(t.Context()))
	})
}

func TestNobodyListensWhileTheHubRestarts(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t, sourceToFilter)})
	c := join(t, h, "filter")
	began := time.Now()
	makeFault(t, h, "restart 1s")
	c.closed()
	_, err := net.Dial("tcp", h.listener.Addr().String())
	require.Error(t, err)
	feed(t, h, "out", 1)
	assert.GreaterOrEqual(t, time.Since(began), time.Second, "sensors wait for it")
	c, _ = connect(t, h, "filter")
	assert.Equal(t, "1", c.input())

	makeFault(t, h, "close-listener 1s")
	c.nothing()
	_, err = net.Dial("tcp", h.listener.Addr().String())
	require.Error(t, err)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", h.listener.Addr().String())
		return err == nil && conn.Close() == nil
	}, patience, 10*time.Millisecond)
}

func TestFaultsThatMakeNoSenseAreRefused(t *testing.T) {
	var told []string
	h := start(t, Config{Manifest: deployment(t, sourceToFilter), Observer: Observer{Fault: func(f Fault) { told = append(told, f.Text) }}})
	for line, want := range map[string]string{
		"":                  `make fault: there is no fault ""`,
		"explode":           `make fault: there is no fault "explode"`,
		"drop nobody":       `make fault "drop": "nobody" is too much, or no module of the deployment`,
		"delay-acks":        `make fault "delay-acks": "" is no duration, like 2s`,
		"delay-acks -1s":    `make fault "delay-acks": "-1s" is no duration, like 2s`,
		"twin wrong":        `make fault "twin": "wrong" is none of stale, empty, unversioned and true`,
		"refuse many":       `make fault "refuse": "many" is no count`,
		"online now":        `make fault "online": "now" is too much, or no module of the deployment`,
		"restart 1s filter": `make fault "restart": "filter" is too much, or no module of the deployment`,
	} {
		_, err := h.Fault(t.Context(), "filter", line)
		require.EqualError(t, err, want)
	}
	assert.Empty(t, told)
	_, err := h.Fault(t.Context(), "filter", "repeat nothing")
	require.ErrorContains(t, err, "no route leads into")
	makeFault(t, h, " refuse  3 ")
	assert.Equal(t, "refuse 3", told[len(told)-1])
	for _, f := range allFaults() {
		assert.Contains(t, FaultHelp(), "fault "+f.name)
	}
}

func TestLedgerAccountsForEveryMessage(t *testing.T) {
	name := filepath.Join(t.TempDir(), "ledger")
	require.NoError(t, os.WriteFile(name, []byte(`{"event":"before"}`+"\n"+`{"event":"to`), 0o600))
	h := start(t, Config{Manifest: deployment(t, sourceToFilter, filterToUpstream), Ledger: name})
	c := join(t, h, "filter")
	message := edgehub.Message{Body: []byte(`{"n":7}`), Properties: edgehub.Properties{{Name: "$.mid", Value: "m"}, {Name: "$.cid", Value: "c"}}}
	require.NoError(t, h.Publish(t.Context(), "source", "out", message))
	c.input()
	makeFault(t, h, "drop")
	c, _ = connect(t, h, "filter")
	c.input()
	c.ack()
	require.NoError(t, h.WaitIdle(t.Context()))
	c.publish(1, 5, output("filter", "deadletter", edgehub.Properties{{Name: "deadletter-reason", Value: "trap"}}...), `{"n":7}`)
	c.puback()
	c.publish(1, 5, output("filter", "out"), `[]`)
	c.puback()

	n := int64(7)
	of := entry{Module: "filter", Input: "in", From: "source", MID: "m", CID: "c", N: &n}
	event := func(event string, copy int) entry {
		e := of
		e.Event, e.Copy = event, copy
		return e
	}
	assert.Equal(t, []entry{
		{Event: "before"}, event("stored", 0), event("sent", 1), {Event: "fault", Fault: "drop"}, event("sent", 2), event("acked", 0),
		{Event: "deadletter", Module: "filter", Output: "deadletter", N: &n, Reason: "trap"}, {Event: "upstream", Module: "filter", Output: "out"},
	}, entries(t, name))
}

// entries reads a ledger; the time is left out.
func entries(t *testing.T, name string) []entry {
	t.Helper()
	content, err := os.ReadFile(name)
	require.NoError(t, err)
	var list []entry
	for lines := bufio.NewScanner(strings.NewReader(string(content))); lines.Scan(); {
		var e entry
		require.NoError(t, json.Unmarshal(lines.Bytes(), &e), lines.Text())
		e.Time = time.Time{}
		list = append(list, e)
	}
	return list
}

func TestNumbersAreFoundInBodies(t *testing.T) {
	for body, want := range map[string]int64{`{"n":1}`: 1, `{"a":{"n": 22},"b":3}`: 22, `{"n":9223372036854775808}`: -1, `{"n":"x"}`: -1, ``: -1, `{"n":`: -1} {
		n, ok := bodyNumber([]byte(body))
		assert.Equal(t, want >= 0, ok, body)
		if ok {
			assert.Equal(t, want, n)
		}
	}
}
