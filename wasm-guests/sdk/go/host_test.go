package edge_test

import (
	"encoding/json"
	"errors"
	"math"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// do runs one call of a guest on a new fake host.
func do(t *testing.T, handle func(h *edge.Host) error) (*edgetest.Runner, edgetest.Result) {
	run := edgetest.Start(t, guestOf(func(h *edge.Host, _ []byte) (edge.Verdict, error) {
		return edge.Done, handle(h)
	}), `{}`)
	return run, run.Message("x")
}

func TestEmittedMessagesKeepOutputBodyAndProperties(t *testing.T) {
	messages := []edge.Message{
		{Body: []byte("plain")},
		{Output: "alerts", Body: []byte{0, 0xff}, Properties: edge.Properties{
			{"alert", "high"}, {"a=b&c%", "1/2 + é\x00"}, {"empty", ""}, {edge.ContentType, "application/json"},
		}},
	}
	_, result := do(t, func(h *edge.Host) error { return errors.Join(h.Emit(messages[0]), h.Emit(messages[1])) })
	require.NoError(t, result.Err)
	assert.Equal(t, messages, result.Emitted)
}

func TestEmitRefusesNamesThatGuestsMayNotUse(t *testing.T) {
	for _, m := range []edge.Message{
		{Output: "deadletter"},
		{Output: "no/slash"},
		{Properties: edge.Properties{{"$.mid", "1"}}},
		{Properties: edge.Properties{{"iothub-connection-device-id", "1"}}},
		{Properties: edge.Properties{{"", "1"}}},
	} {
		run, result := do(t, func(h *edge.Host) error { return h.Emit(m) })
		assert.EqualError(t, result.Err, edge.ErrNotAllowed.Error())
		assert.Empty(t, result.Emitted)
		assert.Empty(t, run.Logs)
	}
}

func TestEmitStopsAtTheLimitsOfACall(t *testing.T) {
	sent := 0
	_, result := do(t, func(h *edge.Host) error {
		for h.Emit(edge.Message{Body: []byte("x")}) == nil {
			sent++
		}
		return h.Emit(edge.Message{})
	})
	assert.Equal(t, 64, sent)
	assert.EqualError(t, result.Err, edge.ErrLimit.Error())

	_, result = do(t, func(h *edge.Host) error { return h.Emit(edge.Message{Body: make([]byte, 1<<20+1)}) })
	assert.EqualError(t, result.Err, edge.ErrLimit.Error())
}

func TestAFailedCallLeavesNothingBehindButItsLog(t *testing.T) {
	run, result := do(t, func(h *edge.Host) error {
		h.Log(edge.Warning, "about to fail")
		h.Count("seen", 1)
		return errors.Join(h.SetState("n", []byte("1")), h.Emit(edge.Message{}), errors.New("failed"))
	})
	assert.EqualError(t, result.Err, "failed")
	assert.Empty(t, result.Emitted)
	assert.Empty(t, run.State)
	assert.Empty(t, run.Counters)
	assert.Equal(t, []edgetest.Log{{Level: edge.Warning, Text: "about to fail"}}, run.Logs)
}

func TestPropertiesOfTheMessageAtHand(t *testing.T) {
	long := strings.Repeat("long ", 1000)
	run := edgetest.Start(t, guestOf(func(h *edge.Host, _ []byte) (edge.Verdict, error) {
		value, ok := h.Property("$.ct")
		assert.True(t, ok)
		assert.Equal(t, "application/json", value)
		value, ok = h.Property("note")
		assert.True(t, ok)
		assert.Equal(t, long, value)
		value, ok = h.Property("empty")
		assert.True(t, ok)
		assert.Empty(t, value)
		_, ok = h.Property("none")
		assert.False(t, ok)
		return edge.Pass, nil
	}), `{}`)
	run.Properties = map[string]string{"$.ct": "application/json", "note": long, "empty": ""}
	assert.Equal(t, edge.Pass, run.Message("x").Verdict)
}

func TestStateIsKeptUntilItIsDeleted(t *testing.T) {
	run, _ := do(t, func(h *edge.Host) error {
		_, ok := h.State("n")
		assert.False(t, ok)
		require.NoError(t, h.SetState("n", []byte("1")))
		value, ok := h.State("n")
		assert.True(t, ok)
		require.NoError(t, h.SetState("m", []byte("22")))
		_, _ = h.State("m")
		assert.Equal(t, "1", string(value), "a copy of its own")
		h.DeleteState("m")
		return nil
	})
	assert.Equal(t, map[string][]byte{"n": []byte("1")}, run.State)
}

func TestStateOverItsQuotaIsRefused(t *testing.T) {
	run := edgetest.Start(t, guestOf(func(h *edge.Host, body []byte) (edge.Verdict, error) {
		return edge.Done, h.SetState("k", body)
	}), `{}`)
	run.Storage = 4
	assert.NoError(t, run.Message("123").Err)
	assert.EqualError(t, run.Message("1234").Err, edge.ErrStorage.Error())
	assert.Equal(t, "123", string(run.State["k"]))
}

func TestMetricsOfThreeKinds(t *testing.T) {
	run, _ := do(t, func(h *edge.Host) error {
		h.Count("seen", 1)
		h.Count("seen", 2)
		h.Gauge("level", 5)
		h.Gauge("level", 6)
		h.Observe("size", 7)
		h.Observe("size", 8)
		return nil
	})
	assert.Equal(t, map[string]float64{"seen": 3}, run.Counters)
	assert.Equal(t, map[string]float64{"level": 6}, run.Gauges)
	assert.Equal(t, map[string][]float64{"size": {7, 8}}, run.Histograms)
}

func TestNowIsTheHostsClock(t *testing.T) {
	run := edgetest.Start(t, guestOf(func(h *edge.Host, _ []byte) (edge.Verdict, error) {
		assert.Equal(t, int64(1767323045678), h.Now())
		return edge.Done, nil
	}), `{}`)
	run.Now = 1767323045678
	assert.NoError(t, run.Message("x").Err)
}

func TestObjectWritesWhatEncodingJSONReads(t *testing.T) {
	var o edge.Object
	assert.Equal(t, "{}", string(o.JSON()))
	o.Text("text", "a \"b\" \\ \n \x00 é 😀 \xff")
	o.Number("number", 81.5)
	o.Number("tiny", 5e-324)
	o.Number("none", math.NaN())
	o.Bool("flag", true)
	o.Value("value", edge.Value(`[1]`))
	assert.JSONEq(t, `{"text":"a \"b\" \\ \n \u0000 é 😀 \ufffd","number":81.5,"tiny":5e-324,"none":null,`+
		`"flag":true,"value":[1]}`, string(o.JSON()))
	o.Reset()
	o.Bool("again", false)
	assert.Equal(t, `{"again":false}`, string(o.JSON()))
}

func TestObjectAsAMessageIsDeclaredAsJSON(t *testing.T) {
	var o edge.Object
	o.Number("n", 1)
	given := make(edge.Properties, 1, 8)
	given[0] = struct{ Name, Value string }{"alert", "high"}
	want := edge.Properties{{"alert", "high"}, {"$.ct", "application/json"}, {"$.ce", "utf-8"}}
	assert.Equal(t, edge.Message{Body: []byte(`{"n":1}`), Properties: want}, o.Message(given))
	assert.Empty(t, given[:2][1].Name, "the caller's own are left alone")
}

// FuzzBag holds the encoder of properties against the decoder of net/url: what goes in comes out.
func FuzzBag(f *testing.F) {
	f.Add("alert", "high")
	f.Add("a=b&c", "%41 + ~")
	f.Fuzz(func(t *testing.T, name, value string) {
		var bag string
		instance := edge.NewInstance(guestOf(func(h *edge.Host, _ []byte) (edge.Verdict, error) {
			return edge.Done, h.Emit(edge.Message{Properties: edge.Properties{{name, value}, {"b", "2"}}})
		}), bagSink{bag: &bag})
		require.Zero(t, instance.Configure([]byte(`{}`)))
		require.Equal(t, int32(edge.Done), instance.Message(nil))

		rawName, rest, _ := strings.Cut(bag, "=")
		rawValue, last, _ := strings.Cut(rest, "&")
		gotName, err := url.PathUnescape(rawName)
		require.NoError(t, err)
		gotValue, err := url.PathUnescape(rawValue)
		require.NoError(t, err)
		assert.Equal(t, []string{name, value, "b=2"}, []string{gotName, gotValue, last})
	})
}

// bagSink is a host that keeps the bag of what is emitted.
type bagSink struct {
	edge.Imports
	bag *string
}

func (s bagSink) Emit(_ string, _, bag []byte) int32 { *s.bag = string(bag); return 0 }

// FuzzObjectText holds the writer of strings against encoding/json.
func FuzzObjectText(f *testing.F) {
	f.Add("plain")
	f.Add("\x1f\x7f\u2028\xc3")
	f.Fuzz(func(t *testing.T, text string) {
		var o edge.Object
		o.Text("t", text)
		var got struct{ T string }
		require.NoError(t, json.Unmarshal(o.JSON(), &got))
		assert.Equal(t, string([]rune(text)), got.T, "with U+FFFD for each byte that is no character")
	})
}

func TestAnObjectWritesNumbersAsEncodingJSONDoes(t *testing.T) {
	for _, number := range []float64{0, 1, -21.5, 1e6, 123456789.5, 1e-6, 1e-7, -2.5e-10, 1e20, 1e21, 1.5e300, 5e-324, math.MaxFloat64} {
		want, err := json.Marshal(map[string]float64{"n": number})
		require.NoError(t, err)
		var o edge.Object
		o.Number("n", number)
		assert.Equal(t, string(want), string(o.JSON()))
	}
}
