package twin

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMergeIsAMergePatch(t *testing.T) {
	for _, test := range []struct{ doc, patch, want string }{
		{`{"a": "b"}`, `{"a": "c"}`, `{"a":"c"}`},
		{`{"a": "b"}`, `{"b": "c"}`, `{"a":"b","b":"c"}`},
		{`{"a": "b", "b": 1}`, `{"a": null}`, `{"b":1}`},
		{`{"a": {"b": 1, "c": 2}}`, `{"a": {"b": null, "d": 3}}`, `{"a":{"c":2,"d":3}}`},
		{`{"a": [1, 2]}`, `{"a": [3]}`, `{"a":[3]}`},
		{`{"a": 1}`, `{"a": {"b": {"c": null}}}`, `{"a":{"b":{}}}`},
		{`{"a": 1}`, `[1]`, `[1]`},
		{`[1]`, `{"a": 1}`, `{"a":1}`},
		{`{"a": null}`, `{"b": 1}`, `{"a":null,"b":1}`},
		{`{"n": 1.50}`, `{"big": 12345678901234567890}`, `{"big":12345678901234567890,"n":1.50}`},
		{`{"t": "<&>"}`, `{}`, `{"t":"<&>"}`},
		{`{"signals": {"a": {"unit": "m"}}, "$version": 3}`, `{"signals": {"a": null, "b": {}}, "$version": 4}`, `{"$version":4,"signals":{"b":{}}}`},
	} {
		merged, err := Merge([]byte(test.doc), []byte(test.patch))
		require.NoError(t, err)
		assert.Equal(t, test.want, string(merged), "%s with %s", test.doc, test.patch)
	}
}

func TestMergeNamesWhatItCannotRead(t *testing.T) {
	_, err := Merge([]byte(`{`), []byte(`{}`))
	assert.ErrorContains(t, err, "read document: ")
	_, err = Merge([]byte(`{}`), []byte(`{} {}`))
	assert.ErrorContains(t, err, "read patch: ")
}

func TestDiffIsTheSmallestPatch(t *testing.T) {
	for _, test := range []struct {
		from, to, want string
		changed        bool
	}{
		{`{"a": 1, "b": {"c": [1]}}`, `{"b": {"c": [1]}, "a": 1}`, `{}`, false},
		{`{"a": 1}`, `{"a": 2}`, `{"a":2}`, true},
		{`{"a": 1, "b": 2}`, `{"b": 2}`, `{"a":null}`, true},
		{`{"a": {"b": 1, "c": 2, "d": 3}}`, `{"a": {"b": 1, "c": 4}}`, `{"a":{"c":4,"d":null}}`, true},
		{`{}`, `{"a": {}}`, `{"a":{}}`, true},
		{`{"a": 1}`, `{"a": {"b": 1}}`, `{"a":{"b":1}}`, true},
		{`{"a": [1, {"b": null}]}`, `{"a": [2, {"b": null}]}`, `{"a":[2,{"b":null}]}`, true},
		{`{"a": null}`, `{"a": null}`, `{}`, false},
		{`{"a": null}`, `{}`, `{"a":null}`, true},
		{`[]`, `{}`, `{}`, true},
		{`[1]`, `[1]`, `[1]`, false},
		{`{"a": 1}`, `{"a": 1.0}`, `{"a":1.0}`, true},
	} {
		patch, changed, err := Diff([]byte(test.from), []byte(test.to))
		require.NoError(t, err)
		assert.Equal(t, test.want, string(patch), "%s to %s", test.from, test.to)
		assert.Equal(t, test.changed, changed, "%s to %s", test.from, test.to)
	}
}

func TestDiffRefusesWhatNoPatchCanSay(t *testing.T) {
	for _, to := range []string{`{"a": {"b": null}}`, `{"a": {"b": null, "c": 1}}`} {
		_, _, err := Diff([]byte(`{"a": {"c": 1}}`), []byte(to))
		assert.EqualError(t, err, "write a.b: null cannot be set by a merge patch")
	}
	_, _, err := Diff([]byte(`x`), []byte(`{}`))
	assert.ErrorContains(t, err, "read document: ")
	_, _, err = Diff([]byte(`{}`), []byte(``))
	assert.ErrorContains(t, err, "read document to be: ")
}

func TestSizeCountsAsIoTHubDoes(t *testing.T) {
	for doc, want := range map[string]int{
		`{}`:                                  0,
		`{"a": "bcd"}`:                        1 + 3,
		`{"grüße": "Öl"}`:                     7 + 3,
		`{"n": 1}`:                            1 + 8,
		`{"n": 123456789.123}`:                1 + 8,
		`{"b": true}`:                         1 + 4,
		`{"z": null}`:                         1,
		`{"o": {"k": {"l": 1}}}`:              1 + 1 + 1 + 8,
		`{"l": ["ab", 1, false, {"c": "d"}]}`: 1 + 2 + 8 + 4 + 1 + 1,
		`{"a": 1, "$version": 5, "$metadata": {"a": {"$lastUpdated": "2026"}}}`: 1 + 8,
	} {
		size, err := Size([]byte(doc))
		require.NoError(t, err)
		assert.Equal(t, want, size, doc)
	}
	_, err := Size([]byte(`[]`))
	assert.ErrorContains(t, err, "read document: ")
}
