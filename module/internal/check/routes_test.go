package check

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/manifest"
)

func TestEveryOutputAndInputWithoutARouteIsToldTheDeadLettersFirst(t *testing.T) {
	m, err := manifest.Parse([]byte(`{"modulesContent":{
		"$edgeAgent":{"properties.desired":{"schemaVersion":"1.1","modules":{"w":{"type":"docker","status":"running","restartPolicy":"always","settings":{"image":"w"}}}}},
		"$edgeHub":{"properties.desired":{"schemaVersion":"1.2","routes":{
			"a":"FROM /messages/modules/w/outputs/taken INTO $upstream",
			"b":"FROM /messages/modules/x/* INTO BrokeredEndpoint(\"/modules/w/inputs/fed\")"},
			"storeAndForwardConfiguration":{"timeToLiveSecs":604800}}}}}`))
	require.NoError(t, err)
	input := func(name string) module.Source { return module.Source{Kind: module.SourceInput, Name: name} }
	d := module.Desired{Signals: map[module.SignalName]module.Signal{
		"one":   {Name: "one", Source: input("fed"), Output: "taken"},
		"other": {Name: "other", Source: input("hungry"), Output: "lost"},
		"quiet": {Name: "quiet", Source: module.Source{Kind: module.SourceTimer}, Output: module.OutputNone},
		"two":   {Name: "two", Sources: map[string]module.Source{"a": input("fed"), "b": input("starved")}, Output: "taken"},
	}}
	var told []string
	for _, f := range Routes(m, "w", d) {
		assert.Equal(t, module.Warning, f.Severity)
		assert.NotEmpty(t, f.Hint)
		told = append(told, f.Path+": "+f.Reason)
	}
	assert.Equal(t, []string{
		`$edgeHub.routes: no route takes the output "deadletter": edgeHub would throw dead letters away`,
		`signals.other.output: no route takes the output "lost": edgeHub would throw its messages away`,
		`signals.other.source: no route feeds the input "hungry"`,
		`signals.two.source: no route feeds the input "starved"`,
	}, told)
}
