package scan_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/internal/scan"
)

func TestMembersComeInOrderWithTheirRawValues(t *testing.T) {
	var got []string
	members := scan.Members([]byte(" { \"a\" : 1 , \"b\\u0063\":[1, {}],\n\"d\":\"x,}\" } "))
	for members.Next() {
		got = append(got, string(members.Key), string(members.Value))
	}
	require.NoError(t, members.Err())
	assert.Equal(t, []string{"a", "1", "bc", "[1, {}]", "d", `"x,}"`}, got)
	assert.False(t, members.Next(), "it stays at the end")
}

func TestElementsComeInOrder(t *testing.T) {
	var got []string
	elements := scan.Elements([]byte(`[1, "two", [3], null]`))
	for elements.Next() {
		got = append(got, string(elements.Value))
	}
	require.NoError(t, elements.Err())
	assert.Equal(t, []string{"1", `"two"`, "[3]", "null"}, got)
}

func TestAnErrorSaysWhatIsWrongAndWhere(t *testing.T) {
	for _, test := range []struct{ document, want string }{
		{``, "json ends looking for an object"},
		{`[]`, "want an object, got an array"},
		{`x`, "unexpected 'x' at byte 0 of json, looking for an object"},
		{`{"a" 1}`, "unexpected '1' at byte 5 of json, after a member's name"},
		{`{"a":}`, "unexpected '}' at byte 5 of json, looking for a value"},
		{`{"a":1,}`, "unexpected '}' at byte 7 of json, looking for a member's name"},
		{`{"a":01}`, "unexpected '1' at byte 6 of json, after a value"},
		{`{"a":1.}`, "unexpected '}' at byte 7 of json, in a number"},
		{`{"a":tru}`, "unexpected '}' at byte 8 of json, in true"},
		{`{"a":"\x"}`, "unexpected 'x' at byte 7 of json, in an escape"},
		{`{"a":"`, "json ends in a string"},
		{`{"a":1} {`, "unexpected '{' at byte 8 of json, after the document"},
		{`{"a":` + strings.Repeat("[", 101) + strings.Repeat("]", 101) + `}`, "json is nested deeper than 100 levels"},
	} {
		members := scan.Members([]byte(test.document))
		for members.Next() {
		}
		assert.EqualError(t, members.Err(), test.want, test.document)
	}
}

func TestTextReadsOnlyStrings(t *testing.T) {
	_, err := scan.Text([]byte("7"))
	assert.EqualError(t, err, "want a string, got a number")
	_, err = scan.Text([]byte(`"open`))
	assert.EqualError(t, err, "json ends in a string")
	_, err = scan.Text([]byte(`"a" "b"`))
	assert.EqualError(t, err, `unexpected '"' at byte 4 of json, after the document`)
}

func TestTextWithoutEscapesIsNotCopied(t *testing.T) {
	value := []byte(`"plain é"`)
	assert.Zero(t, testing.AllocsPerRun(10, func() { _, _ = scan.Text(value) }))
}

// FuzzMembers holds the walker against encoding/json: it takes the same documents and finds the same values.
func FuzzMembers(f *testing.F) {
	for _, seed := range []string{
		`{"signal":"a","value":-1.5e+3,"unit":null,"ok":true,"no":false}`,
		`{"a":{"b":[1,[2,{}]]},"a":2}`, "{\"\\ud83d\\ude00\\ud83d\":\"\\\"\\/\\b\xff\"}", `{}`, ` {"a":0} `, `{"a":00}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		got := map[string]json.RawMessage{}
		members := scan.Members(document)
		for members.Next() {
			got[string(members.Key)] = members.Value
		}
		var want map[string]json.RawMessage
		if json.Unmarshal(document, &want) != nil || want == nil {
			require.Error(t, members.Err())
			return
		}
		if err := members.Err(); err != nil {
			require.ErrorContains(t, err, "nested deeper")
			return
		}
		require.Equal(t, len(want), len(got))
		for key, value := range want {
			assert.Equal(t, string(value), string(got[key]))
		}
	})
}

// FuzzText holds the reader of strings against encoding/json.
func FuzzText(f *testing.F) {
	f.Add([]byte(`"\u00e9\ud83d\ude00\ud800\udc00x\ud800 \n"`))
	f.Add([]byte("\"\xff\xc3(\""))
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := scan.Text(value)
		var want string
		if json.Unmarshal(value, &want) != nil || scan.KindOf(value) != scan.String {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	})
}
