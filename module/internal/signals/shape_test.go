package signals

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// named returns a good sample of 21.50 at a time on the synthetic clock.
func named(signal string, ms int) Named {
	return Named{Signal: signal, Sample: module.Sample{Value: []byte("21.50"), SourceTimestamp: at(ms)}}
}

func TestSampleHasWhatIsWorthSaying(t *testing.T) {
	full := named("press1", 5)
	full.DisplayName, full.Partition, full.Unit = "Press \"1\"\t°C", "m-7", "Cel"
	full.Quality, full.Reason, full.Published = module.Uncertain, module.Heartbeat, at(60_000)
	first := named("press1", 0)
	first.Reason = module.First
	bad := named("press1", 0)
	bad.Quality, bad.Value = module.Bad, nil
	elsewhere := named("press1", 0)
	elsewhere.SourceTimestamp = time.Date(2026, 1, 2, 3, 4, 5, 678_999_999, time.FixedZone("CET", 3600))
	late := named("press1", 0)
	late.SourceTimestamp = time.Date(20_000, 1, 1, 0, 0, 0, 0, time.UTC)

	for want, n := range map[string]Named{
		`{"signal":"press1","value":21.50,"sourceTimestamp":"2026-03-01T12:00:00.000Z"}`:                  named("press1", 0),
		`{"signal":"press1","value":21.50,"sourceTimestamp":"2026-03-01T12:00:00.000Z","reason":"first"}`: first,
		`{"signal":"press1","value":null,"sourceTimestamp":"2026-03-01T12:00:00.000Z","quality":"bad"}`:   bad,
		`{"signal":"press1","value":21.50,"sourceTimestamp":"2026-01-02T02:04:05.678Z"}`:                  elsewhere,
		`{"signal":"press1","value":21.50,"sourceTimestamp":"9999-12-31T23:59:59.999Z"}`:                  late,
		`{"alarm":true}`: {Signal: "press1", Raw: []byte(`{"alarm":true}`)},
		`{"signal":"press1","displayName":"Press \"1\"\u0009°C","partition":"m-7","value":21.50,"unit":"Cel","sourceTimestamp":"2026-03-01T12:00:00.005Z","quality":"uncertain","reason":"heartbeat","publishTimestamp":"2026-03-01T12:01:00.000Z"}`: full,
	} {
		assert.Equal(t, want, string(AppendSample(nil, n)))
	}
}

func TestSampleIsReadBack(t *testing.T) {
	for _, quality := range []module.Quality{module.Good, module.Uncertain, module.Bad} {
		for _, reason := range []module.Reason{module.Change, module.First, module.Heartbeat} {
			n := named("press1", 7)
			n.DisplayName, n.Quality, n.Reason = "Press", quality, reason
			if reason == module.Heartbeat {
				n.Published = at(8)
			}
			sample, ok := parseSample(AppendSample(nil, n))
			assert.True(t, ok)
			assert.Equal(t, n.Sample, sample)
		}
	}
}

func TestWhatIsNoSampleIsNotReadAsOne(t *testing.T) {
	for _, body := range []string{
		``, `21.5`, `[]`, `{"signal":"s"`, `{"value":1,"sourceTimestamp":"2026-03-01T12:00:00Z"}`,
		`{"signal":"s","sourceTimestamp":"2026-03-01T12:00:00Z"}`, `{"signal":"s","value":1}`,
		`{"signal":"s","value":1,"sourceTimestamp":"yesterday"}`,
		`{"signal":"s","value":1,"sourceTimestamp":"2026-03-01T12:00:00Z","quality":"fair"}`,
		`{"signal":"s","value":1,"sourceTimestamp":"2026-03-01T12:00:00Z","reason":"mood"}`,
	} {
		_, ok := parseSample([]byte(body))
		assert.False(t, ok, body)
	}
}

func FuzzSampleOfAnyNames(f *testing.F) {
	f.Add("press1", "Press \"1\"", "°C", "a/b\n")
	f.Add("\xff", "<&>", "\u2028", "\x00")
	f.Fuzz(func(t *testing.T, signal, display, unit, partition string) {
		n := named(signal, 0)
		n.DisplayName, n.Unit, n.Partition = display, unit, partition
		var read struct{ Signal, DisplayName, Unit, Partition string }
		require.NoError(t, json.Unmarshal(AppendSample(nil, n), &read))
		for text, got := range map[string]string{signal: read.Signal, display: read.DisplayName, unit: read.Unit, partition: read.Partition} {
			assert.Equal(t, string([]rune(text)), got, "what is not UTF-8 becomes the replacement character")
		}
	})
}
