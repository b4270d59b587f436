package query

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tokenKind tells tokens apart. Those of kind symbol are told apart by their text: operators, parentheses and
// keywords, the latter in lower case.
type tokenKind int

const (
	end tokenKind = iota
	symbol
	name           // of a property or function
	systemName     // "$" and a name, which may have brackets
	quoted         // a text
	unterminated   // a text without its second quote
	number         // 1, -1.5, 1e3
	hexadecimal    // 0x1F
	unknown        // what no rule takes
	comment        // left out
	keywordSymbols = " and or not select from where into "
)

type token struct {
	kind tokenKind
	text string
	at   int // its first byte in the route's text
}

func (t token) is(text string) bool { return t.kind == symbol && t.text == text }

// String returns the token as complaints name it.
func (t token) String() string {
	if t.kind == end {
		return "the end"
	}
	return strconv.Quote(t.text)
}

// rule is a lexical rule.
type rule struct {
	kind  tokenKind
	match *regexp.Regexp
}

// rules are those of GrammarLexer.g4. The longest match counts, and of several the first.
var rules = []rule{
	{quoted, longest(`"` + textForm + `*"|'` + apostropheForm + `*'`)},
	{unterminated, longest(`"` + textForm + `*|'` + apostropheForm + `*`)},
	{number, longest(`-?[0-9]+|-?[0-9]*\.[0-9]+([Ee][+-]?[0-9]+)?|-?[0-9]*[Ee][+-]?[0-9]+`)},
	{hexadecimal, longest(`0[Xx][0-9a-fA-F]+`)},
	{symbol, longest(`true|false|null|undefined|!=|<>|<=|>=|\|\||\?\?|[-()<>,=/+*%{}]|(?i:and|or|not|select|from|where|into)`)},
	{systemName, longest(`\$[^()<>@,;:\\"/?={} \t\n\r]+`)},
	{name, longest(`[^][()<>@,;:\\"/?={} \t\n\r]+`)},
	{unknown, longest(`[^()<>@,;:\\"/?={} \t\n\r]+`)}, // QUERY_PATH, which nothing takes
	{comment, regexp.MustCompile(`^(?s:/\*.*?\*/)`)},
	{unknown, longest(`(?s:.)`)},
}

const (
	escapeForm     = `\\["'\\]|\\u[0-9a-fA-F]{4}`
	textForm       = `(` + escapeForm + `|[^"\\])`
	apostropheForm = `(` + escapeForm + `|[^'\\])`
)

func longest(form string) *regexp.Regexp {
	r := regexp.MustCompile(`^(` + form + `)`)
	r.Longest()
	return r
}

// lex cuts a text into tokens. The last is of kind end.
func lex(text string) []token {
	var tokens []token
	for at := 0; ; {
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t\r\n"))
		if at == len(text) {
			return append(tokens, token{kind: end, at: at})
		}
		t := next(text[at:])
		t.at = at
		at += len(t.text)
		if t.kind == symbol && strings.Contains(keywordSymbols, " "+strings.ToLower(t.text)+" ") {
			t.text = strings.ToLower(t.text)
		}
		if t.kind != comment {
			tokens = append(tokens, t)
		}
	}
}

// next returns the token at the beginning of text, which is neither empty nor begins with white space.
func next(text string) token {
	lengths := make([]int, len(rules))
	for i, r := range rules {
		lengths[i] = len(r.match.FindString(text))
	}
	length := slices.Max(lengths)
	return token{kind: rules[slices.Index(lengths, length)].kind, text: text[:length]}
}
