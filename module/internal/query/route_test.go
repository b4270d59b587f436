package query

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRouteIsTakenApart(t *testing.T) {
	for text, want := range map[string]struct {
		source, condition string
		sink              Sink
	}{
		`FROM /* INTO $upstream`:                              {"/*", "", Sink{Name: "$upstream"}},
		"\tselect * from / messages / * into $UPSTREAM ":      {"/messages/*", "", Sink{Name: "$UPSTREAM"}},
		`FROM /a WHERE b = 'x INTO y' INTO f("/c/d")`:         {"/a", "b = 'x INTO y'", Sink{Name: "f", Call: true, Address: "/c/d"}},
		`FROM /temp*/x WHERE (true) INTO Call ( '/c' )`:       {"/temp*/x", "(true)", Sink{Name: "Call", Call: true, Address: "/c"}},
		"FROM /a/* WHERE /* why */ true\nINTO $upstream":      {"/a", "", Sink{}}, // a comment from "/*" to "*/"
		`FROM /a WHERE  $body.x   >  1  INTO $upstream`:       {"/a", "$body.x   >  1", Sink{Name: "$upstream"}},
		`FROM /it's-1.5/"x" INTO $upstream`:                   {},
		`FROM /modules/123 INTO $upstream`:                    {},
		`FROM /modules/into INTO $upstream`:                   {},
		`FROM /a WHERE INTO $upstream`:                        {},
		`FROM /a WHERE b = 'c' $upstream`:                     {},
		`FROM /a INTO`:                                        {},
		`FROM /a INTO f(/c)`:                                  {},
		`FROM /a INTO f("/c"`:                                 {},
		`FROM /a INTO $upstream $upstream`:                    {},
		`FROM a INTO $upstream`:                               {},
		`SELECT x FROM /a INTO $upstream`:                     {},
		``:                                                    {},
		`FROM /` + strings.Repeat("a", 4096) + ` INTO $cloud`: {},
	} {
		route, err := ParseRoute(text)
		if want.sink.Name == "" {
			assert.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		assert.Equal(t, want.source, route.Source, text)
		assert.Equal(t, want.sink, route.Sink, text)
		if want.condition == "" {
			assert.Nil(t, route.Condition, text)
		} else {
			assert.Equal(t, want.condition, route.Condition.String(), text)
		}
	}
}

func TestRouteNamesTheColumnOfWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		`FROM a INTO $upstream`:                   `column 6: want a source, which begins with "/", not "a"`,
		`FROM /a/"b" INTO $upstream`:              `column 9: want a name or "*" in the source, not "\"b\""`,
		`FROM /a WHERE b > 3 INTO $upstream`:      `column 17: ">" does not take text and a number; properties are text, as_number makes a number of one`,
		`FROM /a WHERE true) INTO $upstream`:      `column 19: want "INTO", not ")"`,
		`FROM /a INTO Brokered(x)`:                `column 23: want the sink's address in quotes, not "x"`,
		`FROM /a INTO "x"`:                        `column 14: want a sink, $upstream or BrokeredEndpoint("/modules/NAME/inputs/NAME"), not "\"x\""`,
		`FROM /a INTO $upstream WHERE b = 'late'`: `column 24: "where" after the end of the route`,
	} {
		_, err := ParseRoute(text)
		assert.EqualError(t, err, want, text)
	}
}
