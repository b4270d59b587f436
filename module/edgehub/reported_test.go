package edgehub

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func nested(depth int, open, closing, inner string) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(closing, depth)
}

func TestPatchesThatEdgeHubTakesAreCompacted(t *testing.T) {
	for in, want := range map[string]string{
		"{}": "{}",
		` { "a" : [ 1, {"b": true} ], "c": null }`:                                                      `{"a":[1,{"b":true}],"c":null}`,
		`{"max":4503599627370495,"min":-4503599627370496,"float":1e300,"point":99999999999999999999.5}`: `{"max":4503599627370495,"min":-4503599627370496,"float":1e300,"point":99999999999999999999.5}`,
		nested(11, `{"a":`, `}`, "1"):                                                                   nested(11, `{"a":`, `}`, "1"),
		`{"a":` + nested(10, `[`, `]`, "1") + `}`:                                                       `{"a":` + nested(10, `[`, `]`, "1") + `}`,
	} {
		got, err := checkReported([]byte(in))
		require.NoError(t, err, in)
		assert.Equal(t, want, string(got))
	}
}

func TestPatchesThatEdgeHubWouldRefuseAreNamed(t *testing.T) {
	long := strings.Repeat("x", 4097)
	for in, want := range map[string]string{
		"":                             "reported patch: unexpected end of JSON input",
		"[]":                           "reported patch: not an object",
		"null":                         "reported patch: not an object",
		`{"a":1}{}`:                    "invalid character",
		`{"a":"` + long + `"}`:         `reported patch: "a": text of 4097 bytes exceeds 4096`,
		`{"a":{"b":["` + long + `"]}}`: `reported patch: "a.b.0": text of 4097 bytes`,
		`{"` + long + `":1}`:           "key of 4097 bytes exceeds 1024",
		`{"a.b":1}`:                    `"a.b": key contains '.'`,
		`{"a":{"$b":1}}`:               `"a.$b": key contains '$'`,
		`{"a b":1}`:                    "key contains ' '",
		`{"a#":1}`:                     "key contains '#'",
		`{"a\u0007":1}`:                `key contains '\a'`,
		`{"a":[{"b c":1}]}`:            "key contains ' '",
		`{"a":4503599627370496}`:       "beyond 52 bits",
		`{"a":-4503599627370497}`:      "beyond 52 bits",
		`{"a":99999999999999999999}`:   "beyond 52 bits",
		`{"a":[1,null]}`:               `"a.1": null inside an array`,
		`{"a":[{"b":null}]}`:           `"a.0.b": null inside an array`,
		nested(12, `{"a":`, `}`, "1"):  "nested deeper than 10",
		`{"a":` + nested(11, `[`, `]`, "1") + `}`:              "nested deeper than 10",
		`{"a":[` + strings.Repeat(`"xxxxxxxx",`, 3000) + `1]}`: "bytes exceed 32768",
	} {
		_, err := checkReported([]byte(in))
		var reported *ReportedError
		require.ErrorAs(t, err, &reported, in)
		assert.Contains(t, err.Error(), want)
	}
}

func FuzzReported(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":"c"}],"d":null}`))
	f.Add([]byte(`{"a":{"a":{"a":1e5}}}`))
	f.Fuzz(func(t *testing.T, patch []byte) {
		compact, err := checkReported(patch)
		if err == nil {
			assert.True(t, json.Valid(compact))
			assert.LessOrEqual(t, len(compact), maxReported)
		}
	})
}
