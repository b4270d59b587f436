//go:build cgo

package conformance

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// What is compiled once serves all of them: a guest in Go takes seconds.
func TestAGuestBehavesAlikeInEveryLanguage(t *testing.T) {
	compiled := compileAverages(t)
	for name, specify := range map[string]func(*testing.T, guests){
		"it does its job":                                   doesItsJob,
		"its window survives a restart":                     survivesRestart,
		"a signal may change the language":                  maySwapLanguage,
		"a smaller window keeps the latest values":          keepsLatestValues,
		"settings are refused for the same reason":          refusesSettings,
		"a setting of null is the default":                  takesNullAsDefault,
		"what is no sample fails and the next one is taken": failsWhatIsNoSample,
		"texts keep their characters":                       keepsCharacters,
		"numbers are read and written exactly":              readsAndWritesNumbers,
		"large messages are taken":                          takesLargeMessages,
		"memory stays as it is":                             keepsItsMemory,
	} {
		t.Run(name, func(t *testing.T) { specify(t, compiled) })
	}
}

func doesItsJob(t *testing.T, compiled guests) {
	for _, size := range []int{1, 2, 7, 1000} {
		all := compiled.start(t, fmt.Sprintf(`{"window":%d}`, size))
		want := expected{size: size}
		for n, line := range readings(t) {
			require.Equal(t, want.after(t, line), all.message(t, line), "window %d, line %d: %s", size, n+1, line)
		}
	}
}

func survivesRestart(t *testing.T, compiled guests) {
	all, want := compiled.start(t, `{"window":7}`), expected{size: 7}
	for n, line := range readings(t) {
		if n%20 == 10 {
			all.restart(t, `{"window":7}`)
		}
		require.Equal(t, want.after(t, line), all.message(t, line), "line %d: %s", n+1, line)
	}
}

func maySwapLanguage(t *testing.T, compiled guests) {
	all, want := compiled.start(t, `{"window":7}`), expected{size: 7}
	names := slices.Sorted(maps.Keys(all))
	for n, line := range readings(t) {
		if n%20 == 10 {
			first := all[names[0]].state
			for i, name := range names[1:] {
				all[names[i]].state = all[name].state
			}
			all[names[len(names)-1]].state = first
			all.restart(t, `{"window":7}`)
		}
		require.Equal(t, want.after(t, line), all.message(t, line), "line %d: %s", n+1, line)
	}
}

func keepsLatestValues(t *testing.T, compiled guests) {
	all, want := compiled.start(t, `{"window":9}`), expected{size: 9}
	for n, line := range readings(t) {
		if n == 50 {
			require.Empty(t, all.configure(t, `{"window":3}`))
			want.size = 3
		}
		require.Equal(t, want.after(t, line), all.message(t, line), "line %d: %s", n+1, line)
	}
}

func refusesSettings(t *testing.T, compiled guests) {
	all := compiled.start(t, `{}`)
	for _, test := range []struct{ settings, reason string }{
		{`{"window":0}`, `"window" is not between 1 and 1000 samples`},
		{`{"window":-3}`, `"window" is not between 1 and 1000 samples`},
		{`{"window":1001}`, `"window" is not between 1 and 1000 samples`},
		{`{"window":9007199254740993}`, `"window" is not between 1 and 1000 samples`},
		{`{"window":99999999999999999999}`, `setting "window": want a whole number, got 99999999999999999999`},
		{`{"window":2.5}`, `setting "window": want a whole number, got 2.5`},
		{`{"window":"7"}`, `setting "window": want a whole number, got "7"`},
		{`{"window":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17]}`,
			`setting "window": want a whole number, got [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,…`},
		{`{"widnow":7}`, `unknown setting "widnow" (known: window)`},
		{`{"window":7,"high":80}`, `unknown setting "high" (known: window)`},
	} {
		assert.Equal(t, test.reason, all.configure(t, test.settings), test.settings)
	}
	want := expected{size: 10} // the default, which is still at work
	for _, line := range readings(t)[:30] {
		require.Equal(t, want.after(t, line), all.message(t, line))
	}
}

func takesNullAsDefault(t *testing.T, compiled guests) {
	for _, settings := range []string{`null`, `{"window":null}`} {
		all, want := compiled.start(t, settings), expected{size: 10}
		for _, line := range readings(t)[:30] {
			require.Equal(t, want.after(t, line), all.message(t, line))
		}
	}
}

func failsWhatIsNoSample(t *testing.T, compiled guests) {
	all := compiled.start(t, `{"window":2}`)
	for _, body := range []string{``, `{`, `[]`, `7`, `{"value":}`, `{"value":01}`, `{"value":1}x`, `{"signal":"a" "value":1}`,
		`{"value":` + strings.Repeat("[", 5000), `{"value":"` + strings.Repeat("x", 1<<19), `{"signal":7,"value":1}`} {
		for language, s := range all {
			got := s.message(t, body)
			assert.Equal(t, module.Verdict(-1), got.Verdict, "%s of %.30s", language, body)
			assert.True(t, strings.HasPrefix(got.Failed, "read sample: "), "%s says of %.30s: %s", language, body, got.Failed)
		}
	}
	assert.Equal(t, `read sample: no "value": is the signal without a selector?`, all.message(t, `{"signal":"press1"}`).Failed)
	assert.Equal(t, []string{`{"signal":"press1","average":1,"count":1}`}, all.message(t, `{"signal":"press1","value":1}`).Bodies)
}

func keepsCharacters(t *testing.T, compiled guests) {
	all := compiled.start(t, `{"window":1}`)
	body := ` { "signal" : "\u00e9\ud83d\ude00\"\\\/\b\n\u0001é😀" , "value" : 1, "more":{"a":[true,false,null,{}]}, "unit":null } `
	assert.Equal(t, []string{`{"signal":"é😀\"\\/\u0008\u000a\u0001é😀","average":1,"count":1}`}, all.message(t, body).Bodies)
}

func takesLargeMessages(t *testing.T, compiled guests) {
	all := compiled.start(t, `{"window":1}`)
	for _, size := range []int{4000, 4096, 5000, 70_000, 262_144, 5000} {
		body := `{"signal":"press1","pad":"` + strings.Repeat("x", size) + `","value":1}`
		assert.Equal(t, module.Done, all.message(t, body).Verdict, size)
	}
}

func keepsItsMemory(t *testing.T, compiled guests) {
	if testing.Short() {
		t.Skip("30,000 messages in each language")
	}
	all, lines := compiled.start(t, `{"window":100}`), readings(t)
	before := map[string]int64{}
	for n := range 30_000 {
		for language, s := range all {
			if n == 10_000 {
				before[language] = s.instance.Memory()
			}
			_, _ = s.instance.Message(module.Message{Body: []byte(lines[n%len(lines)])})
		}
	}
	for language, s := range all {
		if language != "go" { // its collector takes longer to find its pace
			assert.Equal(t, before[language], s.instance.Memory(), language)
		}
	}
}
