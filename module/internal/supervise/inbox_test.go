package supervise

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/pipeline"
)

// inboxTest runs a test with the inbox of a signal that runs.
func inboxTest(t *testing.T, test func(t *testing.T, p *plant, b *inbox)) {
	t.Helper()
	inPlant(t, func(t *testing.T, p *plant) {
		b := newInbox(p.pipeline, &runner{name: "test"})
		b.hold(false)
		test(t, p, b)
	})
}

func (p *plant) share(body string) *pipeline.Share {
	s := p.pipeline.Tick(pipeline.Stream{Signal: "test"}, "tick", time.Now())
	s.Message.Body = []byte(body)
	return s
}

// drainInbox takes what can be taken.
func drainInbox(b *inbox) (bodies []string) {
	synctest.Wait()
	for s := b.take(); s != nil; s = b.take() {
		bodies = append(bodies, string(s.Message.Body))
		s.Finish()
	}
	return bodies
}

func TestAnInboxKeepsTheOrder(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		<-b.ready
		assert.Equal(t, accepted, b.put(p.share("a")))
		assert.Equal(t, accepted, b.put(p.share("b")))
		<-b.ready
		assert.Equal(t, "a", string(b.take().Message.Body))
		<-b.ready // filled again, for there is more
		assert.Equal(t, "b", string(b.take().Message.Body))
		assert.Nil(t, b.take())
		assert.Empty(t, b.ready)
	})
}

func TestWhoFindsAnInboxFullWaitsForRoom(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		for range inboxLength {
			b.put(p.share(""))
		}
		in := make(chan taken, 1)
		go func() { in <- b.put(p.share("")) }()
		synctest.Wait()
		assert.Empty(t, in)
		b.take()
		assert.Equal(t, accepted, <-in)
		waiting, spooled := b.len()
		assert.Equal(t, inboxLength, waiting)
		assert.Zero(t, spooled)
	})
}

func TestAClosedInboxRefusesAndCanStillBeWorkedOff(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		for range inboxLength {
			b.put(p.share(""))
		}
		in := make(chan taken, 1)
		go func() { in <- b.put(p.share("")) }()
		synctest.Wait()
		b.close()
		assert.Equal(t, refused, <-in, "one that waits for room is refused")
		assert.Equal(t, refused, b.put(p.share("")))
		assert.NotNil(t, b.take())
	})
}

func TestWhatIsHeldGoesToTheSpoolAndComesOutFirst(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		b.put(p.share("a"))
		assert.Empty(t, b.hold(true))
		b.put(p.share("b"))
		synctest.Wait()
		assert.Nil(t, b.take())
		_, spooled := b.len()
		assert.Equal(t, 2, spooled)
		b.hold(false)
		b.put(p.share("c"))
		_, spooled = b.len()
		assert.Equal(t, 3, spooled, "it has its place behind those in the spool")
		assert.Equal(t, []string{"a", "b", "c"}, drainInbox(b))
		b.put(p.share("d"))
		waiting, spooled := b.len()
		assert.Equal(t, 1, waiting)
		assert.Zero(t, spooled, "the spool is empty")
	})
}

func TestWhatWaitsForTooLongGoesToTheSpoolWithAllBehindIt(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		b.put(p.share("a"))
		time.Sleep(19 * time.Second)
		b.put(p.share("b"))
		b.spill(time.Now())
		_, spooled := b.len()
		assert.Zero(t, spooled)
		time.Sleep(time.Second)
		b.spill(time.Now())
		_, spooled = b.len()
		assert.Equal(t, 2, spooled)
		assert.Equal(t, []string{"a", "b"}, drainInbox(b))
	})
}

func TestAFullSpoolOverflows(t *testing.T) {
	inboxTest(t, func(t *testing.T, p *plant, b *inbox) {
		p.pipeline.SetLimits(pipeline.Limits{Outbox: 1 << 20, Spool: 1})
		for _, body := range []string{"a", "b", "c"} {
			b.put(p.share(body))
		}
		overflow := b.hold(true)
		require.Len(t, overflow, 2)
		assert.Equal(t, "b", string(overflow[0].Message.Body))
		assert.Equal(t, overflowed, b.put(p.share("d")))
	})
}

func TestASignalIsSlowThatTakesMoreThanAQuarterOfTheTime(t *testing.T) {
	start := time.Unix(1000, 0)
	after := func(calls int, each time.Duration) *load {
		l := &load{}
		for i := range calls {
			l.add(start.Add(time.Duration(i)*10*time.Second/time.Duration(calls)), each)
		}
		return l
	}
	end := start.Add(9900 * time.Millisecond)
	assert.False(t, after(10, 250*time.Millisecond).slow(end))
	assert.True(t, after(10, 260*time.Millisecond).slow(end))
	assert.False(t, after(10, 260*time.Millisecond).slow(end.Add(10*time.Second)), "that is over")
	assert.False(t, after(9000, time.Millisecond).slow(end), "many short calls hold nobody up")
	assert.False(t, (&load{}).slow(end))
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

func TestASlowSignalWhoseSpoolCannotBeWrittenWorksWithoutIt(t *testing.T) {
	inPlant(t, func(t *testing.T, p *plant) {
		g := &fakeGuest{}
		p.start(t, workOf(g))
		p.runners[pipeline.Stream{Signal: "s"}].inbox.setSlow(true)
		p.disk.full.Store(true)
		p.deliver(t, "a")
		p.deliver(t, "b")
		assert.Equal(t, []string{"telemetry: a", "telemetry: b"}, p.results(), "in order, and none a dead letter")
		assert.Equal(t, 2, p.acknowledged())
	})
}
