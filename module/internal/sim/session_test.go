package sim

import (
	"fmt"
	"testing"

	"github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/stretchr/testify/assert"
)

func TestFiltersMatchTopics(t *testing.T) {
	for filter, topics := range map[string]map[string]bool{
		"a/b":     {"a/b": true, "a": false, "a/b/c": false, "a/c": false},
		"a/#":     {"a/b": true, "a/b/c": true, "a": true, "b": false, "ab": false},
		"#":       {"a": true, "a/b": true},
		"+":       {"a": true, "a/b": false},
		"a/+/c":   {"a/b/c": true, "a//c": true, "a/b/d": false, "a/c": false},
		"a/b/+/#": {"a/b/c": true, "a/b/c/d": true, "a/b": false},
		"a/b/":    {"a/b/": true, "a/b": false},
	} {
		for topic, want := range topics {
			assert.Equal(t, want, matches(filter, topic), "%s on %s", filter, topic)
		}
	}
}

func TestSubscriptionsAreGrantedAtQoS1AtMostWhateverTheyAre(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c, _ := connect(t, h, "filter")
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID, p.Topics, p.Qoss = 9, []string{"a", "b", "c"}, []byte{0, 1, 2}
	c.send(p)
	assert.Equal(t, []byte{0, 1, 1}, next[*packets.SubackPacket](c).ReturnCodes)
}

func TestTooManySubscriptionsCloseTheConnection(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c, _ := connect(t, h, "filter")
	p := packets.NewControlPacket(packets.Subscribe).(*packets.SubscribePacket)
	p.MessageID = 9
	for i := range maxFilters + 1 {
		p.Topics, p.Qoss = append(p.Topics, fmt.Sprint(i)), append(p.Qoss, 0)
	}
	c.send(p)
	c.closed()
}
