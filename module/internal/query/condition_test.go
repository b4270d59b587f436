package query

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reading is a message of a machine, with the properties that the tables below ask for.
func reading() *Message {
	m := NewMessage([]byte(`{"machine": {"temperature": 21.5, "name": "M-1", "on": true, "off": false, "note": null, "values": [1, [2, 3]],
		"log": [{"at": 7}]}, "timeCreated": "2026-01-02T03:04:05.6789Z", "I'm 1%": "x", "a b": 1}`))
	m.Set("level", "30")
	m.Set("Kind", "Größe😀")
	m.Set("$state", "open")
	m.Set("$body.machine.off", "text")
	m.SetSystem("contentType", "application/json")
	m.SetSystem("contentEncoding", "UTF-8")
	m.SetSystem("state", "closed")
	m.SetSystem("connectionModuleId", "sensor")
	return m
}

// what tells in a word what a condition comes to.
func what(c *Condition, m *Message) string {
	switch holds, defined := c.Evaluate(m); {
	case holds:
		return "true"
	case defined:
		return "false"
	}
	return "undefined"
}

func TestConditionComesToWhatEdgeHubMakesOfIt(t *testing.T) {
	for verdict, conditions := range map[string]string{
		"true": `true
			level = '30'
			LEVEL = "30"
			level <> '3'
			as_number(level) = 30
			as_number(' 1,000.5e1 ') = 10005
			as_number(as_number(4)) * 3 = 12
			as_number('10e1000') = 1/0
			kind = 'Gr\u00f6\u00dfe😀'
			'it\'s \\ "here"' = "it's \\ \"here\""
			'a' < 'b' and 'b' >= 'b' and not ('b' < 'a')
			1 + 2 * 3 = 7 AND (1 + 2) * 3 = 9 AND 7 - 2 - 1 = 4 AND -7 % 4 = -3
			0x1F = 31 and 1.5e1 = 15 and .5 < 1 and -1 < 0 and - (3 + 4) = -7
			true or undefined
			undefined or true
			not false
			not null
			(null and true) = null
			null or true
			(nothing ?? "else") = 'else'
			(3 % 0 ?? 1.5) = 1.5
			/* a word */ true
			$state = 'open'
			{$state} = 'closed'
			{ $STATE } = 'closed'
			$connectionModuleId = 'sensor'
			$body.machine.temperature > 21
			$BODY.machine.temperature = 20 + 1.5
			21 < $body.machine.temperature
			$body.machine.on
			not $body.machine.on = false
			$body.machine.on and ($body.machine.name = 'M-1')
			$body.machine.values[0] + $body.machine.values[1][1] = 4
			$body.machine.log[0].at = 7
			$body.machine.note = null
			$body.machine.missing = null
			$body.machine.temperature <> null
			$body.machine.missing <> 'text'
			$body.machine.off = 'text'
			{$body.machine.off} = false
			$body.I'm <> 1
			is_null($body.machine.temperature)
			is_null($body.machine.note)
			is_null(null)
			is_bool(true) and is_bool($body.machine.on)
			is_number(1) and is_number($body.machine.temperature)
			is_string(level) and is_string($body.machine.name)
			is_defined(level) and is_defined(null) and is_defined($body.machine.missing)
			abs(-12) = 12 and square(3) = 9 and power(2, 3) = 8 and sqrt(4) = 2
			ceiling(-2.1) = -2 and FLOOR(-2.1) = -3 and sign(-2) = -1 and sign(0) = 0
			abs(exp(1) - 2.718281) < 1e-6
			concat('a', level, 'b') = 'a30b' and 'a' || level || 'b' = 'a30b'
			length(kind) = 7 and length('') = 0
			lower('ÄB') = 'äb' and upper('äb') = 'ÄB'
			substring('hello', 1, 4) = 'ello' and substring('hello', 4, 0) = '' and substring('abc', 3) = ''
			index_of('abcdef', 'cd') = 2 and index_of('abc', 'x') = -1
			starts_with('abc', 'ab') and ends_with('abc', 'bc') and contains('abc', 'b')
			starts_with($body.machine.name, 'M-')`,
		"false": `false
			null
			null and null
			level = '3'
			undefined and false
			$body.machine.temperature = '21.5'
			$body.machine.temperature < 21
			is_null($body.machine.missing)
			is_null(level)
			is_null(1)
			is_bool('true')
			is_number(3 / 0)
			is_number(3 % 0)
			is_string(nothing)
			is_defined(nothing)
			is_defined(-undefined)
			is_defined(a-b)
			is_defined(TRUE)
			is_defined(undefined)
			is_defined($body.timeCreated)
			is_defined($body.machine)
			is_defined($body.machine.values)
			is_defined(sqrt(-4))`,
		"undefined": `undefined
			3
			'text'
			level
			nothing = 'x'
			nothing <> 'x'
			not (nothing = 'x')
			undefined = undefined
			undefined and true
			true and nothing = 'x'
			$state2 = 'x'
			$body
			$body.machine
			$body.machine.temperature
			$body.machine.missing and false
			$body.timeCreated <> 'x'
			$state[0] = undefined
			as_number('apple') = 3
			as_number('0x10') = 16
			as_number(nothing) * 3 = 9
			3 % 0 = 3 % 0
			substring('abc', 4) = ''
			substring('abc', -1, 0) = ''
			substring('abc', 1, -2) = ''
			e10 = undefined`,
	} {
		for condition := range strings.Lines(conditions) {
			c, err := ParseCondition(condition)
			if assert.NoError(t, err, condition) {
				assert.Equal(t, verdict, what(c, reading()), condition)
			}
		}
	}
}

func TestConditionThatEdgeHubRefusesIsRefusedWithItsPlace(t *testing.T) {
	for condition, want := range map[string]string{
		``:                         "column 1: want a value, not the end",
		`temperature > 30`:         `column 13: ">" does not take text and a number; properties are text, as_number makes a number of one`,
		`30 = level`:               `column 4: "=" does not take a number and text; properties are text, as_number makes a number of one`,
		`not level = '30'`:         `column 1: "NOT" does not take text; it binds more tightly than a comparison, which wants parentheses`,
		`level and true`:           `column 7: "AND" does not take text and true or false`,
		`true and $body.on`:        `column 6: "AND" does not take true or false and a value of the body`,
		`$body.on and null`:        `column 10: "AND" does not take a value of the body and null`,
		`null or undefined`:        `column 6: "OR" does not take null and undefined`,
		`$body.a = undefined`:      `column 9: "=" does not take a value of the body and undefined`,
		`1 + null = 1`:             `column 3: "+" does not take a number and null`,
		`$body.a % 2 = 1`:          `column 9: "%" does not take a value of the body and a number`,
		`- ($body.a) = 1`:          `column 1: "-" does not take a value of the body`,
		`(level ?? 1) = 1`:         `column 8: "??" does not take text and a number; properties are text, as_number makes a number of one`,
		`'a' || 1 = 'a1'`:          `column 5: "||" does not take text and a number; properties are text, as_number makes a number of one`,
		`level == '30'`:            `column 8: want a value, not "="`,
		`level = "30`:              `column 9: the text does not end, or has an escape other than \" \' \\ and \u0000`,
		`level = '\n'`:             `column 9: the text does not end, or has an escape other than \" \' \\ and \u0000`,
		`(true`:                    `column 6: want ")", not the end`,
		`true)`:                    `column 5: ")" after the end of the condition`,
		`level = @`:                `column 9: want a value, not "@"`,
		`32 = [32]`:                `column 6: want a value, not "[32]"`,
		`4 -3 = 1`:                 `column 3: "-3" after the end of the condition`,
		`twin_change_includes(a)`:  `column 1: "twin_change_includes" is no function of edgeHub's for messages`,
		`indexof('a', 'b') = 0`:    `column 1: "indexof" is no function of edgeHub's for messages`,
		`concat('a') = 'a'`:        `column 1: "concat" does not take (text)`,
		`abs(level) = 1`:           `column 1: "abs" does not take (text)`,
		`substring('a', 'b') = ''`: `column 1: "substring" does not take (text, text)`,
		`is_defined()`:             `column 1: "is_defined" does not take ()`,
		`is_defined(1 2)`:          `column 14: want ")", not "2"`,
		`{level} = '30'`:           `column 2: want the name of a system property after "{", not "level"`,
		`$twin.tags.a = 'b'`:       `column 1: "$twin.tags.a": edgeHub does not look into twins, this would never hold`,
		`$body.a..b = 1`:           `column 1: "$body.a..b": "" is neither a name nor a name with indices, like values[0]`,
		`$body.a.1 = 1`:            `column 1: "$body.a.1": "1" is neither a name nor a name with indices, like values[0]`,
		`$body.a[] = 1`:            `column 1: "$body.a[]": "a[]" is neither a name nor a name with indices, like values[0]`,
		`$body.a[99999999999] = 1`: `column 1: "$body.a[99999999999]": index out of range`,
		`$body.* = 1`:              `column 1: "$body.*": wildcards are not supported`,
		strings.Repeat("(", 200):   "column 101: nested deeper than 100",
		strings.Repeat(" ", 4097):  "column 4097: a condition is no longer than 4096 bytes",
	} {
		_, err := ParseCondition(condition)
		assert.EqualError(t, err, want, condition)
	}
}

func TestBodyIsReadOnlyAsWhatItSaysItIs(t *testing.T) {
	wide := func(size int) string {
		var b strings.Builder
		for _, r := range `{"a":1}` {
			b.WriteString(string(r) + strings.Repeat("\x00", size-1))
		}
		return b.String()
	}
	for name, c := range map[string]struct{ body, kind, encoding, want, reason string }{
		"utf-8":           {`{"a":1}`, "application/json", "utf-8", "true", ""},
		"utf-16":          {wide(2), "application/json", "utf-16", "true", ""},
		"utf-32":          {wide(4), "Application/JSON", "UTF-32", "true", ""},
		"no encoding":     {`{"a":1}`, "application/json", "", "undefined", "look into body: the message has no content encoding"},
		"no type":         {`{"a":1}`, "", "utf-8", "undefined", `look into body: its content type is "", not application/json`},
		"with charset":    {`{"a":1}`, "application/json; charset=utf-8", "utf-8", "undefined", `look into body: its content type is "application/json; charset=utf-8", not application/json`},
		"other encoding":  {`{"a":1}`, "application/json", "latin1", "undefined", `look into body: content encoding "latin1" is none of utf-8, utf-16 and utf-32`},
		"no JSON":         {`{"a":`, "application/json", "utf-8", "undefined", "look into body: it is not a JSON object"},
		"an array":        {`[1]`, "application/json", "utf-8", "undefined", "look into body: it is not a JSON object"},
		"more behind it":  {`{"a":1}}`, "application/json", "utf-8", "undefined", "look into body: something follows the JSON object"},
		"a large number":  {`{"a":1e999}`, "application/json", "utf-8", "false", ""},
		"a number's text": {`{"a":"1"}`, "application/json", "utf-8", "false", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewMessage([]byte(c.body))
			if c.kind != "" {
				m.SetSystem("contentType", c.kind)
			}
			if c.encoding != "" {
				m.SetSystem("contentEncoding", c.encoding)
			}
			condition, err := ParseCondition("$body.a = 1")
			require.NoError(t, err)
			assert.Equal(t, c.want, what(condition, m))
			if c.reason == "" {
				assert.NoError(t, m.BodyError())
			} else {
				assert.EqualError(t, m.BodyError(), c.reason)
			}
		})
	}
}

func FuzzCondition(f *testing.F) {
	f.Add(`as_number(level) > 1 and not ($body.a[0].b = "x\u0041" or is_defined({$state})) ?? true`, `{"a":[{"b":1}]}`)
	f.Add(`substring('hello', 1e9, -1) || 'b' <> lower(nothing) /* */`, ``)
	f.Fuzz(func(t *testing.T, condition, body string) {
		c, err := ParseCondition(condition)
		if err != nil {
			return
		}
		m := NewMessage([]byte(body))
		m.SetSystem("contentType", "application/json")
		m.SetSystem("contentEncoding", "utf-8")
		first := what(c, m)
		again, err := ParseCondition(c.String())
		require.NoError(t, err)
		assert.Equal(t, first, what(again, m))
	})
}
