package document

import (
	"encoding/json"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sensor = `{"machine":{"temperature":21.50,"id":12345678901234567890},"tags":["a",{"b~/c":true}], "none":null,"":"empty","ä":"\u00e4\ud83d\ude00"}`

func parse(t testing.TB, text string) Node {
	t.Helper()
	doc, err := Parse([]byte(text))
	require.NoError(t, err)
	return doc.Root()
}

func TestTextIsTakenExactlyWhenEncodingJSONTakesIt(t *testing.T) {
	for _, text := range []string{
		``, ` `, `null`, ` true `, `false`, `nul`, `nulll`, `tru e`, `"a"`, `"a`, `'a'`, "\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\"", "\xef\xbb\xbf1",
		`"\n\u00e4\/"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\ud800"`, `"\`, `"\u`,
		`0`, `-0`, `01`, `-`, `+1`, `1.`, `.5`, `1.5`, `1e5`, `1E+05`, `1e`, `1e-`, `1.5e3.2`, `NaN`, `Infinity`, `0x10`, `12345678901234567890123`,
		`[]`, `[ ]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2]`, `[`, `[1`, `]`, `[}`, `{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{a:1}`, `{1:1}`,
		`{"a" : [ {"b":null} , 1 ] } `, `{"a":1 "b":2}`, `{"a":1]`, `{} {}`, "1\x00", "\x00", "\v1", sensor,
		strings.Repeat("[", 10000) + strings.Repeat("]", 10000), strings.Repeat("[", 10001) + strings.Repeat("]", 10001),
		strings.Repeat(`{"a":`, 10000) + "1" + strings.Repeat("}", 10000),
	} {
		_, err := Parse([]byte(text))
		assert.Equal(t, json.Valid([]byte(text)), err == nil, "%.60q: %v", text, err)
	}
}

func TestErrorTellsWhereTheTextIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		``:                           "parse JSON: text ends at offset 0",
		`{"a":[1,2`:                  "parse JSON: text ends at offset 9",
		`{"a":hello}`:                "parse JSON: unexpected 'h' at offset 5",
		`{"a":1} x`:                  "parse JSON: unexpected 'x' at offset 8",
		`{"a":"\q"}`:                 "parse JSON: unexpected 'q' at offset 7",
		strings.Repeat("[", 1000000): "parse JSON: nested deeper than 10000 at offset 10000",
	} {
		_, err := Parse([]byte(text))
		assert.EqualError(t, err, want)
	}
}

func TestValuesStandAsInTheText(t *testing.T) {
	root := parse(t, ` {"n": -1.50e+2 ,"s":"a\"b","b":true,"z":null,"a":[ 1 , 2 ],"o":{ }} `)
	for name, want := range map[string]struct {
		kind      Kind
		raw, text string
	}{
		"n": {Number, "-1.50e+2", "-1.50e+2"},
		"s": {String, `"a\"b"`, `a"b`},
		"b": {Bool, "true", "true"},
		"z": {Null, "null", "null"},
		"a": {Array, "[ 1 , 2 ]", "[ 1 , 2 ]"},
		"o": {Object, "{ }", "{ }"},
	} {
		node, ok := root.Member(name)
		require.True(t, ok, name)
		assert.Equal(t, want.kind, node.Kind(), name)
		assert.Equal(t, want.raw, string(node.Raw()), name)
		assert.Equal(t, want.text, node.Text(), name)
		assert.True(t, node.Is(want.text), name)
		assert.False(t, node.Is(want.text+"x"), name)
	}
}

func TestStringsReadAsEncodingJSONReadsThem(t *testing.T) {
	for _, text := range []string{`""`, `"a"`, `"\u00e4"`, `"ä"`, `"\ud83d\ude00"`, `"\ud83d"`, "\"\xff\"", `"\b\f\n\r\t\/\\\""`} {
		var want string
		require.NoError(t, json.Unmarshal([]byte(text), &want))
		assert.Equal(t, want, parse(t, text).Text(), text)
	}
}

func TestOfMembersWithOneNameTheLastCounts(t *testing.T) {
	member, ok := parse(t, `{"a":1,"b":2,"\u0061":3}`).Member("a")
	assert.True(t, ok)
	assert.Equal(t, "3", string(member.Raw()))
}

func TestPartsComeInTheOrderOfTheText(t *testing.T) {
	root := parse(t, `{"b":[1,[2,3],{"x":4}],"a":{},"b":5}`)
	var names, raws []string
	for name, value := range root.Members() {
		names, raws = append(names, name.Text()), append(raws, string(value.Raw()))
	}
	assert.Equal(t, []string{"b", "a", "b"}, names)
	assert.Equal(t, []string{`[1,[2,3],{"x":4}]`, "{}", "5"}, raws)

	array := parse(t, raws[0])
	raws = nil
	for i, element := range array.Elements() {
		assert.Len(t, raws, i)
		raws = append(raws, string(element.Raw()))
	}
	assert.Equal(t, []string{"1", "[2,3]", `{"x":4}`}, raws)
}

func TestTheZeroNodeIsAbsent(t *testing.T) {
	var node Node
	assert.Equal(t, Absent, node.Kind())
	assert.Nil(t, node.Raw())
	assert.Empty(t, node.Text())
	_, ok := node.Member("a")
	assert.False(t, ok)
	_, ok = node.Element(0)
	assert.False(t, ok)
	_, ok = Pointer(nil).Find(node)
	assert.False(t, ok)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sensor, `[1,-0.5e3,"\u0000",null]`, `{"a":{"a":[[],{}]}}`, "\"\xff\\ud800\"", `{"a":1,"a":2}`, `[`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := Parse(body)
		require.Equal(t, json.Valid(body), err == nil, "%v", err)
		if err == nil {
			requireSame(t, body, doc.Root())
		}
	})
}

// requireSame compares a value and all within with what encoding/json makes of its text.
func requireSame(t *testing.T, raw []byte, n Node) {
	t.Helper()
	require.Equal(t, strings.Trim(string(raw), " \t\r\n"), string(n.Raw()))
	switch n.Kind() {
	case String:
		var want string
		require.NoError(t, json.Unmarshal(raw, &want))
		require.Equal(t, want, n.Text())
	case Array:
		var want []json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &want))
		count := 0
		for i, element := range n.Elements() {
			requireSame(t, want[i], element)
			count++
		}
		require.Len(t, want, count)
	case Object:
		var want map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(raw, &want))
		for name := range n.Members() {
			require.Contains(t, want, name.Text())
		}
		for name, value := range want {
			member, ok := n.Member(name)
			require.True(t, ok)
			requireSame(t, value, member)
		}
	}
}

func TestHashIsThatOfTheText(t *testing.T) {
	seed := maphash.MakeSeed()
	for _, text := range []string{`""`, `"a"`, `"\u0061"`, `"ä"`, "\"\xff\"", "17", "[ 1 ]"} {
		node := parse(t, text)
		assert.Equal(t, maphash.String(seed, node.Text()), node.Hash(seed), text)
	}
}
