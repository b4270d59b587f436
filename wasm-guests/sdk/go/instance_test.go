package edge_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// guestOf returns a guest without settings that does the same with each message.
func guestOf(handle func(h *edge.Host, body []byte) (edge.Verdict, error)) edge.Guest[struct{}] {
	return edge.Guest[struct{}]{Message: func(h *edge.Host, body []byte, _ *struct{}) (edge.Verdict, error) {
		return handle(h, body)
	}}
}

func TestMessageHandlerGetsTheBodyAndItsVerdictIsTheResult(t *testing.T) {
	var got string
	verdict := edge.Drop
	run := edgetest.Start(t, guestOf(func(_ *edge.Host, body []byte) (edge.Verdict, error) {
		got = string(body)
		return verdict, nil
	}), `{}`)
	for verdict = range edge.Done + 1 {
		assert.Equal(t, edgetest.Result{Verdict: verdict}, run.Message("not even JSON"))
		assert.Equal(t, "not even JSON", got)
	}
}

func TestAnErrorIsTheReasonOfAFailedCall(t *testing.T) {
	run := edgetest.Start(t, guestOf(func(*edge.Host, []byte) (edge.Verdict, error) {
		return edge.Pass, errors.New("no unit")
	}), `{}`)
	result := run.Message("x")
	assert.Negative(t, result.Verdict)
	assert.EqualError(t, result.Err, "no unit")
}

func TestTickHandlerIsCalledAtEachTick(t *testing.T) {
	ticks := 0
	run := edgetest.Start(t, edge.Guest[struct{}]{Tick: func(*edge.Host, *struct{}) (edge.Verdict, error) {
		ticks++
		return edge.Done, nil
	}}, `{}`)
	assert.Equal(t, edge.Done, run.Tick().Verdict)
	assert.Equal(t, edge.Done, run.Tick().Verdict)
	assert.Equal(t, 2, ticks)
}

func TestACallThatTheGuestHasNoHandlerForFails(t *testing.T) {
	run := edgetest.Start(t, edge.Guest[struct{}]{}, `{}`)
	assert.EqualError(t, run.Message("x").Err, "guest takes no messages")
	assert.EqualError(t, run.Tick().Err, "guest takes no ticks")
}

func TestACallBeforeSettingsWereAcceptedFails(t *testing.T) {
	run := edgetest.New(t, above)
	assert.EqualError(t, run.Number(1).Err, "guest was called before it accepted settings")
	assert.EqualError(t, run.Tick().Err, "guest was called before it accepted settings")
}

func TestAGuestWithTwoHandlersForTheSameMessagesDoesNotStart(t *testing.T) {
	guest := guestOf(func(*edge.Host, []byte) (edge.Verdict, error) { return edge.Pass, nil })
	guest.Sample = func(*edge.Host, *edge.Sample, *struct{}) (edge.Verdict, error) { return edge.Pass, nil }
	assert.EqualError(t, edgetest.New(t, guest).Configure(`{}`),
		"guest has a handler for samples and one for messages: one of them is to go")
}

func TestTheHostKnowsSignalAndPartition(t *testing.T) {
	var signal, partition string
	instance := edge.NewInstance(edge.Guest[struct{}]{Configure: func(h *edge.Host, _ *struct{}) error {
		signal, partition = h.Signal(), h.Partition()
		return nil
	}}, nil)
	require.Zero(t, instance.Configure([]byte(`{"signal":"press1Temp","partition":"line 3","settings":{},"new":1}`)))
	assert.Equal(t, "press1Temp", signal)
	assert.Equal(t, "line 3", partition)
}

func TestAConfigurationThatIsNoObjectIsRefused(t *testing.T) {
	run := edgetest.New(t, above)
	instance := edge.NewInstance(above, refusals{})
	assert.Negative(t, instance.Configure([]byte(`{"signal":"x","settings":{`)))
	assert.Negative(t, instance.Configure([]byte(`{"signal":7}`)))
	assert.Negative(t, instance.Configure(nil))
	assert.Error(t, run.Number(1).Err)
}

// refusals is a host that only takes reasons.
type refusals struct{ edge.Imports }

func (refusals) Fail(string) {}
