package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func template(t testing.TB) string {
	t.Helper()
	data, err := os.ReadFile("testdata/deployment.template.json")
	require.NoError(t, err)
	return string(data)
}

func TestTemplateGivesModulesRoutesAndSettings(t *testing.T) {
	m, err := Parse([]byte(template(t)))
	require.NoError(t, err)

	assert.Equal(t, []Module{
		{
			Name: "filter", Image: "${MODULES.filter}", Status: "stopped", Env: map[string]string{},
			CreateOptions: `{"HostConfig":{"Memory":268435456}}`,
			Desired:       json.RawMessage(`{ "guests": {} }`),
		},
		{
			Name: "sensor", Image: "mcr.microsoft.com/azureiotedge-simulated-temperature-sensor:1.5", Status: "running",
			Env: map[string]string{"MessageCount": "-1", "MessageDelay": "00:00:01"},
		},
	}, m.Modules)
	assert.Equal(t, StoreAndForward{TimeToLive: 7 * 24 * time.Hour, MaxBytes: 1 << 30}, m.StoreAndForward)
	assert.Equal(t, []Route{
		{
			Name: "filterToCloud", Source: "/messages/modules/filter/outputs/*", Sink: Sink{Upstream: true},
			Priority: 3, TimeToLive: 24 * time.Hour,
		},
		{
			Name: "sensorToFilter", Source: "/messages/modules/sensor/outputs/temperatureOutput", Sink: Sink{Module: "filter", Input: "sensor"},
			Priority: DefaultPriority, TimeToLive: 7 * 24 * time.Hour,
		},
	}, m.Routes)
}

func TestGeneratedManifestReadsLikeItsTemplate(t *testing.T) {
	want, err := Parse([]byte(template(t)))
	require.NoError(t, err)

	var document map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(template(t)), &document))
	generated := strings.Replace(`{"content": {"modulesContent": `+string(document["modulesContent"])+`}}`,
		`"createOptions": { "HostConfig": { "Memory": 268435456 } }`,
		`"createOptions": "{\"HostConfig\":", "createOptions01": "{\"Memory\":", "createOptions02": "268435456}}"`, 1)
	got, err := Parse([]byte(generated))

	require.NoError(t, err)
	assert.Equal(t, want, got)
}

func TestModuleIsFoundByName(t *testing.T) {
	m, err := Parse([]byte(template(t)))
	require.NoError(t, err)

	sensor, ok := m.Module("sensor")
	assert.True(t, ok)
	assert.Equal(t, "running", sensor.Status)
	_, ok = m.Module("edgeHub")
	assert.False(t, ok, "the runtime's own modules are not listed")
}

func TestTimeToLiveDefaultsToTwoHoursAndMayBeEndless(t *testing.T) {
	const settings = `"storeAndForwardConfiguration": { "timeToLiveSecs": 604800, "storeLimits": { "maxSizeBytes": 1073741824 } }`
	for replacement, want := range map[string]time.Duration{
		`"unrelated": 0`: 2 * time.Hour,
		`"storeAndForwardConfiguration": { "timeToLiveSecs": -1 }`: Forever,
	} {
		m, err := Parse([]byte(strings.Replace(template(t), settings, replacement, 1)))
		require.NoError(t, err)
		assert.Equal(t, StoreAndForward{TimeToLive: want}, m.StoreAndForward)
		assert.Equal(t, want, m.Routes[1].TimeToLive, "a route without a time of its own inherits it")
		assert.Equal(t, 24*time.Hour, m.Routes[0].TimeToLive)
	}
}

func TestWhatIsWrongIsNamedWithItsPlace(t *testing.T) {
	const agent, hub = `modulesContent.$edgeAgent["properties.desired"].modules.`, `modulesContent.$edgeHub["properties.desired"].`
	for name, c := range map[string]struct{ old, new, at, want string }{
		"no JSON":                  {`"4.0.0",`, `"4.0.0"`, "\"modulesContent\"", `not JSON: invalid character '"' after object key:value pair`},
		"modulesContent missing":   {`"modulesContent"`, `"moduleContent"`, `{`, `"modulesContent" is missing`},
		"modulesContent no object": {`"modulesContent": {`, `"modulesContent": 1, "x": {`, `"modulesContent"`, `modulesContent: not an object`},
		"edgeHub missing":          {`"$edgeHub": {`, `"$edgeHub ": {`, `"$edgeHub "`, `modulesContent["$edgeHub "]: no module of this name in $edgeAgent`},
		"twin of nobody":           {`"filter": { "prop`, `"fliter": { "prop`, `"fliter"`, `modulesContent.fliter: no module of this name in $edgeAgent`},
		"layered deployment":       {`"filter": { "properties.desired": {`, `"filter": { "properties.desired.guests": {`, `"properties.desired.guests"`, `modulesContent.filter["properties.desired.guests"]: this is a layer; it needs the base that it lies over, which gives "properties.desired" whole`},
		"desired is no object":     {`"filter": { "properties.desired": { "guests": {} } }`, `"filter": { "properties.desired" : [] }`, `"properties.desired" :`, `modulesContent.filter["properties.desired"]: not an object`},
		"module's name":            {`"sensor": {`, `"a/b": {`, `"a/b"`, agent + `a/b: not a name for a module: one to 128 letters, digits and -.%_*?!(),:=@'`},
		"status":                   {`"status": "stopped"`, `"status": "paused"`, `"filter": {`, agent + `filter: "status" is "paused", want running or stopped`},
		"type":                     {`"version": "1.0", "type": "docker"`, `"type": "wasm"`, `"filter": {`, agent + `filter: "type" is "wasm", want docker`},
		"image missing":            {`"image": "${MODULES.filter}",`, ``, `"settings": {` + "\n", agent + `filter.settings: "image" is missing`},
		"image empty":              {`"image": "${MODULES.filter}"`, `"image" : ""`, `"image" :`, agent + `filter.settings.image: empty`},
		"environment":              {`{ "value": "00:00:01" }`, `{ "value" : {} }`, `"value" :`, agent + `sensor.env.MessageDelay.value: not a string`},
		"createOptions":            {`"createOptions": ""`, `"createOptions" : "{"`, `"createOptions" :`, agent + `sensor.settings.createOptions: the text is not a JSON object: unexpected end of JSON input`},
		"chunk missing":            {`"createOptions": ""`, `"createOptions": "{", "createOptions02": "}"`, `"createOptions02"`, agent + `sensor.settings.createOptions02: comes without "createOptions01" before it`},
		"route":                    {` INTO $upstream`, ``, `"route"`, hub + `routes.filterToCloud.route: route "FROM /messages/modules/filter/outputs/*": column 40: want "INTO", not the end`},
		"sink's module":            {`/modules/filter/inputs/`, `/modules/fliter/inputs/`, `"sensorToFilter"`, hub + `routes.sensorToFilter: leads into module "fliter", which is not in $edgeAgent`},
		"priority":                 {`"priority": 3`, `"priority": 10`, `"priority"`, hub + `routes.filterToCloud.priority: 10 is not within 0 and 9`},
		"route's time to live":     {`"timeToLiveSecs": 86400`, `"timeToLiveSecs" : 1.5`, `"timeToLiveSecs" :`, hub + `routes.filterToCloud.timeToLiveSecs: not a whole number`},
		"schema of object routes":  {`"${EDGEHUB_SCHEMA_VERSION}"`, `"1.0"`, `"filterToCloud"`, hub + `routes.filterToCloud: a route as an object needs schemaVersion 1.1, this is 1.0`},
		"schema missing":           {`"schemaVersion": "${EDGEHUB_SCHEMA_VERSION}",`, ``, `"properties.desired": {` + "\n        \n", `modulesContent.$edgeHub["properties.desired"]: "schemaVersion" is missing`},
		"time to live":             {`"timeToLiveSecs": 604800`, `"timeToLiveSecs" : "604800"`, `"timeToLiveSecs" :`, hub + `storeAndForwardConfiguration.timeToLiveSecs: not a whole number`},
		"store limit":              {`"maxSizeBytes": 1073741824`, `"maxSizeBytes": 0`, `"maxSizeBytes"`, hub + `storeAndForwardConfiguration.storeLimits.maxSizeBytes: 0 is not within 1 and 9223372036854775807`},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, template(t), c.old)
			document := strings.Replace(template(t), c.old, c.new, 1)
			_, err := Parse([]byte(document))
			require.EqualError(t, err, place(t, document, c.at)+c.want)
		})
	}
}

// place says where text stands in document, in the words of an Error.
func place(t *testing.T, document, text string) string {
	before, _, found := strings.Cut(document, text)
	require.True(t, found, "%q is in the document", text)
	line := strings.Count(before, "\n") + 1
	return fmt.Sprintf("line %d, column %d: ", line, len(before)-strings.LastIndex(before, "\n"))
}

func TestPlaceholdersInCreateOptionsStayText(t *testing.T) {
	m, err := Parse([]byte(strings.Replace(template(t), `"createOptions": ""`, `"createOptions": "{\"HostConfig\":{\"Memory\":${MEMORY}}}"`, 1)))
	require.NoError(t, err)
	sensor, _ := m.Module("sensor")
	assert.Equal(t, `{"HostConfig":{"Memory":${MEMORY}}}`, sensor.CreateOptions)
}

func TestCheckSeesWhatNoRouteTakesAndWhatRoutesFeed(t *testing.T) {
	m, err := Parse([]byte(template(t)))
	require.NoError(t, err)

	assert.True(t, m.Takes("filter", "anything"))
	assert.True(t, m.Takes("sensor", "temperatureOutput"))
	assert.False(t, m.Takes("sensor", "temperature"))
	assert.Equal(t, []string{"sensor"}, m.Feeds("filter"))
	assert.Empty(t, m.Feeds("sensor"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(template(f)))
	f.Add([]byte(`{"content":{"modulesContent":{"$edgeAgent":{"properties.desired":{"modules":null}}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, err := Parse(data)
		if err == nil {
			return
		}
		problem, ok := errors.AsType[*Error](err)
		require.True(t, ok, "every error is of the one type")
		assert.Positive(t, problem.Line)
		assert.Positive(t, problem.Column)
		assert.NotEmpty(t, problem.Reason)
	})
}
