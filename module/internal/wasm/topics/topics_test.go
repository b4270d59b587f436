package topics_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/topics"
)

// all reads what a member can read of a topic, and tells whether it missed some.
func all(m *topics.Member, topic string) (texts []string, missed bool) {
	for {
		text, there, less := m.Read(topic)
		missed = missed || less
		if !there {
			return texts, missed
		}
		texts = append(texts, text)
	}
}

func publish(t *testing.T, m *topics.Member, topic string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.NoError(t, m.Publish(topic, text))
	}
}

func texts(t *testing.T, m *topics.Member, topic string) []string {
	t.Helper()
	found, missed := all(m, topic)
	assert.False(t, missed)
	return found
}

func TestAMessageIsReadOnceInTheOrderOfPublishing(t *testing.T) {
	bus := topics.New()
	sensor, one, other := bus.Join(), bus.Join(), bus.Join()
	publish(t, sensor, "telemetry", "1", "2", "3")
	publish(t, sensor, "alert", "fire")
	text, there, _ := one.Read("telemetry")
	assert.True(t, there)
	assert.Equal(t, "1", text)
	assert.Equal(t, []string{"2", "3"}, texts(t, other, "telemetry"))
	assert.Empty(t, texts(t, one, "telemetry"))
	assert.Equal(t, []string{"fire"}, texts(t, sensor, "alert"), "its own too")
	assert.Empty(t, texts(t, one, "unknown"))
}

func TestASubscriberReadsAllFromThenOnAndTakesNothingFromOthers(t *testing.T) {
	bus := topics.New()
	sensor, subscriber, reader := bus.Join(), bus.Join(), bus.Join()
	publish(t, sensor, "telemetry", "before")
	require.NoError(t, subscriber.Subscribe("telemetry"))
	require.NoError(t, subscriber.Subscribe("telemetry"), "once more")
	publish(t, sensor, "telemetry", "after")
	assert.Equal(t, []string{"after"}, texts(t, subscriber, "telemetry"))
	assert.Equal(t, []string{"before", "after"}, texts(t, reader, "telemetry"))
}

func TestASubscriberMayComeBeforeThePublisher(t *testing.T) {
	bus := topics.New()
	subscriber, sensor := bus.Join(), bus.Join()
	require.NoError(t, subscriber.Subscribe("telemetry"))
	publish(t, sensor, "telemetry", "1")
	assert.Equal(t, []string{"1"}, texts(t, subscriber, "telemetry"))
}

func TestTheOldestMakesRoomAndWhoReadsTooLateIsTold(t *testing.T) {
	for name, size := range map[string]int{"many": 1, "long": 64 << 10} {
		t.Run(name, func(t *testing.T) {
			bus := topics.New()
			sensor, late := bus.Join(), bus.Join()
			for n := range 1001 {
				publish(t, sensor, "telemetry", strings.Repeat("x", size)+fmt.Sprint(n))
			}
			found, missed := all(late, "telemetry")
			assert.True(t, missed)
			assert.True(t, strings.HasSuffix(found[len(found)-1], "1000"), "the newest are kept")
			assert.LessOrEqual(t, len(strings.Join(found, "")), 128<<10)
			assert.LessOrEqual(t, len(found), 1000)
			publish(t, sensor, "telemetry", "next")
			assert.Equal(t, []string{"next"}, texts(t, late, "telemetry"), "it is told once")
		})
	}
}

func TestAMemberAddsSoManyTopicsAndNoMore(t *testing.T) {
	bus := topics.New()
	greedy, modest := bus.Join(), bus.Join()
	for n := range 8 {
		publish(t, greedy, fmt.Sprint(n), "x")
	}
	assert.ErrorIs(t, greedy.Publish("one more", "x"), topics.ErrTopics)
	assert.ErrorIs(t, greedy.Subscribe("one more"), topics.ErrTopics)
	publish(t, modest, "one more", "x")
	publish(t, greedy, "one more", "y")

	greedy.Leave()
	assert.Empty(t, texts(t, modest, "0"), "what it added goes with it")
	assert.Equal(t, []string{"x", "y"}, texts(t, modest, "one more"))
	assert.ErrorIs(t, greedy.Publish("0", "x"), topics.ErrLeft)
}

func TestAMemberSubscribesToSoManyTopicsAndNoMore(t *testing.T) {
	bus := topics.New()
	subscriber := bus.Join()
	for n := range 64 {
		adds := bus.Join()
		publish(t, adds, fmt.Sprint(n), "x")
		require.NoError(t, subscriber.Subscribe(fmt.Sprint(n)))
	}
	assert.ErrorIs(t, subscriber.Subscribe("one more"), topics.ErrMany)
}

func TestASubscriptionOutlivesTheTopic(t *testing.T) {
	bus := topics.New()
	sensor, subscriber := bus.Join(), bus.Join()
	publish(t, sensor, "telemetry", "1")
	require.NoError(t, subscriber.Subscribe("telemetry"))
	sensor.Leave()
	again := bus.Join()
	publish(t, again, "telemetry", "2")
	assert.Equal(t, []string{"2"}, texts(t, subscriber, "telemetry"))
}

func TestWhatIsTooLongIsRefused(t *testing.T) {
	m := topics.New().Join()
	assert.ErrorIs(t, m.Publish("", "x"), topics.ErrName)
	assert.ErrorIs(t, m.Publish(strings.Repeat("x", 129), "x"), topics.ErrName)
	assert.ErrorIs(t, m.Publish("telemetry", strings.Repeat("x", 128<<10+1)), topics.ErrTooLong)
	assert.Empty(t, texts(t, m, "telemetry"))
}

func TestManyMembersShareABus(t *testing.T) {
	bus := topics.New()
	reader := bus.Join()
	var members sync.WaitGroup
	for range 8 {
		members.Go(func() {
			m := bus.Join()
			for range 100 {
				assert.NoError(t, m.Publish("telemetry", "x"))
			}
		})
	}
	members.Wait()
	assert.Len(t, texts(t, reader, "telemetry"), 800)
}
