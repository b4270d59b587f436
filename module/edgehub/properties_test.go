package edgehub

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func properties(pairs ...string) Properties {
	var p Properties
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, struct{ Name, Value string }{pairs[i], pairs[i+1]})
	}
	return p
}

func TestPropertiesKeepTheirOrderAndOverrideInPlace(t *testing.T) {
	p := properties("a", "1", "b", "2")
	p.Set("a", "3")
	p.Set("c", "4")
	assert.Equal(t, properties("a", "3", "b", "2", "c", "4"), p)

	value, ok := p.Get("b")
	assert.True(t, ok)
	assert.Equal(t, "2", value)
	_, ok = p.Get("d")
	assert.False(t, ok)
}

func TestEverythingButUnreservedCharactersIsEscaped(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "",
		"AZaz09-._~":         "AZaz09-._~",
		"$.on":               "%24.on",
		"a b+c":              "a%20b%2Bc",
		"k=v&x/y#z?:@!*'(),": "k%3Dv%26x%2Fy%23z%3F%3A%40%21%2A%27%28%29%2C",
		"Münster":            "M%C3%BCnster",
		"😀":                  "%F0%9F%98%80",
	} {
		assert.Equal(t, want, escape(in))
		assert.Equal(t, len(want), escapedLen(in))
		assert.Equal(t, in, unescape(want))
	}
}

func TestABagIsReadWithAllItsQuirks(t *testing.T) {
	for bag, want := range map[string]Properties{
		"":                        nil,
		"a=1&b=2":                 properties("a", "1", "b", "2"),
		"%24.cdid=d&%24.cmid=m":   properties("$.cdid", "d", "$.cmid", "m"),
		"$.ct=text%2Fplain":       properties("$.ct", "text/plain"),
		"plus=a+b":                properties("plus", "a+b"),
		"novalue":                 properties("novalue", ""),
		"empty=":                  properties("empty", ""),
		"bad=%zz&half=%2":         properties("bad", "%zz", "half", "%2"),
		"mixed=%41%zz":            properties("mixed", "A%zz"),
		"notutf8=%FF":             properties("notutf8", "%FF"),
		"a=1/b=2":                 properties("a", "1"),
		"a=b=c":                   properties("a", "b=c"),
		"=x&a=1&&b=2&":            properties("a", "1", "b", "2"),
		"twice=1&other=2&twice=3": properties("twice", "3", "other", "2"),
	} {
		assert.Equal(t, want, ParseProperties(bag), bag)
	}
}

func TestWhatEdgeHubWouldDropInSilenceIsNamed(t *testing.T) {
	for bag, reason := range map[string]string{
		"=x":           "has no name",
		"a=1&":         "has no name",
		"&a=1":         "has no name",
		"a=b=c":        `raw "="`,
		"a=1&a=2":      "occurs twice",
		"a=1&b=2&A=3":  `property "A": differs from "a" in case only`,
		"deviceId=x":   "sender's identity",
		"moduleId=x":   "sender's identity",
		"nul=%00":      "NUL",
		"nul%00=1":     "NUL",
		"raw=\xFF\xFE": "UTF-8",
	} {
		_, err := ParsePropertiesStrict(bag)
		var property *PropertyError
		require.ErrorAs(t, err, &property, bag)
		assert.Contains(t, property.Error(), reason, bag)
	}
	p, err := ParsePropertiesStrict("%24.on=out&a=%zz&n/rest=ignored")
	require.NoError(t, err)
	assert.Equal(t, properties("$.on", "out", "a", "%zz", "n", ""), p)
}

func TestABagOfThousandsOfNamesTakesNoQuadraticTime(t *testing.T) {
	var b strings.Builder
	for i := range 20000 {
		fmt.Fprintf(&b, "%d&", i)
	}
	began := time.Now()
	assert.Len(t, ParseProperties(b.String()), 20000)
	assert.Less(t, time.Since(began), time.Second)

	_, err := ParsePropertiesStrict(strings.TrimSuffix(b.String(), "&") + "&77")
	assert.ErrorContains(t, err, "occurs twice")
}

func FuzzProperties(f *testing.F) {
	f.Add("%24.on=a&b=%zz&&c=d=e/f")
	f.Add("a=%C3%BC&a")
	f.Fuzz(func(t *testing.T, bag string) {
		p := ParseProperties(bag)
		strict, err := ParsePropertiesStrict(bag)
		if err == nil {
			assert.Equal(t, p, strict, "both agree on what edgeHub takes")
			assert.Equal(t, p, ParseProperties(EncodeProperties(p)), "encoding loses nothing")
		}
		names := make(map[string]bool)
		for i := range p {
			assert.False(t, names[p[i].Name], "a name occurs once")
			names[p[i].Name] = true
		}
	})
}
