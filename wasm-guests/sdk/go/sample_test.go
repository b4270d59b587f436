package edge_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

// lastSample returns a runner and where its guest leaves a copy of the sample that it was handed last.
func lastSample(t *testing.T) (*edgetest.Runner, *edge.Sample) {
	last := &edge.Sample{}
	return edgetest.Start(t, edge.Guest[struct{}]{
		Sample: func(_ *edge.Host, s *edge.Sample, _ *struct{}) (edge.Verdict, error) {
			*last = *s
			last.Value = append(edge.Value{}, s.Value...)
			return edge.Pass, nil
		},
	}, `{}`), last
}

func TestSampleCarriesAllThatTheHostSends(t *testing.T) {
	run, last := lastSample(t)
	run.Message(`{"signal":"press1Temp","value":81.5,"unit":"Cel","sourceTimestamp":"2026-01-02T03:04:05.678Z",` +
		`"publishTimestamp":"2026-01-02T03:05:00.000Z","quality":"uncertain","reason":"heartbeat"}`)
	assert.Equal(t, edge.Sample{
		Signal: "press1Temp", Value: edge.Value("81.5"), Unit: "Cel",
		SourceTimestamp: "2026-01-02T03:04:05.678Z", PublishTimestamp: "2026-01-02T03:05:00.000Z",
		Quality: edge.Uncertain, Reason: edge.Heartbeat,
	}, *last)
}

func TestSampleIsGoodAndAChangeWhereTheHostLeavesThatOut(t *testing.T) {
	run, last := lastSample(t)
	run.Sample(edgetest.Sample{Value: 1, Quality: edge.Bad, Reason: edge.First, Unit: "Cel"})
	run.Sample(edgetest.Sample{Value: 2})
	assert.Equal(t, edge.Sample{
		Signal: edgetest.Signal, Value: edge.Value("2"), Quality: edge.Good, Reason: edge.Change,
	}, *last, "nothing is left over from the sample before")
}

func TestSampleOfANewerHostIsRead(t *testing.T) {
	run, last := lastSample(t)
	result := run.Message(`{"value":1,"confidence":{"low":0.9}}`)
	require.NoError(t, result.Err)
	assert.Equal(t, edge.Value("1"), last.Value)
}

func TestWhatIsNoSampleFails(t *testing.T) {
	run, _ := lastSample(t)
	for _, test := range []struct{ body, reason string }{
		{`{"machine":{"temperature":21}}`, `read sample: no "value": is the signal without a selector?`},
		{`[{"value":1}]`, `read sample: want an object, got an array`},
		{`{"value":1`, `read sample: json ends after a value`},
		{`{"value":1,"unit":7}`, `read sample: unit: want a string, got a number`},
		{``, `read sample: json ends looking for an object`},
		{`<xml/>`, `read sample: unexpected '<' at byte 0 of json, looking for an object`},
	} {
		result := run.Message(test.body)
		assert.Negative(t, result.Verdict, test.body)
		assert.EqualError(t, result.Err, test.reason, test.body)
	}
}

func TestValueConvertsToWhatItIs(t *testing.T) {
	number, ok := edge.Value("-1.5e3").Float()
	assert.True(t, ok)
	assert.Equal(t, -1500.0, number)

	whole, ok := edge.Value("9007199254740993").Int()
	assert.True(t, ok)
	assert.Equal(t, int64(9007199254740993), whole, "beyond what a float64 tells apart")

	chars, ok := edge.Value(`"a\n\u00e9"`).Text()
	assert.True(t, ok)
	assert.Equal(t, "a\né", chars)

	yes, ok := edge.Value("true").Bool()
	assert.True(t, ok)
	assert.True(t, yes)
}

func TestValueDoesNotConvertToWhatItIsNot(t *testing.T) {
	for _, value := range []edge.Value{edge.Value(`"1"`), edge.Value("true"), edge.Value("null"), edge.Value("[1]"),
		edge.Value("1e999"), nil} {
		_, ok := value.Float()
		assert.False(t, ok, "%s as a number", value)
	}
	_, ok := edge.Value("1.5").Int()
	assert.False(t, ok)
	_, ok = edge.Value("1").Text()
	assert.False(t, ok)
	_, ok = edge.Value("1").Bool()
	assert.False(t, ok)
}

func TestValueAsAny(t *testing.T) {
	assert.Equal(t, 1.5, edge.Value("1.5").Any())
	assert.Equal(t, "on", edge.Value(`"on"`).Any())
	assert.Equal(t, false, edge.Value("false").Any())
	assert.Nil(t, edge.Value("null").Any())
	assert.Equal(t, edge.Value(`[1]`), edge.Value("[1]").Any())
}

// A guest that is called ten times a second must not keep its garbage collector busy.
func TestSamplesThatRepeatTheirTextsAreReadWithoutAllocating(t *testing.T) {
	guest := edge.NewInstance(edge.Guest[struct{}]{
		Sample: func(_ *edge.Host, s *edge.Sample, _ *struct{}) (edge.Verdict, error) {
			value, ok := s.Float()
			return edge.PassIf(ok && value > 80), nil
		},
	}, nil)
	require.Zero(t, guest.Configure([]byte(`{"signal":"press1Temp","settings":{}}`)))
	body := []byte(`{"signal":"press1Temp","value":81.5,"unit":"Cel","sourceTimestamp":"2026-01-02T03:04:05.678Z"}`)
	assert.Zero(t, testing.AllocsPerRun(100, func() { guest.Message(body) }))
}
