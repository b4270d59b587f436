package pipeline

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/journal"
)

// mailer is an outbox that runs, with its hub and what it was told of each result.
type mailer struct {
	*outbox
	*hub
	journal Journal
	stop    context.CancelFunc // of the outbox
	refused func(*result, *UnsendableError) bool
	told    []string // bodies of results that are finished, in order
	errors  []error
}

func newMailer(t *testing.T) *mailer {
	m := &mailer{hub: &hub{}, journal: openJournal(t)}
	m.start(t)
	return m
}

// start runs an outbox over the journal, as each life of the module does.
func (m *mailer) start(t *testing.T) {
	c := Config{Publisher: m.hub, Journal: m.journal, OnError: func(err error) { m.errors = append(m.errors, err) }}
	m.outbox = newOutbox(c, newRemovals(newDisk(c)), func(r *result, err *UnsendableError) bool { return m.refused(r, err) })
	m.setLimit(1<<20, false)
	ctx, stop := context.WithCancel(t.Context())
	m.stop = stop
	go m.run(ctx)
	m.connect()
}

// debtor tells of a result that is finished.
type debtor func()

func (d debtor) retain()  {}
func (d debtor) release() { d() }

func (m *mailer) connect() {
	m.open()
	m.notify()
	synctest.Wait()
}

func (m *mailer) result(body string) *result {
	message := module.Message{Body: []byte(body)}
	return &result{output: "out", Message: message, size: sizeOf(message), since: time.Now(),
		debt: debtor(func() { m.told = append(m.told, body) })}
}

func (m *mailer) put(bodies ...string) {
	for _, body := range bodies {
		m.outbox.put(m.result(body))
	}
	synctest.Wait()
}

func outboxTest(t *testing.T, test func(t *testing.T, m *mailer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newMailer(t)) })
}

func TestResultsAreSentInOrderAndKeptUntilEdgeHubHasThem(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b", "c")
		assert.Equal(t, []string{"a", "b", "c"}, m.bodies(1))
		assert.Equal(t, 3, m.waiting())
		m.ack(2)
		assert.Equal(t, []string{"a", "b"}, m.told)
		assert.Equal(t, 1, m.waiting())
	})
}

func TestLostResultsAreSentAgainInOrderBeforeNewOnes(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b", "c")
		m.ack(1)
		m.lose()
		m.put("d")
		m.connect()
		m.put("e")
		assert.Equal(t, []string{"b", "c", "d", "e"}, m.bodies(2))
		m.ack(all)
		assert.Equal(t, []string{"a", "b", "c", "d", "e"}, m.told)
	})
}

func TestNothingIsSentTwiceOnAConnection(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b")
		for range 3 {
			m.notify()
			synctest.Wait()
		}
		assert.Equal(t, []string{"a", "b"}, m.bodies(1))
	})
}

func TestSendingAgainWaitsUntilAllThatWasUnderWayHasComeBack(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b")
		lost := m.pick(1)
		m.open()
		lost[0].done(errors.New("connection lost"))
		synctest.Wait()
		assert.Empty(t, m.bodies(2), "what became of b is not known yet")
		m.ack(1)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, m.bodies(2), "b is not sent again")
		m.ack(1)
		assert.Equal(t, []string{"b", "a"}, m.told)
		m.put("c")
		assert.Equal(t, []string{"a", "c"}, m.bodies(2))
	})
}

func TestAcknowledgementsMayOvertakeResultsThatAreSentAgain(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b", "c")
		m.pick(1)[0].done(errors.New("connection lost"))
		m.prompt = true
		m.ack(all) // b and c, on another connection
		synctest.Wait()
		m.put("d")
		assert.Equal(t, []string{"b", "c", "a", "d"}, m.told)
		assert.Zero(t, m.waiting())
	})
}

func TestWithoutAConnectionResultsWaitForOne(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.lose()
		m.put("a", "b")
		assert.Empty(t, m.written)
		m.connect()
		assert.Equal(t, []string{"a", "b"}, m.bodies(2))
	})
}

func TestUnsendableResultIsReplacedInItsPlace(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.refuse = func(_ module.OutputName, message module.Message) *UnsendableError {
			if strings.HasPrefix(string(message.Body), "bad") {
				return &UnsendableError{Reason: "bad", Err: errors.New("bad")}
			}
			return nil
		}
		m.refused = func(r *result, err *UnsendableError) bool {
			assert.Equal(t, "bad", err.Reason)
			if string(r.Body) != "bad" {
				return false
			}
			r.output, r.Message = "deadletter", module.Message{Body: []byte("good")}
			return true
		}
		m.put("a", "bad", "bad and given up", "z")
		assert.Equal(t, []string{"a", "good", "z"}, m.bodies(1))
		assert.Equal(t, []string{"bad and given up"}, m.told)
		m.ack(all)
		assert.Equal(t, []string{"bad and given up", "a", "bad", "z"}, m.told)
		assert.Zero(t, m.waiting())
		assert.Zero(t, m.bytes, "room is given back as it was taken")
	})
}

func TestPutWaitsForRoom(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(3*sizeOf(module.Message{}), false)
		m.put("", "", "")
		var went atomic.Bool
		go func() {
			m.outbox.put(m.result("d"))
			went.Store(true)
		}()
		synctest.Wait()
		require.False(t, went.Load())
		m.ack(1)
		synctest.Wait()
		require.False(t, went.Load(), "it is a byte larger than what left")
		m.ack(1)
		synctest.Wait()
		assert.True(t, went.Load())
	})
}

func TestRaisedLimitLetsGoOfWhoWaits(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(0, false)
		m.put("a")
		go m.outbox.put(m.result("b"))
		synctest.Wait()
		require.Equal(t, 1, m.waiting())
		m.setLimit(1<<10, false)
		synctest.Wait()
		assert.Equal(t, 2, m.waiting())
	})
}

func TestResultLargerThanTheOutboxIsTakenWhenItIsEmpty(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(1, false)
		m.put("a")
		assert.Equal(t, []string{"a"}, m.bodies(1))
	})
}

func TestClosedOutboxTakesNothingAndStillSends(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(1, false)
		m.lose()
		m.put("a")
		refused := make(chan bool)
		go func() { refused <- !m.outbox.put(m.result("b")) }()
		synctest.Wait()
		m.close()
		assert.True(t, <-refused, "it waited for room")
		assert.False(t, m.outbox.put(m.result("c")))
		m.connect()
		assert.Equal(t, []string{"a"}, m.bodies(2))
	})
}

func TestResultsThatWaitTooLongAreStoredAndNothingWaitsForThemAnyMore(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.lose()
		m.put("a", "b")
		time.Sleep(inputTime - look)
		synctest.Wait()
		assert.Empty(t, m.told)
		m.put("young")
		time.Sleep(2 * look)
		synctest.Wait()
		assert.Equal(t, []string{"a", "b"}, m.told)
		assert.Len(t, m.journal.Keys(tableOutbox), 2)
		assert.Equal(t, 3, m.waiting(), "edgeHub has none of them")

		m.connect()
		assert.Equal(t, []string{"a", "b", "young"}, m.bodies(2), "in their order, read from the journal")
		m.ack(all)
		assert.Equal(t, []string{"a", "b", "young"}, m.told, "each once")
		time.Sleep(2 * look)
		synctest.Wait()
		assert.Empty(t, m.journal.Keys(tableOutbox))
		assert.Zero(t, m.bytes)
		assert.Empty(t, m.errors)
	})
}

func TestTheNextLifeSendsWhatWasStored(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.lose()
		m.put("a", "b")
		time.Sleep(inputTime + look)
		synctest.Wait()
		m.put("lost with the process")
		m.stop()
		m.start(t)
		m.put("c")
		assert.Equal(t, []string{"a", "b", "c"}, m.bodies(2))
		assert.Equal(t, module.OutputName("out"), m.written[0].output)
		m.ack(all)
		assert.Zero(t, m.waiting())
		assert.Zero(t, m.bytes)
	})
}

func TestResultThatCannotBeStoredIsStillWaitedFor(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		full := &fullJournal{Journal: m.journal}
		m.stop()
		m.journal = full
		m.start(t)
		m.lose()
		m.put("a")
		full.is.Store(true)
		time.Sleep(inputTime + look)
		synctest.Wait()
		assert.Empty(t, m.told)
		assert.ErrorIs(t, m.errors[0], journal.ErrFull)
		full.is.Store(false)
		time.Sleep(look)
		synctest.Wait()
		assert.Equal(t, []string{"a"}, m.told, "it is tried again")
	})
}

// nearlyFull is a journal that has no room for one transaction, and for the smaller ones after it.
type nearlyFull struct {
	Journal
	before atomic.Int32 // how many transactions have room before that; negative: all have
}

func (j *nearlyFull) Submit(tx *journal.Tx, done func(error)) {
	if done != nil && j.before.Add(-1) == -1 {
		done(journal.ErrFull)
		return
	}
	j.Journal.Submit(tx, done)
}

func TestAfterAResultThatCannotBeStoredNoneOfItsSignalIsStored(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		full := &nearlyFull{Journal: m.journal}
		m.stop()
		m.journal = full
		m.start(t)
		m.lose()
		m.put("a", "large", "c")
		other := m.result("of another signal")
		other.signal = "other"
		m.outbox.put(other)
		full.before.Store(1)
		time.Sleep(inputTime)
		synctest.Wait()
		assert.Equal(t, []string{"a", "of another signal"}, m.told, "the next life would send it before what comes again")
		assert.Equal(t, 4, m.waiting(), "edgeHub has none of them")
		time.Sleep(look)
		synctest.Wait()
		assert.Equal(t, []string{"a", "of another signal", "large", "c"}, m.told, "they are tried again")
		m.stop()
		m.start(t)
		assert.Equal(t, []string{"a", "large", "c", "of another signal"}, m.bodies(3))
	})
}

func TestTheOldestAreDroppedAndCountedWhereTheTwinSaysSo(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.lose()
		m.setLimit(2*sizeOf(module.Message{})+3, true)
		m.put("a", "b", "c", "d")
		assert.Equal(t, []string{"a", "b"}, m.told, "nothing waits for them any more")
		assert.EqualValues(t, 2, m.droppedSoFar())
		m.connect()
		assert.Equal(t, []string{"c", "d"}, m.bodies(2))
	})
}
