package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The manifests that the repository hands out.
var published = []string{"deployment.template.json", "docs/verify/deployment.json", "docs/fleet/base.json"}

func read(t *testing.T, name string) []byte {
	t.Helper()
	document, err := os.ReadFile(filepath.Join("../../..", name))
	require.NoError(t, err)
	return document
}

func validate(t *testing.T, schema, document string) error {
	t.Helper()
	compiled, err := jsonschema.NewCompiler().Compile(filepath.Join("testdata", schema))
	require.NoError(t, err)
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	require.NoError(t, err)
	return compiled.Validate(value)
}

func TestOurManifestsPassTheSchemaOfIotedgedev(t *testing.T) {
	for _, name := range published {
		assert.NoError(t, validate(t, "deployment.schema.json", string(read(t, name))), name)
	}
}

func TestTheSchemaOfIotedgedevRefusesWhatTheToolWould(t *testing.T) {
	good := string(read(t, published[0]))
	for _, row := range []struct{ name, old, replacement string }{
		{"unknown key of a module", `"startupOrder": 1`, `"startOrder": 1`},
		{"policy of no module", `"restartPolicy": "always"`, `"restartPolicy": "sometimes"`},
		{"variable that is no value", `{ "value": "/guests" }`, `"/guests"`},
		{"priority out of range", `"priority": 2`, `"priority": 10`},
		{"route that is none", `"route": "FROM`, `"rout": "FROM`},
		{"name with a dot", `"alertsToCloud"`, `"alerts.ToCloud"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			require.Contains(t, good, row.old)
			assert.Error(t, validate(t, "deployment.schema.json", strings.ReplaceAll(good, row.old, row.replacement)))
		})
	}
}

// In its solution mode iotedgehubdev turns the create options into Docker Compose's, and knows three restart policies.
func TestOurManifestsCanBeStartedByIotedgehubdev(t *testing.T) {
	for _, name := range published {
		document := read(t, name)
		m, err := Parse(document)
		require.NoError(t, err)
		assert.NotContains(t, string(document), "on-unhealthy", name)
		for _, module := range m.Modules {
			assert.NoError(t, validate(t, "createoptions.schema.json", module.CreateOptions), "%s: %s", name, module.Name)
		}
	}
}
