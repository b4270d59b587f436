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
)

// mailer is an outbox that runs, with its hub and what it was told of each result.
type mailer struct {
	*outbox
	*hub
	told []string // bodies of results that are finished, in order
}

func newMailer(t *testing.T) *mailer {
	h := &hub{}
	m := &mailer{outbox: newOutbox(h), hub: h}
	m.setLimit(1 << 20)
	go m.run(t.Context())
	m.connect()
	return m
}

func (m *mailer) connect() {
	m.open()
	m.notify()
	synctest.Wait()
}

func (m *mailer) result(body string) *result {
	return &result{
		output: "out", Message: module.Message{Body: []byte(body)},
		sent:    func() { m.told = append(m.told, body) },
		refused: func(*UnsendableError) (module.OutputName, module.Message, bool) { return "", module.Message{}, false },
	}
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
		replaced, given := m.result("bad"), m.result("bad and given up")
		replaced.refused = func(err *UnsendableError) (module.OutputName, module.Message, bool) {
			assert.Equal(t, "bad", err.Reason)
			return "deadletter", module.Message{Body: []byte("good")}, true
		}
		m.outbox.put(m.result("a"))
		m.outbox.put(replaced)
		m.outbox.put(given)
		m.put("z")
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
		m.setLimit(3 * sizeOf(module.Message{}))
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
		m.setLimit(0)
		m.put("a")
		go m.outbox.put(m.result("b"))
		synctest.Wait()
		require.Equal(t, 1, m.waiting())
		m.setLimit(1 << 10)
		synctest.Wait()
		assert.Equal(t, 2, m.waiting())
	})
}

func TestResultLargerThanTheOutboxIsTakenWhenItIsEmpty(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(1)
		m.put("a")
		assert.Equal(t, []string{"a"}, m.bodies(1))
	})
}

func TestClosedOutboxTakesNothingAndStillSends(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.setLimit(1)
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

func TestDrainWaitsUntilEdgeHubHasAllAndAllAreTold(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a", "b")
		drained := make(chan int)
		go func() {
			assert.True(t, m.drain(t.Context()))
			drained <- len(m.told)
		}()
		m.ack(1)
		synctest.Wait()
		select {
		case <-drained:
			t.Fatal("b is not acknowledged")
		default:
		}
		go m.ack(1)
		assert.Equal(t, 2, <-drained)
	})
}

func TestDrainEndsWithItsContext(t *testing.T) {
	outboxTest(t, func(t *testing.T, m *mailer) {
		m.put("a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		assert.False(t, m.drain(ctx))
		assert.Equal(t, time.Second, time.Since(begin))
	})
}
