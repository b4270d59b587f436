package signals

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// states returns a state of each kind.
func states(t testing.TB) []State {
	stages := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger = "absolute", 5, "statusValue"
	})
	all := []State{{}}
	var st State
	for i, f := range []Found{
		found("21.5"),
		{Value: []byte("22"), Timestamp: time.Date(2026, 1, 1, 1, 2, 3, 456, time.FixedZone("CET", 3600))},
		{Quality: module.Bad},
		found(`"a text that is longer than what a state holds in place"`),
	} {
		_, _ = stages.Take(&st, f, at(i))
		all = append(all, st)
	}
	return all
}

func TestEncodedStateDecidesAsTheOneThatItWas(t *testing.T) {
	later := at(60_000)
	stages := stagesOf(t, func(s *module.Signal) {
		s.DeadbandType, s.DeadbandValue, s.DataChangeTrigger, s.HeartbeatInterval = "absolute", 5, "statusValue", time.Second
	})
	for _, st := range states(t) {
		decoded, err := DecodeState(st.Append(nil), later)
		require.NoError(t, err)
		for _, value := range []string{"21.5", "26.6", `"text"`, "null"} {
			was, is := st, decoded
			want, wantOutcome := stages.Take(&was, found(value), later)
			sample, outcome := stages.Take(&is, found(value), later)
			assert.Equal(t, wantOutcome, outcome)
			assert.Equal(t, want, sample)
		}
		want, wantOutcome := stages.Heartbeat(&st, later)
		beat, outcome := stages.Heartbeat(&decoded, later)
		assert.Equal(t, wantOutcome, outcome)
		assert.Equal(t, string(AppendSample(nil, Named{Sample: want})), string(AppendSample(nil, Named{Sample: beat})))
	}
}

func TestEncodedStateIsSmall(t *testing.T) {
	st := states(t)[1]
	assert.Less(t, len(st.Append(nil)), 64)
}

func TestDecodedStateOfTheFutureHappenedNow(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.HeartbeatInterval = time.Second })
	var st State
	_, _ = stages.Take(&st, found("1"), at(3_600_000))
	decoded, err := DecodeState(st.Append(nil), at(0))
	require.NoError(t, err)
	assert.Equal(t, at(1000), stages.Due(&decoded))
}

func TestBytesThatAreNoStateAreRefused(t *testing.T) {
	whole := states(t)[4].appended()
	for name, data := range map[string][]byte{
		"empty": {}, "version": append([]byte{99}, whole[1:]...), "longer": append(whole, 0), "cut": whole[:len(whole)-2],
	} {
		_, err := DecodeState(data, start)
		assert.ErrorIs(t, err, errState, name)
	}
}

func (st State) appended() []byte { return st.Append(nil) }

func FuzzDecodeState(f *testing.F) {
	for _, st := range states(f) {
		f.Add(st.Append(nil))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		st, err := DecodeState(data, start)
		if err != nil {
			assert.Zero(t, st)
			return
		}
		again, err := DecodeState(st.Append(nil), start)
		require.NoError(t, err)
		assert.Equal(t, st, again)
	})
}
