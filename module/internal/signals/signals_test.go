package signals

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const sensorMessage = `{"machine":{"temperature":21.50,"pressure":1.05,"id":12345678901234567890},"tags":["a",{"b~/c":true}],"none":null}`

func TestPointerFindsValuesAsTheyStand(t *testing.T) {
	for _, row := range []struct{ pointer, want string }{
		{"", sensorMessage},
		{"/machine/temperature", "21.50"},
		{"/machine/id", "12345678901234567890"},
		{"/tags/0", `"a"`},
		{"/tags/1/b~0~1c", "true"},
		{"/none", "null"},
	} {
		p, err := ParsePointer(row.pointer)
		require.NoError(t, err)
		value, ok, err := p.Find([]byte(sensorMessage))
		require.NoError(t, err, row.pointer)
		assert.True(t, ok, row.pointer)
		assert.Equal(t, row.want, string(value), row.pointer)
	}
}

func TestPointerLeadsNowhereWithoutError(t *testing.T) {
	for _, pointer := range []string{"/absent", "/tags/2", "/tags/x", "/tags/-1", "/machine/temperature/deeper", "/none/deeper"} {
		p, err := ParsePointer(pointer)
		require.NoError(t, err)
		_, ok, err := p.Find([]byte(sensorMessage))
		assert.NoError(t, err, pointer)
		assert.False(t, ok, pointer)
	}
}

func TestPointerMustBeginWithASlash(t *testing.T) {
	_, err := ParsePointer("machine")
	assert.ErrorContains(t, err, "must begin with a slash")
}

func TestSampleCarriesValueUnitAndArrivalTime(t *testing.T) {
	stages, err := NewSelection(module.Signal{Name: "press1", Selector: "/machine/temperature", Unit: "Cel"})
	require.NoError(t, err)
	at := time.Date(2026, 1, 2, 3, 4, 5, 678_900_000, time.FixedZone("CET", 3600))

	sample, ok, err := stages.Apply([]byte(sensorMessage), at)

	require.NoError(t, err)
	require.True(t, ok)
	assert.Equal(t, `{"signal":"press1","value":21.50,"unit":"Cel","sourceTimestamp":"2026-01-02T02:04:05.678Z"}`, string(sample))
}

func TestNoSampleWithoutValue(t *testing.T) {
	for _, selector := range []string{"/absent", "/none"} {
		stages, err := NewSelection(module.Signal{Name: "s", Selector: selector})
		require.NoError(t, err)
		_, ok, err := stages.Apply([]byte(sensorMessage), time.Now())
		assert.NoError(t, err)
		assert.False(t, ok, selector)
	}
}

func TestMessageThatIsNotJSONIsAnError(t *testing.T) {
	for _, body := range []string{"", "hello", `{"machine":`, `{"machine":{"temperature":}}`} {
		stages, err := NewSelection(module.Signal{Name: "s", Selector: "/machine/temperature"})
		require.NoError(t, err)
		_, ok, err := stages.Apply([]byte(body), time.Now())
		assert.Error(t, err, body)
		assert.False(t, ok, body)
	}
}

func FuzzFind(f *testing.F) {
	f.Add("/machine/temperature", []byte(sensorMessage))
	f.Add("/tags/1", []byte(`[1,2]`))
	f.Fuzz(func(t *testing.T, pointer string, body []byte) {
		if p, err := ParsePointer(pointer); err == nil {
			_, ok, err := p.Find(body)
			assert.False(t, ok && err != nil)
		}
	})
}
