package edge_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	edge "github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go"
	"github.com/wasm-on-edge/wasm-on-edge/wasm-guests/sdk/go/edgetest"
)

type settings struct {
	High      *float64
	HoldOff   int
	Name      string `json:"label"`
	Enabled   bool
	Weights   []float64
	Band      band
	Bands     []band
	secret    int
	Forbidden int `json:"-"`
}

type band struct{ From, To float64 }

// configured returns a runner and where its guest leaves the settings it accepted last.
func configured[S any](t *testing.T, guest edge.Guest[S]) (*edgetest.Runner, *S) {
	last := new(S)
	guest.Configure = func(_ *edge.Host, s *S) error { *last = *s; return nil }
	return edgetest.New(t, guest), last
}

func TestSettingsAreReadIntoTheFieldsOfAStruct(t *testing.T) {
	run, got := configured(t, edge.Guest[settings]{})
	require.NoError(t, run.Configure(`{"high":80.5,"holdOff":3,"label":"press","enabled":true,"weights":[1,2.5],
		"band":{"from":1,"to":2},"bands":[{"from":3},{"to":4}]}`))
	assert.Equal(t, settings{
		High: new(80.5), HoldOff: 3, Name: "press", Enabled: true, Weights: []float64{1, 2.5},
		Band: band{1, 2}, Bands: []band{{From: 3}, {To: 4}},
		secret: 0,
	}, *got)
}

func TestSettingsThatTheTwinDoesNotNameAreTheDefaults(t *testing.T) {
	high := 80.0
	run, got := configured(t, edge.Guest[settings]{Settings: settings{High: &high, HoldOff: 5, Weights: []float64{1}}})

	require.NoError(t, run.Configure(`{"high":90,"weights":[2],"holdOff":7}`))
	assert.Equal(t, settings{High: new(90.0), HoldOff: 7, Weights: []float64{2}}, *got)

	require.NoError(t, run.Configure(`{"holdOff":null}`))
	assert.Equal(t, settings{High: new(80.0), HoldOff: 5, Weights: []float64{1}}, *got, "not those of before")

	require.NoError(t, run.Configure(`null`))
	assert.Equal(t, settings{High: new(80.0), HoldOff: 5, Weights: []float64{1}}, *got)
}

func TestSettingsAreRefusedWithTheKeyAndTheReason(t *testing.T) {
	for _, test := range []struct{ settings, reason string }{
		{`{"hihg":80}`, `unknown setting "hihg" (known: band, bands, enabled, high, holdOff, label, weights)`},
		{`{"secret":1}`, `unknown setting "secret" (known: band, bands, enabled, high, holdOff, label, weights)`},
		{`{"":1}`, `unknown setting "" (known: band, bands, enabled, high, holdOff, label, weights)`},
		{`{"band":{"form":1}}`, `unknown setting "band.form" (known: from, to)`},
		{`{"high":"80"}`, `setting "high": want a number, got "80"`},
		{`{"high":1e999}`, `setting "high": want a number, got 1e999`},
		{`{"holdOff":1.5}`, `setting "holdOff": want a whole number, got 1.5`},
		{`{"label":7}`, `setting "label": want a string, got 7`},
		{`{"enabled":"yes"}`, `setting "enabled": want true or false, got "yes"`},
		{`{"weights":[1,"2"]}`, `setting "weights.1": want a number, got "2"`},
		{`{"weights":1}`, `setting "weights": want an array, got a number`},
		{`{"bands":[{"from":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18]}]}`,
			`setting "bands.0.from": want a number, got [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,1…`},
		{`[]`, `settings: want an object, got an array`},
	} {
		run := edgetest.New(t, edge.Guest[settings]{})
		assert.EqualError(t, run.Configure(test.settings), test.reason)
	}
}

func TestAGuestWithoutSettingsRefusesAll(t *testing.T) {
	run := edgetest.New(t, edge.Guest[struct{}]{})
	assert.NoError(t, run.Configure(`{}`))
	assert.EqualError(t, run.Configure(`{"high":1}`), `unknown setting "high" (there are none)`)
}

func TestAFieldOfATypeThatSettingsCannotHaveIsNamed(t *testing.T) {
	run := edgetest.New(t, edge.Guest[struct{ Limits map[string]int }]{})
	assert.EqualError(t, run.Configure(`{"limits":{}}`), `setting "limits": settings cannot have the type map[string]int`)
}

// above passes what is above High, which must not be negative.
var above = edge.Guest[checked]{
	Sample: func(_ *edge.Host, s *edge.Sample, set *checked) (edge.Verdict, error) {
		value, ok := s.Float()
		return edge.PassIf(ok && value > set.High), nil
	},
	Configure: func(_ *edge.Host, set *checked) error {
		if set.High > 1000 {
			return errors.New("high is out of this world")
		}
		return nil
	},
}

type checked struct{ High float64 }

func (c *checked) Validate() error {
	if c.High < 0 {
		return errors.New("high is negative")
	}
	return nil
}

func TestRefusedSettingsLeaveThePreviousOnesAtWork(t *testing.T) {
	for _, test := range []struct{ settings, reason string }{
		{`{"high":-1}`, "high is negative"},
		{`{"high":1001}`, "high is out of this world"},
		{`{"high":true}`, `setting "high": want a number, got true`},
	} {
		run := edgetest.Start(t, above, `{"high":80}`)
		assert.EqualError(t, run.Configure(test.settings), test.reason)
		assert.Equal(t, edge.Drop, run.Number(79).Verdict)
		assert.Equal(t, edge.Pass, run.Number(81).Verdict)
	}
}

func TestAcceptedSettingsAreAtWorkWithTheNextSample(t *testing.T) {
	run := edgetest.Start(t, above, `{"high":80}`)
	require.NoError(t, run.Configure(`{"high":90}`))
	assert.Equal(t, edge.Drop, run.Number(81).Verdict)
	assert.Equal(t, edge.Pass, run.Number(91).Verdict)
}

// named decodes itself, since its keys are not known beforehand.
type named struct{ limits map[string]float64 }

func (n *named) UnmarshalJSON(document []byte) error { return json.Unmarshal(document, &n.limits) }

func TestSettingsMayDecodeThemselves(t *testing.T) {
	run, got := configured(t, edge.Guest[named]{})
	require.NoError(t, run.Configure(`{"press":80,"oven":200}`))
	assert.Equal(t, map[string]float64{"press": 80, "oven": 200}, got.limits)
	assert.ErrorContains(t, run.Configure(`{"press":"hot"}`), "cannot unmarshal string")
}

// FuzzSettings holds the reader of settings against encoding/json: where both accept, they agree.
func FuzzSettings(f *testing.F) {
	f.Add(`{"high":1,"holdOff":2,"label":"x","enabled":true,"weights":[1,2],"band":{"from":1},"bands":[{}]}`)
	f.Add(`{"high":null,"weights":[null,1e3],"label":"\ud83d\ude00"}`)
	f.Add(`{"holdOff":1.0}`)
	f.Fuzz(func(t *testing.T, document string) {
		if !json.Valid([]byte(document)) {
			return // the host sends none of these
		}
		run, got := configured(t, edge.Guest[settings]{})
		if run.Configure(document) != nil {
			return
		}
		var want settings
		require.NoError(t, json.Unmarshal([]byte(document), &want))
		assert.Equal(t, want, *got)
	})
}
