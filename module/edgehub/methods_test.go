package edgehub

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
)

func TestADirectMethodIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) {
			c.OnMethod = func(_ context.Context, name string, payload []byte) (int, []byte) {
				return 207, fmt.Appendf(nil, `{"called":%q,"with":%s}`, name, payload)
			}
		})
		p := h.connected()
		p.publish(0, MethodTopic("get State", "7f-é"), `[1]`)
		response := expect[*packets.PublishPacket](p)
		assert.Equal(t, "$iothub/methods/res/207/?$rid=7f-é", response.TopicName)
		assert.JSONEq(t, `{"called":"get State","with":[1]}`, string(response.Payload))
		assert.EqualValues(t, 0, response.Qos)
	})
}

func TestAResponseThatEdgeHubCannotPassOnIsReplaced(t *testing.T) {
	for name, c := range map[string]struct {
		response, want string
		status         int
	}{
		"nothing":   {"", "", 200},
		"null":      {"null", "null", 200},
		"not JSON":  {"{", `{"message":"response is not JSON"}`, 500},
		"too large": {`"` + strings.Repeat("x", 128<<10) + `"`, `{"message":"response of 131074 bytes exceeds 131072"}`, 500},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := run(t, func(cfg *Config) {
					cfg.OnMethod = func(context.Context, string, []byte) (int, []byte) { return 200, []byte(c.response) }
				})
				p := h.connected()
				p.publish(0, MethodTopic("x", "1"), "")
				response := expect[*packets.PublishPacket](p)
				assert.Equal(t, MethodResponseTopic(c.status, "1"), response.TopicName)
				assert.Equal(t, c.want, string(response.Payload))
			})
		})
	}
}

func TestSixteenMethodsAreAtWorkAtATimeAndMoreAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := run(t, func(c *Config) {
			c.OnMethod = func(context.Context, string, []byte) (int, []byte) { <-release; return 200, nil }
		})
		p := h.connected()
		for i := range 17 {
			p.publish(0, MethodTopic("slow", fmt.Sprint(i)), "")
		}
		assert.Equal(t, "$iothub/methods/res/429/?$rid=16", expect[*packets.PublishPacket](p).TopicName)
		synctest.Wait()
		assert.Empty(t, p.got)

		p.input("in", "a")
		assert.Equal(t, "a", string((<-h.inputs).Body), "methods do not hold up inputs")
		close(release)
		for range 16 {
			assert.True(t, strings.HasPrefix(expect[*packets.PublishPacket](p).TopicName, "$iothub/methods/res/200/"))
		}
		p.publish(0, MethodTopic("slow", "again"), "")
		assert.Equal(t, "$iothub/methods/res/200/?$rid=again", expect[*packets.PublishPacket](p).TopicName)
	})
}

func TestAMethodsContextEndsWithItsConnectionButTheReconnectDoesNotWaitForIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended, release := make(chan struct{}), make(chan struct{})
		h := run(t, func(c *Config) {
			c.OnMethod = func(ctx context.Context, _ string, _ []byte) (int, []byte) {
				<-ctx.Done()
				close(ended)
				<-release
				return 200, nil
			}
		})
		p := h.connected()
		p.publish(0, MethodTopic("slow", "1"), "")
		synctest.Wait()
		p.close()
		<-ended
		p = h.connected()
		close(release)
		synctest.Wait()
		assert.Empty(t, p.got, "the answer belongs to the connection that is gone")
	})
}

func TestRunWaitsForMethods(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var returned bool
		h := run(t, func(c *Config) {
			c.OnMethod = func(ctx context.Context, _ string, _ []byte) (int, []byte) {
				<-ctx.Done()
				time.Sleep(time.Second)
				returned = true
				return 200, nil
			}
		})
		p := h.connected()
		p.publish(0, MethodTopic("slow", "1"), "")
		synctest.Wait()
		h.stop()
		assert.True(t, returned)
	})
}

func TestMethodsForNobodyAreAnswered404(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := run(t, func(c *Config) { c.OnMethod = nil })
		p := h.next()
		p.acceptConnect(true)
		for range 3 {
			s := expect[*packets.SubscribePacket](p)
			p.grant(s.MessageID, s.Qoss[0])
		}
		p.publish(0, MethodTopic("x", "1"), "")
		assert.Equal(t, MethodResponseTopic(404, "1"), expect[*packets.PublishPacket](p).TopicName)
		p.publish(0, "$iothub/methods/POST/nonsense", "")
		awaitEvent[PacketIgnored](h)
	})
}
