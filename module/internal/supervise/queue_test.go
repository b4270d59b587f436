package supervise

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

func TestAQueueKeepsTheOrder(t *testing.T) {
	q := newQueue()
	a, b := &pipeline.Share{}, &pipeline.Share{}
	assert.True(t, q.put(a))
	assert.True(t, q.put(b))
	<-q.ready
	assert.Same(t, a, q.take())
	<-q.ready // filled again, for there is more
	assert.Same(t, b, q.take())
	assert.Nil(t, q.take())
	assert.Empty(t, q.ready)
}

func TestWhoFindsAQueueFullWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for range queueLength {
			q.put(&pipeline.Share{})
		}
		in := make(chan bool, 1)
		go func() { in <- q.put(&pipeline.Share{}) }()
		synctest.Wait()
		assert.Empty(t, in)
		q.take()
		assert.True(t, <-in)
		assert.Equal(t, queueLength, q.len())
	})
}

func TestAClosedQueueRefusesAndCanStillBeWorkedOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for range queueLength {
			q.put(&pipeline.Share{})
		}
		in := make(chan bool, 1)
		go func() { in <- q.put(&pipeline.Share{}) }()
		synctest.Wait()
		q.close()
		assert.False(t, <-in, "one that waits for room is refused")
		assert.False(t, q.put(&pipeline.Share{}))
		assert.NotNil(t, q.take())
	})
}

func TestAGuestLogsSoManyLinesAMinuteAndTheRestIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newPlant(t, zerolog.New(&log))
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.logs = []module.LogLine{{Level: 2, Text: "a line"}, {Level: 9, Text: "a line"}, {Level: -1, Text: "a line"}}
			i.logsDropped = 10
			return module.Drop, nil
		}
		p.start(t, workOf(g)) // 5 a minute
		p.deliver(t, "")
		p.deliver(t, "")
		assert.Equal(t, 5, bytes.Count(log.Bytes(), []byte("a line")))
		assert.EqualValues(t, 21, p.state().LinesDropped)
		assert.NotContains(t, log.String(), "logged more than")

		time.Sleep(time.Minute)
		p.deliver(t, "")
		assert.Equal(t, 8, bytes.Count(log.Bytes(), []byte("a line")))
		assert.Contains(t, log.String(), `"dropped":21,"message":"guest logged more than its logLinesPerMinute"`)
	})
}

func TestZeroLinesAMinuteAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newPlant(t, zerolog.New(&log))
		g := &fakeGuest{}
		g.message = func(i *fakeInstance, _ module.Message) (module.Verdict, error) {
			i.logs = []module.LogLine{{Text: "a line"}}
			return module.Drop, nil
		}
		w := workOf(g)
		w.Spec.Limits.LogLinesPerMinute = 0
		p.start(t, w)
		p.deliver(t, "")
		assert.NotContains(t, log.String(), "a line")
		assert.EqualValues(t, 1, p.state().LinesDropped)
	})
}

func TestTheHostDoesNotLogEveryDeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newPlant(t, zerolog.New(&log))
		g := &fakeGuest{}
		g.message = func(*fakeInstance, module.Message) (module.Verdict, error) {
			return -1, &module.GuestError{Kind: module.KindFailed}
		}
		p.start(t, workOf(g))
		for range 3 * deadLetterLines {
			p.deliver(t, "")
		}
		assert.Equal(t, deadLetterLines, bytes.Count(log.Bytes(), []byte("goes to the dead letters")))
		assert.EqualValues(t, 3*deadLetterLines, p.state().DeadLetters)
	})
}
