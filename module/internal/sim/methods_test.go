package sim

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

type outcomeOfCall struct {
	status int
	body   string
	err    error
}

// invoke calls a method in the background.
func invoke(ctx context.Context, h *Hub, method string, payload []byte) <-chan outcomeOfCall {
	result := make(chan outcomeOfCall, 1)
	go func() {
		status, body, err := h.Invoke(ctx, "filter", method, payload)
		result <- outcomeOfCall{status, string(body), err}
	}()
	return result
}

func TestMethodIsAnsweredByItsRequestID(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	first := invoke(t.Context(), h, "status", []byte(`{"a":1}`))
	p := c.published()
	name, rid, ok := edgehub.ParseMethodTopic(p.TopicName)
	require.True(t, ok, p.TopicName)
	assert.Equal(t, "status", name)
	assert.Equal(t, `{"a":1}`, string(p.Payload))
	assert.Zero(t, p.Qos)

	second := invoke(t.Context(), h, "reset", nil)
	p = c.published()
	assert.Equal(t, `null`, string(p.Payload), "no payload is null")
	_, rid2, _ := edgehub.ParseMethodTopic(p.TopicName)
	c.publish(0, 0, edgehub.MethodResponseTopic(404, rid2), "")
	c.publish(0, 0, edgehub.MethodResponseTopic(200, "unknown"), `"x"`)
	c.publish(0, 0, "$iothub/methods/res/200/"+rid, `"x"`)
	c.publish(0, 0, edgehub.MethodResponseTopic(200, strings.ToUpper(rid)), `{"ok":true}`)
	assert.Equal(t, outcomeOfCall{200, `{"ok":true}`, nil}, <-first)
	assert.Equal(t, outcomeOfCall{404, "", nil}, <-second)
}

func TestMethodNeedsAModuleThatListens(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	result := <-invoke(t.Context(), h, "status", nil)
	assert.Equal(t, 404, result.status)
	require.ErrorIs(t, result.err, ErrNotReachable)
	c, _ := connect(t, h, "filter")
	require.ErrorIs(t, (<-invoke(t.Context(), h, "status", nil)).err, ErrNotReachable)
	c.subscribe(0, "$iothub/methods/POST/+") // its beginning is what counts
	call := invoke(t.Context(), h, "status", nil)
	c.published()
	_, err := h.Disconnect("filter")
	require.NoError(t, err)
	result = <-call
	assert.Equal(t, 504, result.status, "the hub knows of what it closes itself")
	require.ErrorIs(t, result.err, ErrNoAnswer)
}

func TestStatusThatIsNoNumberIsEdgeHubsOwn(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	for _, status := range []string{"what", "2.5", "99999999999"} {
		call := invoke(t.Context(), h, "status", nil)
		_, rid, _ := edgehub.ParseMethodTopic(c.published().TopicName)
		c.publish(0, 0, "$iothub/methods/res/"+status+"/?$rid="+rid, `"x"`)
		assert.Equal(t, outcomeOfCall{400000, "", nil}, <-call)
	}
}

func TestMethodIsNotAnsweredByTheNextConnection(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		call := invoke(t.Context(), h, "status", nil)
		_, rid, _ := edgehub.ParseMethodTopic(c.published().TopicName)
		c.disconnect()
		synctest.Wait() // the hub has noticed
		c = dial()
		c.connect(connectPacket(h, "filter"))
		c.publish(1, 1, edgehub.MethodResponseTopic(200, rid), "1")
		c.puback()
		after(t, 30*time.Second, func() { require.ErrorIs(t, (<-call).err, ErrNoAnswer) })
	})
}

func TestMethodWaitsForItsAnswerForThirtySeconds(t *testing.T) {
	bubble(t, Config{Manifest: deployment(t)}, func(t *testing.T, h *Hub, dial func() *client) {
		c := dial()
		c.connect(connectPacket(h, "filter"))
		c.subscribeAll("filter")
		call := invoke(t.Context(), h, "status", nil)
		c.published()
		after(t, 30*time.Second, func() {
			result := <-call
			assert.Equal(t, 504, result.status)
			require.ErrorIs(t, result.err, ErrNoAnswer)
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		call = invoke(ctx, h, "status", nil)
		_, rid, _ := edgehub.ParseMethodTopic(c.published().TopicName)
		after(t, time.Second, func() { require.ErrorIs(t, (<-call).err, ErrNoAnswer) })
		c.publish(1, 1, edgehub.MethodResponseTopic(200, rid), "1") // late: ignored
		assert.EqualValues(t, 1, c.puback())
	})
}

func TestMethodsHaveEdgeHubsLimits(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	join(t, h, "filter")
	for name, payload := range map[string]string{
		"":                       `1`,
		"a/b":                    `1`,
		strings.Repeat("x", 101): `1`,
		"text":                   `text`,
		"large":                  `"` + strings.Repeat("x", 128<<10) + `"`,
	} {
		status, _, err := h.Invoke(t.Context(), "filter", name, []byte(payload))
		require.Error(t, err, name)
		assert.Zero(t, status)
	}
	_, _, err := h.Invoke(t.Context(), "nobody", "m", nil)
	require.ErrorIs(t, err, ErrNoModule)
}
