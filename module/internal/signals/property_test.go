package signals

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// walk takes a random walk with jumps through stages with a deadband, and holds each decision against the last value
// that was sent, by itself or by a heartbeat: what is held back is within the deadband of it, what is sent is not.
func walk(t *testing.T, seed uint64, deadband float64, whole, beats bool) (sent, held int) {
	random := rand.New(rand.NewPCG(seed, 0))
	stages := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "absolute", deadband, "statusValue"
		if beats {
			s.HeartbeatInterval = 10 * time.Millisecond
		}
	})
	st, value, last := new(State), random.NormFloat64()*100, math.NaN()
	for i := range 400 {
		value += random.NormFloat64() * (deadband + 0.1) / 2
		if random.IntN(50) == 0 {
			value = random.NormFloat64() * math.Pow(10, float64(random.IntN(15)))
		}
		if whole {
			value = math.Round(value)
		}
		if beat, outcome := stages.Heartbeat(st, at(i)); outcome.Passed() {
			last = float(t, beat)
		}
		sample, outcome := stages.Take(st, found(strconv.FormatFloat(value, 'f', -1, 64)), at(i))
		apart := math.Abs(value - last)
		switch outcome.End {
		case Passed:
			require.False(t, apart <= deadband, "sent %v after %v", value, last)
			require.InDelta(t, value, float(t, sample), 0)
			last, sent = value, sent+1
		case Unchanged:
			require.LessOrEqual(t, apart, deadband, "held back %v after %v", value, last)
			held++
		default:
			require.Fail(t, "unexpected end", outcome.End)
		}
	}
	return sent, held
}

func float(t *testing.T, sample module.Sample) float64 {
	f, err := strconv.ParseFloat(string(sample.Value), 64)
	require.NoError(t, err)
	return f
}

func TestDeadbandNeverHidesALargerChangeAndNeverSendsWithinIt(t *testing.T) {
	sent, held := 0, 0
	for seed := range uint64(200) {
		deadband := []float64{0, 0.1, 0.5, 1, 3, 250.75}[seed%6]
		s, h := walk(t, seed, deadband, seed%2 == 0, seed%3 == 0)
		sent, held = sent+s, held+h
	}
	require.Greater(t, sent, 10_000, "the walks must be worth something")
	require.Greater(t, held, 10_000)
}

func FuzzDeadband(f *testing.F) {
	f.Add(uint64(1), 0.5, false, true)
	f.Add(uint64(2), 3.0, true, false)
	f.Fuzz(func(t *testing.T, seed uint64, deadband float64, whole, beats bool) {
		if deadband >= 0 && deadband < 1e12 {
			walk(t, seed, deadband, whole, beats)
		}
	})
}

// FuzzTake gives the stages any value: whatever it is, what comes out is a sample whose body is read back as it was.
func FuzzTake(f *testing.F) {
	f.Add([]byte("21.5"), 0, 0.1, false)
	f.Add([]byte(`"\u0037"`), 2, 1.0, true)
	f.Fuzz(func(t *testing.T, value []byte, dataType int, scale float64, ranged bool) {
		if !validJSON(value) || math.IsNaN(scale) || math.IsInf(scale, 0) {
			return
		}
		types := []string{"auto", "json", "double", "int64", "string", "boolean"}
		stages := stagesOf(t, func(s *module.Signal) {
			s.DataType, s.Scale, s.RangeAction = types[uint(dataType)%6], scale, "clamp"
			if ranged {
				s.RangeMin, s.RangeMax = ptr(-10.5), ptr(1e6)
			}
		})
		sample, outcome := stages.Take(new(State), Found{Value: value, Timestamp: start}, start)
		if outcome.Passed() {
			read, ok := parseSample(AppendSample(nil, Named{Signal: "s", Sample: sample}))
			require.True(t, ok)
			require.Equal(t, sample, read)
		}
	})
}
