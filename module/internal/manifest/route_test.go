package manifest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRouteTextIsReadAsEdgeHubReadsIt(t *testing.T) {
	into := Sink{Module: "filter", Input: "in"}
	for text, want := range map[string]Route{
		`FROM /* INTO $upstream`:                   {Source: "/*", Sink: Sink{Upstream: true}},
		`FROM / * INTO $upstream`:                  {Source: "/*", Sink: Sink{Upstream: true}},
		`SELECT * FROM /messages/* INTO $UPSTREAM`: {Source: "/messages/*", Sink: Sink{Upstream: true}},
		`select * from /messages/modules/m/* into brokeredendpoint("/modules/filter/inputs/in")`:  {Source: "/messages/modules/m/*", Sink: into},
		`FROM /messages/modules/m/outputs/* INTO BrokeredEndpoint('/modules/filter/inputs/in')`:   {Source: "/messages/modules/m/outputs/*", Sink: into},
		`FROM /messages/modules/m/outputs/o INTO BrokeredEndpoint( "modules/filter/inputs/in/" )`: {Source: "/messages/modules/m/outputs/o", Sink: into},
		`FROM /twinChangeNotifications INTO $upstream`:                                            {Source: "/twinChangeNotifications", Sink: Sink{Upstream: true}},
	} {
		route, err := ParseRoute("r", text)
		require.NoError(t, err, text)
		want.Name, want.Priority, want.TimeToLive = "r", DefaultPriority, Forever
		assert.Equal(t, want, route, text)
	}
}

func TestRouteHasItsCondition(t *testing.T) {
	route, err := ParseRoute("r", "FROM /messages\n WHERE as_number(temperature) > 30 AND $body.x = 'INTO here' INTO $upstream")
	require.NoError(t, err)
	assert.Equal(t, "as_number(temperature) > 30 AND $body.x = 'INTO here'", route.Condition.String())
}

func TestRouteTextThatEdgeHubWouldMisunderstandIsRefused(t *testing.T) {
	for text, want := range map[string]string{
		``:                                                    `route "": column 1: want "FROM", not the end`,
		`FROM INTO $upstream`:                                 `column 6: want a source, which begins with "/", not "into"`,
		`FROM messages INTO $upstream`:                        "column 6: want a source",
		`FROM /* WHERE INTO $upstream`:                        "column 15: want a value",
		`FROM /* WHERE a > 30 INTO $upstream`:                 `column 17: ">" does not take text and a number; properties are text, as_number makes a number of one`,
		`INTO $upstream FROM /*`:                              "column 1: want \"FROM\"",
		`FROM /message/* INTO $upstream`:                      `source "/message/*": want`,
		`FROM /messages/module/m/* INTO $upstream`:            `source "/messages/module/m/*": want`,
		`FROM /messages/modules/m/inputs/i INTO $upstream`:    `source "/messages/modules/m/inputs/i": want`,
		`FROM /messages/modules/*/outputs/o INTO $upstream`:   `source "/messages/modules/*/outputs/o": want`,
		`FROM /messages/modules/temp*/outputs INTO $upstream`: `source "/messages/modules/temp*/outputs": want`,
		`FROM /messages/modules/m/outputs/a/b INTO $upstream`: `source "/messages/modules/m/outputs/a/b": want`,
		`FROM /* INTO $downstream`:                            `sink of "FROM /* INTO $downstream": want $upstream or`,
		`FROM /* INTO BrokeredEndpoint(/modules/m/inputs/i)`:  "column 31: want the sink's address in quotes",
		`FROM /* INTO Endpoint("/modules/m/inputs/i")`:        "want $upstream or",
		`FROM /* INTO BrokeredEndpoint("/modules/m/inputs")`:  "want /modules/NAME/inputs/NAME as the address",
		`FROM /* INTO BrokeredEndpoint("/module/m/inputs/i")`: "want /modules/NAME/inputs/NAME as the address",
		`FROM /* INTO BrokeredEndpoint("/modules//inputs/i")`: "want /modules/NAME/inputs/NAME as the address",
	} {
		_, err := ParseRoute("r", text)
		assert.ErrorContains(t, err, want, text)
	}
}

func TestRouteMatchesWholeNamesByPrefixInAnyCase(t *testing.T) {
	type message struct{ module, output string }
	for source, c := range map[string]struct{ takes, leaves []message }{
		"/*":                                 {takes: []message{{"m", "o"}, {"m", ""}}},
		"/messages":                          {takes: []message{{"m", "o"}}},
		"/messages/*":                        {takes: []message{{"m", "o"}}},
		"/messages/modules/*":                {takes: []message{{"m", "o"}}},
		"/messages/modules/m/*":              {takes: []message{{"m", "o"}, {"M", "o"}, {"m", ""}}, leaves: []message{{"mm", "o"}, {"n", "o"}}},
		"/messages/modules/m":                {takes: []message{{"m", "o"}, {"m", ""}}, leaves: []message{{"mm", "o"}}},
		"/messages/modules/m/outputs/*":      {takes: []message{{"m", "o"}}, leaves: []message{{"m", ""}}},
		"/Messages/Modules/m/Outputs/Alerts": {takes: []message{{"m", "alerts"}, {"m", "alerts/high"}}, leaves: []message{{"m", "alert"}, {"m", "alerts2"}, {"m", ""}}},
		"/messages/events":                   {leaves: []message{{"m", "o"}}},
		"/twinChangeNotifications":           {leaves: []message{{"m", "o"}}},
	} {
		route, err := ParseRoute("r", "FROM "+source+" INTO $upstream")
		require.NoError(t, err)
		for _, m := range c.takes {
			assert.True(t, route.Matches(m.module, m.output), "%s takes %v", source, m)
		}
		for _, m := range c.leaves {
			assert.False(t, route.Matches(m.module, m.output), "%s leaves %v", source, m)
		}
		assert.Equal(t, source == "/twinChangeNotifications", route.TakesTwinChanges())
	}
}

func TestSinkPrintsAsRoutesSpellIt(t *testing.T) {
	for _, text := range []string{"$upstream", `BrokeredEndpoint("/modules/m/inputs/i")`} {
		route, err := ParseRoute("r", "FROM /* INTO "+text)
		require.NoError(t, err)
		assert.Equal(t, text, route.Sink.String())
	}
}

func FuzzParseRoute(f *testing.F) {
	f.Add(`SELECT * FROM /messages/modules/m/outputs/o WHERE a = 'b' INTO BrokeredEndpoint("/modules/m/inputs/i")`)
	f.Add(`FROM /* INTO $upstream`)
	f.Fuzz(func(t *testing.T, text string) {
		route, err := ParseRoute("r", text)
		if err != nil {
			return
		}
		again, err := ParseRoute("r", "FROM "+route.Source+" INTO "+route.Sink.String())
		require.NoError(t, err)
		assert.Equal(t, route.Sink, again.Sink)
		assert.Equal(t, route.Matches("m", "o"), again.Matches("m", "o"))
	})
}
