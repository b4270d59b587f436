package pipeline

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// emits sends the given bodies to an output and finishes.
func emits(output module.OutputName, bodies ...string) consumer {
	return func(s *Share) bool {
		for _, body := range bodies {
			s.Send(output, module.Message{Body: []byte(body)}, true)
		}
		s.Finish()
		return true
	}
}

func ids(h *hub) []string {
	var ids []string
	for _, p := range h.written {
		ids = append(ids, p.properties.Value(mid))
	}
	return ids
}

func TestResultsCarryIDsOfTheirOwnWhichARepeatHasToo(t *testing.T) {
	run := func(t *testing.T, properties ...string) (made []string) {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, nil)
			r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: emits("out", "1", "2")}, {Signal: "b", Consumer: emits("out", "1")}}}})
			r.deliver(t, 1, "x", properties...)
			made = ids(r.hub)
		})
		return made
	}
	first, again, other := run(t, mid, "m1"), run(t, mid, "m1"), run(t, mid, "m2")
	require.Len(t, first, 3)
	assert.Equal(t, first, again, "of the same input, in another life of the module")
	distinct := map[string]bool{}
	for _, id := range append(first, other...) {
		assert.Len(t, id, 26)
		distinct[id] = true
	}
	assert.Len(t, distinct, 6, "by input, signal and index")
	assert.NotEqual(t, run(t), run(t), "two inputs without identity are two")
}

func TestIDsAreThoseThatWereAlwaysGiven(t *testing.T) {
	assert.Equal(t, "bgq2v9mq4hft2cnhdfhw393rbw", MessageID("id\x00dev/sensor\x00m1", "a", 0),
		"an update of the module must not give a repeat another id")
}

func TestTicksResultsDeriveFromTheScheduledTime(t *testing.T) {
	inBubble(t, func(t *testing.T, r *rig, _ *atomic.Int32) {
		at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
		for _, scheduled := range []time.Time{at, at.In(time.FixedZone("", 3600)), at.Add(time.Second)} {
			s := r.Tick(Stream{Signal: "a"}, "tick", scheduled)
			s.Send("out", module.Message{}, true)
			s.Finish()
		}
		synctest.Wait()
		made := ids(r.hub)
		assert.Equal(t, made[0], made[1])
		assert.NotEqual(t, made[0], made[2])
	})
}

func TestInputIsAcknowledgedWhenAllSharesAreFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, a, b := start(t, nil), newHolder(), newHolder()
		r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: a}, {Signal: "b", Consumer: b}}}})
		input := r.deliver(t, 1, "x")
		(<-a.shares).Finish()
		assert.False(t, input.acked())
		(<-b.shares).Finish()
		assert.True(t, input.acked())
	})
}

func TestSignalReadsWhatAnotherSendsToItsOwnOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, reader := start(t, nil), newHolder()
		a := consumer(func(s *Share) bool {
			s.Send("out", module.Message{Body: []byte("own")}, true)
			s.Send("alerts", module.Message{Body: []byte("elsewhere")}, false)
			s.Finish()
			return true
		})
		r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: a}}}, Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: reader}}}})
		input := r.deliver(t, 1, "x")
		assert.Equal(t, []string{"own", "elsewhere"}, r.bodies(1))
		read := <-reader.shares
		assert.Equal(t, "own", string(read.Message.Body))
		assert.Equal(t, module.SignalName("b"), read.Signal)
		assert.Equal(t, "id\x00"+ids(r.hub)[0], read.Identity, "the id of what it read")
		assert.Empty(t, reader.shares)

		r.ack(2)
		assert.False(t, input.acked(), "the reader is a part of it")
		read.Send("out", module.Message{}, true)
		read.Finish()
		synctest.Wait()
		assert.False(t, input.acked())
		r.ack(1)
		assert.True(t, input.acked())
	})
}

func TestOutputNoneStaysInsideTheModule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, reader := start(t, nil), newHolder()
		r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: emits(module.OutputNone, "1")}}},
			Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: reader}}}})
		input := r.deliver(t, 1, "x")
		assert.Empty(t, r.written)
		(<-reader.shares).Finish()
		assert.True(t, input.acked())
	})
}

func TestFailureOfOneReaderDeadLettersItsCopyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, nil)
		fails := consumer(func(s *Share) bool {
			s.DeadLetter(module.DeadLetter{Reason: "trap"})
			s.Finish()
			return true
		})
		r.SetRoutes(&Routes{Inputs: map[module.InputName][]Route{"in": {{Signal: "a", Consumer: emits(module.OutputNone, "1")}}},
			Signals: map[module.SignalName][]Route{"a": {{Signal: "b", Consumer: fails}, {Signal: "c", Consumer: emits("out", "fine")}}}})
		r.deliver(t, 1, "x")
		require.Equal(t, []string{"1", "fine"}, r.bodies(1))
		assert.Equal(t, "b", r.written[0].properties.Value("deadletter-signal"))
	})
}
