package sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
)

func TestTwinIsHandedOutWithItsVersions(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	c.publish(0, 0, edgehub.TwinGetTopic("a-1"), " ")
	p := c.published()
	assert.Equal(t, "$iothub/twin/res/200/?$rid=a-1", p.TopicName)
	assert.Equal(t, `{"desired":{"$version":1,"limit":25,"nested":{"a":1.50}},"reported":{"$version":1}}`, string(p.Payload))
	assert.Zero(t, p.Qos)
}

func TestTwinAnswersNeedASubscription(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c, _ := connect(t, h, "filter")
	c.publish(1, 1, edgehub.TwinGetTopic("1"), "")
	assert.EqualValues(t, 1, c.puback())
	c.subscribe(1, edgehub.TwinResponseFilter)
	c.publish(1, 2, edgehub.TwinGetTopic("2"), "")
	assert.EqualValues(t, 1, c.published().Qos, "at the QoS of the subscription")
	assert.EqualValues(t, 2, c.puback())
}

func TestReportedPatchesAreMerged(t *testing.T) {
	type report struct {
		version    int64
		properties string
	}
	reports := make(chan report, 9)
	h := start(t, Config{Manifest: deployment(t), Observer: Observer{Reported: func(module string, version int64, properties json.RawMessage) {
		assert.Equal(t, "filter", module)
		reports <- report{version, string(properties)}
	}}})
	c := join(t, h, "filter")
	for i, patch := range []string{`{"a":{"b":1,"c":2},"list":[1,2]}`, `{"a":{"b":null},"list":[3]}`, `{"a":null}`} {
		c.publish(0, 0, edgehub.TwinReportTopic(fmt.Sprint(i)), patch)
		p := c.published()
		assert.Equal(t, fmt.Sprintf("$iothub/twin/res/204/?$rid=%d", i), p.TopicName, "without a version")
		assert.Empty(t, p.Payload)
	}
	c.publish(0, 0, "$iothub/twin/PATCH/properties/reported/", `{"quiet":true}`)
	c.nothing() // who gives no $rid gets no answer

	assert.Equal(t, report{2, `{"a":{"b":1,"c":2},"list":[1,2]}`}, <-reports)
	assert.Equal(t, report{3, `{"a":{"c":2},"list":[3]}`}, <-reports)
	assert.Equal(t, report{4, `{"list":[3]}`}, <-reports)
	assert.Equal(t, report{5, `{"list":[3],"quiet":true}`}, <-reports)
	document, version := h.Reported("filter")
	assert.JSONEq(t, `{"list":[3],"quiet":true}`, string(document))
	assert.EqualValues(t, 5, version)
}

func TestReportedPatchesAreRefusedAsEdgeHubRefusesThem(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	nested := func(n int) string { return strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) }
	arrays := func(n int) string { return `{"a":` + strings.Repeat(`[`, n) + "1" + strings.Repeat("]", n) + `}` }
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	for patch, want := range map[string]int{
		`{}`:                           204,
		nested(11):                     204,
		nested(12):                     400,
		arrays(10):                     204,
		arrays(11):                     400,
		`{"a":` + text(4096) + `}`:     204,
		`{"a":` + text(4097) + `}`:     400,
		`{"a":[` + text(4097) + `]}`:   400,
		`{` + text(1024) + `:1}`:       204,
		`{` + text(1025) + `:1}`:       400,
		`{"a.b":1}`:                    400,
		`{"$version":1}`:               400,
		`{"a#":1}`:                     400,
		`{"a b":1}`:                    400,
		`{"a\u0001":1}`:                400,
		`{"a":[{"b c":1}]}`:            400,
		`{"a":4503599627370495}`:       204,
		`{"a":4503599627370496}`:       400,
		`{"a":-4503599627370496}`:      204,
		`{"a":-4503599627370497}`:      400,
		`{"a":4503599627370496.5}`:     204,
		`{"a":99999999999999999999}`:   500,
		`{"a":[1,null]}`:               400,
		`{"a":[{"b":null}]}`:           400,
		`{"a":[true,1.5,"x",{"b":2}]}`: 204,
		`{"a":[` + strings.Repeat(text(4000)+",", 8) + text(700) + `]}`: 204,
		`{"a":[` + strings.Repeat(text(4000)+",", 8) + text(900) + `]}`: 400,
		`[]`:        500,
		`null`:      500,
		`{"a":`:     500,
		`{"a":1}{}`: 500,
		`{"a":1}}`:  500,
	} {
		c.publish(1, 1, edgehub.TwinReportTopic("r"), patch)
		p := c.published()
		assert.Equal(t, edgehub.TwinResponseTopic(want, "r"), p.TopicName, patch)
		assert.Empty(t, p.Payload)
		c.puback()
	}
}

func TestDesiredPatchIsPushedToAModuleThatListens(t *testing.T) {
	desired := make(chan string, 9)
	h := start(t, Config{Manifest: deployment(t), Observer: Observer{Desired: func(module string, version int64, properties json.RawMessage) {
		desired <- fmt.Sprintf("%s %d %s", module, version, properties)
	}}})
	patch := func(text string) int64 {
		t.Helper()
		version, err := h.PatchDesired("filter", []byte(text))
		require.NoError(t, err)
		return version
	}
	assert.EqualValues(t, 2, patch(`{"away": true}`)) // nobody is told, then or later
	c, _ := connect(t, h, "filter")
	patch(`{"deaf": true}`)
	c.subscribe(0, edgehub.DesiredFilter)
	assert.EqualValues(t, 4, patch(`{"limit": 30, "nested": {"a": null, "b": "<&>"}, "deaf": null, "$version": 99}`))
	p := c.published()
	assert.Equal(t, "$iothub/twin/PATCH/properties/desired/?$version=4", p.TopicName)
	assert.Equal(t, `{"$version":4,"deaf":null,"limit":30,"nested":{"a":null,"b":"<&>"}}`, string(p.Payload))

	assert.Equal(t, `filter 2 {"away":true,"limit":25,"nested":{"a":1.50}}`, <-desired)
	assert.Equal(t, `filter 3 {"away":true,"deaf":true,"limit":25,"nested":{"a":1.50}}`, <-desired)
	assert.Equal(t, `filter 4 {"away":true,"limit":30,"nested":{"b":"<&>"}}`, <-desired)
	document, version := h.Desired("filter")
	assert.JSONEq(t, `{"away":true,"limit":30,"nested":{"b":"<&>"}}`, string(document))
	assert.EqualValues(t, 4, version)
}

func TestReplacedDesiredPropertiesArePushedAsADifference(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	c := join(t, h, "filter")
	version, err := h.ReplaceDesired("filter", []byte(`{"limit": 25, "nested": {"b": 2}, "new": {"x": 1}}`))
	require.NoError(t, err)
	assert.EqualValues(t, 2, version)
	assert.Equal(t, `{"$version":2,"nested":{"a":null,"b":2},"new":{"x":1}}`, string(c.published().Payload))
	document, _ := h.Desired("filter")
	assert.JSONEq(t, `{"limit": 25, "nested": {"b": 2}, "new": {"x": 1}}`, string(document))
}

func TestDesiredPropertiesAreObjectsOfKnownModules(t *testing.T) {
	h := start(t, Config{Manifest: deployment(t)})
	_, err := h.PatchDesired("filter", []byte(`[1]`))
	require.ErrorContains(t, err, `change desired properties of module "filter": not a JSON object`)
	_, err = h.ReplaceDesired("nobody", []byte(`{}`))
	require.ErrorIs(t, err, ErrNoModule)
	document, version := h.Desired("nobody")
	assert.Nil(t, document)
	assert.Zero(t, version)
	document, version = h.Desired("sink")
	assert.Equal(t, `{}`, string(document))
	assert.EqualValues(t, 1, version)
}

func FuzzMergePatch(f *testing.F) {
	f.Add(`{"a":{"b":1}}`, `{"a":{"b":null,"c":[null]}}`)
	f.Add(`{"a":1}`, `{"a":{"b":{}}}`)
	f.Fuzz(func(t *testing.T, before, after string) {
		from, err := decodeObject([]byte(before))
		if err != nil {
			return
		}
		to, err := decodeObject([]byte(after))
		if err != nil {
			return
		}
		to = mergePatch(nil, to) // documents hold no null members
		from = mergePatch(nil, from)
		patched := mergePatch(from, diff(from, to))
		assert.Equal(t, string(encode(to)), string(encode(patched)), "the difference leads from one to the other")
		assert.Empty(t, diff(patched, to))
	})
}
