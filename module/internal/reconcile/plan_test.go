package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/twin"
)

// entries reads "name:source" words: a source is a signal, "timer", or "in"; several stand with a plus sign between them and
// are their own keys. An equals sign and what follows it is the unit.
func entries(words string) map[module.SignalName]Entry {
	all := make(map[module.SignalName]Entry)
	for word := range strings.FieldsSeq(words) {
		word, unit, _ := strings.Cut(word, "=")
		name, source, _ := strings.Cut(word, ":")
		e := Entry{Signal: module.Signal{Name: module.SignalName(name), Unit: unit}}
		if strings.Contains(source, "+") {
			e.Signal.Sources = make(map[string]module.Source)
			for key := range strings.SplitSeq(source, "+") {
				e.Signal.Sources[key] = sourceOf(key)
			}
		} else {
			e.Signal.Source = sourceOf(source)
		}
		all[e.Signal.Name] = e
	}
	return all
}

func sourceOf(word string) module.Source {
	switch word {
	case "", "in":
		return module.Source{Kind: module.SourceInput, Name: "in"}
	case "timer":
		return module.Source{Kind: module.SourceTimer}
	}
	return module.Source{Kind: module.SourceSignal, Name: word}
}

func TestPlan(t *testing.T) {
	for _, test := range []struct{ name, running, failed, wanted, want string }{
		{"nothing", "", "", "", ""},
		{"the same needs no step", "a b", "", "a b", ""},
		{"what is new starts, by name", "", "", "b a", "start a, start b"},
		{"what differs changes", "a=m b", "", "a=km b", "change a"},
		{"what is not wanted goes last", "a b", "", "b c", "start c, remove a"},
		{"what failed is tried again", "a", "b", "a b", "start b"},
		{"what failed and is not wanted goes", "", "b", "", "remove b"},
		{"timers start when those that read them are there", "", "", "a:timer b:a", "start b, start a"},
		{"a signal goes before those that read it", "a:b b:c c d", "", "", "remove c, remove b, remove a, remove d"},
		{"a signal goes before those that read it among others", "a:in+c b:c c", "", "", "remove c, remove a, remove b"},
		{"a timer among inputs is not waited for", "", "", "a:in+timer b:timer c", "start a, start c, start b"},
		{"a circle goes all the same", "a:b b:a", "", "", "remove b, remove a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			running, wanted := entries(test.running), entries(test.wanted)
			coming, timers, going := Plan(running, entries(test.failed), wanted)
			var got []string
			for _, s := range slices.Concat(coming, timers, going) {
				got = append(got, string(s.Action)+" "+string(s.Entry.Signal.Name))
			}
			assert.Equal(t, test.want, strings.Join(got, ", "))
			assert.Equal(t, entries(test.running), running, "the plan changes nothing")
		})
	}
}

func TestAnotherDigestIsAChangeAndAnotherVersionIsNone(t *testing.T) {
	a, b := entries("a")["a"], entries("a")["a"]
	b.Version = 7
	assert.True(t, a.same(b))
	b.Digest = "sha256:2"
	assert.False(t, a.same(b))
}

// What was stored starts again as it is asked for, without a change.
func TestAnEntryIsTheSameAfterItWasStored(t *testing.T) {
	d := twin.Parse([]byte(`{"schemaVersion": "1.0", "$version": 1,
		"guests": {"g": {"source": "file:g.wasm", "settings": {"text": "a < b & c"}, "permissions": {"env": {"A": "${signal}"}}}},
		"signals": {"s": {"source": "input:in", "guest": "g", "properties": {"p": "<>"}}, "h": {"source": "input:in"}}}`), twin.Environment{})
	require.Empty(t, d.Findings)
	for name, signal := range d.Signals {
		e := Entry{Version: 1, Signal: signal, Guest: d.Guests[signal.Guest]}
		stored, err := json.Marshal(e)
		require.NoError(t, err)
		var loaded Entry
		require.NoError(t, json.Unmarshal(stored, &loaded))
		assert.True(t, loaded.same(e), name)
	}
}

func TestTheNewestSignalOfACircleGetsNothing(t *testing.T) {
	for words, want := range map[string]string{
		"a b:a c:b":            "",
		"a:b b:a":              "b",
		"a:c b:a c:b d:c":      "c",
		"a:a":                  "a",
		"a b c:a+b d:c+in":     "",
		"a:in+b b:in+c c:in+a": "c",
		"a:b+c b c:b+a":        "c",
	} {
		assert.Equal(t, want, joined(circles(entries(words))), words)
	}
	all := entries("a:b b:a")
	newer := all["a"]
	newer.Version = 2
	all["a"] = newer
	assert.Equal(t, "a", joined(circles(all)))
}

func TestAWebOfSignalsIsSearchedOnce(t *testing.T) {
	words := "s0"
	for i := 1; i < 200; i++ { // each reads the two before it: as many ways as there are Fibonacci numbers
		words += fmt.Sprintf(" s%d:s%d+s%d", i, i-1, max(i-2, 0))
	}
	assert.Empty(t, circles(entries(words)))
}

func joined(names map[module.SignalName]module.SignalName) string {
	var text []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		text = append(text, string(name))
	}
	return strings.Join(text, " ")
}
