package document

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func pointer(t testing.TB, text string) Pointer {
	t.Helper()
	p, err := ParsePointer(text)
	require.NoError(t, err)
	return p
}

func TestPointerFindsValuesAsTheyStand(t *testing.T) {
	root := parse(t, sensor)
	for text, want := range map[string]string{
		"":                     sensor,
		"/machine/temperature": "21.50",
		"/machine/id":          "12345678901234567890",
		"/tags/0":              `"a"`,
		"/tags/1/b~0~1c":       "true",
		"/tags/*/b~0~1c":       "true",
		"/tags/*":              `"a"`,
		"/none":                "null",
		"/":                    `"empty"`,
		"/ä":                   `"\u00e4\ud83d\ude00"`,
	} {
		value, ok := pointer(t, text).Find(root)
		assert.True(t, ok, text)
		assert.Equal(t, want, string(value.Raw()), text)
	}
}

func TestPointerLeadsNowhereWithoutError(t *testing.T) {
	root := parse(t, sensor)
	for _, text := range []string{"/absent", "/tags/2", "/tags/x", "/tags/-1", "/tags/-", "/tags/00", "/tags/+0", "/tags/*/x",
		"/machine/temperature/deeper", "/none/deeper", "/machine/*"} {
		p := pointer(t, text)
		_, ok := p.Find(root)
		assert.False(t, ok, text)
		for match := range p.All(root) {
			assert.Fail(t, text, match)
		}
	}
}

func TestPointerMustBeginWithASlash(t *testing.T) {
	_, err := ParsePointer("machine")
	assert.EqualError(t, err, `parse JSON Pointer "machine": it must begin with a slash`)
}

func TestAStarStandsForEachElement(t *testing.T) {
	root := parse(t, `{"lines":[{"m":[{"t":1},{"t":2}]},{"m":[]},{"m":[{"t":3},{"x":4}]},{"m":{"*":{"t":5}}}]}`)
	for text, want := range map[string][]string{
		"/lines/*/m/*/t": {"1", "2", "3", "5"},
		"/lines/2/m/*/t": {"3"},
		"/lines/*/m/0/t": {"1", "3"},
		"/lines/*/m/1":   {`{"t":2}`, `{"x":4}`},
		"/lines/1/m":     {"[]"},
	} {
		var got []string
		for match := range pointer(t, text).All(root) {
			got = append(got, string(match.Value.Raw()))
		}
		assert.Equal(t, want, got, text)
	}
}

func TestMatchesEndWhenNobodyWantsMore(t *testing.T) {
	count := 0
	for range pointer(t, "/*").All(parse(t, "[1,2,3]")) {
		count++
		break
	}
	assert.Equal(t, 1, count)
}

func TestAPointerBesideAnotherFindsTheValueOfTheSameElement(t *testing.T) {
	const text = `{"at":0,"names":["p","q"],"machines":[` +
		`{"id":"a","readings":[{"v":1,"t":10},{"v":2}],"labels":[{"l":"x"},{"l":"y"}]},` +
		`{"id":"b","readings":[{"v":3,"t":30}],"labels":[{"k":1},{"l":"z"}]}]}`
	for beside, want := range map[string][]string{
		"/machines/*/readings/*/t": {"10", "-", "30"},     // of the reading
		"/machines/*/id":           {`"a"`, `"a"`, `"b"`}, // of the machine
		"/at":                      {"0", "0", "0"},       // of the message
		"/machines/1/id":           {`"b"`, `"b"`, `"b"`}, // of one machine
		"/machines/*/none":         {"-", "-", "-"},       // nowhere
		"/machines/*/readings/*":   {`{"v":1,"t":10}`, `{"v":2}`, `{"v":3,"t":30}`},
	} {
		assert.Equal(t, want, pairs(t, text, "/machines/*/readings/*/v", beside), beside)
	}
}

func TestAStarThatTheOtherDoesNotHaveFindsTheFirst(t *testing.T) {
	const text = `[{"v":1,"tags":[{"x":0},{"unit":"bar"},{"unit":"Pa"}]},{"v":2,"tags":[]}]`
	assert.Equal(t, []string{`"bar"`, "-"}, pairs(t, text, "/*/v", "/*/tags/*/unit"))
	assert.Equal(t, []string{"0", "0"}, pairs(t, text, "/*/v", "/0/tags/*/x"))
}

func TestAMemberCalledStarTakesItsTurn(t *testing.T) {
	assert.Equal(t, []string{"7", "8"}, pairs(t, `{"*":[{"v":1,"t":7},{"v":2,"t":8}]}`, "/*/*/v", "/*/*/t"))
}

// pairs returns what stands beside each match of selector, "-" for nothing.
func pairs(t *testing.T, text, selector, beside string) []string {
	root, p := parse(t, text), pointer(t, selector)
	b := pointer(t, beside).Beside(p)
	var found []string
	for match := range p.All(root) {
		if node, ok := b.Find(root, match); ok {
			found = append(found, string(node.Raw()))
		} else {
			found = append(found, "-")
		}
	}
	return found
}

func FuzzPointer(f *testing.F) {
	f.Add("/machine/temperature", "/machine/id", []byte(sensor))
	f.Add("/*/*", "/*/a", []byte(`[[1,2],{"a":[3],"*":4}]`))
	f.Fuzz(func(t *testing.T, text, other string, body []byte) {
		p, err := ParsePointer(text)
		q, err2 := ParsePointer(other)
		doc, err3 := Parse(body)
		if err != nil || err2 != nil || err3 != nil {
			return
		}
		first, found := p.Find(doc.Root())
		var all []Node
		b := q.Beside(p)
		for match := range p.All(doc.Root()) {
			all = append(all, match.Value)
			_, _ = b.Find(doc.Root(), match)
		}
		require.Equal(t, found, len(all) > 0)
		require.True(t, !found || all[0] == first)
		require.True(t, slices.IsSortedFunc(all, func(a, b Node) int { return int(a.at) - int(b.at) }))
	})
}
