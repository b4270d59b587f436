package signals

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// scaled returns the stages of the commonest signal: a number with a scale and a deadband.
func scaled(t testing.TB) *Stages {
	return stagesOf(t, func(s *module.Signal) {
		s.DataType, s.Scale, s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "double", 0.1, "absolute", 0.5, "statusValue"
		s.HeartbeatInterval = time.Minute
	})
}

var alike, apart = [2]Found{found("731.25"), found("733.5")}, [2]Found{found("731.25"), found("841.5")}

func TestValueThatIsHeldBackCostsNoMemoryAndOneThatPassesItsOwn(t *testing.T) {
	stages, st, i := scaled(t), new(State), 0
	take := func(pair [2]Found) func() {
		return func() {
			_, _ = stages.Take(st, pair[i%2], at(i))
			i++
		}
	}
	assert.Zero(t, testing.AllocsPerRun(100, take(alike)))
	assert.EqualValues(t, 1, testing.AllocsPerRun(100, take(apart)))
}

func BenchmarkTake(b *testing.B) {
	for name, pair := range map[string][2]Found{"held back": alike, "passed": apart} {
		b.Run(name, func(b *testing.B) {
			stages, st, now := scaled(b), new(State), time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, _ = stages.Take(st, pair[i%2], now)
			}
		})
	}
}

func BenchmarkAppendSample(b *testing.B) {
	n := named("press1Temperature", 0)
	n.Unit = "Cel"
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = AppendSample(dst[:0], n)
	}
}

func BenchmarkAppendPayload(b *testing.B) {
	var items []Named
	for i := range 200 {
		items = append(items, named("press"+string(rune('a'+i%26))+string(rune('a'+i/26)), 0))
	}
	for _, payload := range []string{"samples", "flat", "opcPubSub"} {
		b.Run(payload, func(b *testing.B) {
			var dst []byte
			b.ReportAllocs()
			for b.Loop() {
				dst = AppendPayload(dst[:0], payload, items, group)
			}
		})
	}
}

func BenchmarkState(b *testing.B) {
	st := states(b)[1]
	data := st.Append(nil)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data = st.Append(data[:0])
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _ = DecodeState(data, start)
		}
	})
}
