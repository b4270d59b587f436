package twin

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strconv"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// schemaFile is what editors complete and check a twin with. The tests hold it against the field tables, which are what
// counts: names, defaults, bounds and words are the same in both.
const schemaFile = "../../../schema/desired-1.0.schema.json"

type property struct {
	Ref     string       `json:"$ref"`
	Type    any          `json:"type"`
	Enum    []string     `json:"enum"`
	Minimum *json.Number `json:"minimum"`
	Maximum *json.Number `json:"maximum"`
	Default any          `json:"default"`
	About   string       `json:"description"`
}

type schemaObject struct {
	Properties map[string]property `json:"properties"`
}

func readSchema(t *testing.T) (root schemaObject, defs map[string]schemaObject) {
	document, err := os.ReadFile(schemaFile)
	require.NoError(t, err)
	var s struct {
		schemaObject
		Defs map[string]schemaObject `json:"$defs"`
	}
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber()
	require.NoError(t, d.Decode(&s))
	return s.schemaObject, s.Defs
}

func TestTheSchemaSaysOfEachFieldWhatItsTableDoes(t *testing.T) {
	root, defs := readSchema(t)
	names := documentFields.names()
	slices.Sort(names)
	assert.Equal(t, names, slices.Sorted(maps.Keys(root.Properties)))
	agree(t, defs, "module", moduleFields)
	agree(t, defs, "guest", guestFields)
	agree(t, defs, "limits", limitFields)
	agree(t, defs, "permissions", permissionFields)
	agree(t, defs, "probation", probationFields)
	agree(t, defs, "shadow", shadowFields)
	agree(t, defs, "signalsFrom", fileFields)
	agree(t, defs, "publishGroup", groupFields)
	agree(t, defs, "signal", signalFields)
}

// agree holds a definition against a table.
func agree[T any](t *testing.T, defs map[string]schemaObject, name string, fields table[T]) {
	t.Helper()
	properties := defs[name].Properties
	names := fields.names()
	slices.Sort(names)
	assert.Equal(t, names, slices.Sorted(maps.Keys(properties)), name)
	for _, f := range fields {
		p := properties[f.name]
		at := name + "." + f.name
		assert.True(t, p.About != "" || p.Ref != "", "%s is not described", at)
		if p.Default != nil {
			given, ok := taken(fields, f, p.Default)
			assert.True(t, ok, "%s: the default %v is refused", at, p.Default)
			assert.Empty(t, given, "%s: %v is not the default", at, p.Default)
		}
		for _, word := range p.Enum {
			_, ok := taken(fields, f, word)
			assert.True(t, ok, "%s: the word %q is refused", at, word)
		}
		if p.Enum != nil {
			_, ok := taken(fields, f, "noSuchWord")
			assert.False(t, ok, "%s takes any word", at)
		}
		if p.Minimum != nil {
			bounds(t, at, fields, f, *p.Minimum, -1)
		}
		if p.Maximum != nil {
			bounds(t, at, fields, f, *p.Maximum, 1)
		}
	}
}

// bounds checks that a number is taken, and the next one is not.
func bounds[T any](t *testing.T, at string, fields table[T], f field[T], bound json.Number, step int64) {
	t.Helper()
	_, ok := taken(fields, f, bound)
	assert.True(t, ok, "%s: the bound %s is refused", at, bound)
	n, err := bound.Int64()
	require.NoError(t, err)
	_, ok = taken(fields, f, json.Number(strconv.FormatInt(n+step, 10)))
	assert.False(t, ok, "%s: %d is taken, beyond the bound", at, n+step)
}

// taken gives a field a value and returns what is not at its default then, and whether it was taken.
func taken[T any](fields table[T], f field[T], value any) (given []string, ok bool) {
	t := fields.defaults()
	e := (&parser{findings: &findings{}}).entry("", "")
	f.set(&t, value, "x", e)
	return f.given(&t), e.refused == nil
}

// validator compiles the schema.
func validator(t *testing.T) *jsonschema.Schema {
	s, err := jsonschema.NewCompiler().Compile(schemaFile)
	require.NoError(t, err)
	return s
}

func TestTheTemplateOfTheRepositoryConformsToTheSchema(t *testing.T) {
	template, err := os.ReadFile("../../../deployment.template.json")
	require.NoError(t, err)
	var m struct {
		ModulesContent map[string]map[string]json.RawMessage `json:"modulesContent"`
	}
	require.NoError(t, json.Unmarshal(template, &m))
	desired, err := jsonschema.UnmarshalJSON(bytes.NewReader(m.ModulesContent["wasmOnEdge"]["properties.desired"]))
	require.NoError(t, err)
	require.NoError(t, validator(t).Validate(desired))
}

func TestTheSchemaAndTheParserTakeAndRefuseTheSame(t *testing.T) {
	s := validator(t)
	for document, good := range map[string]bool{
		`{"schemaVersion":"1.0"}`: true,
		`{"schemaVersion":"1.0","guests":{"g":{"source":"file:g.wasm","limits":{"memoryMiB":4}}},"signals":{"s":{"source":"input:a","guest":"g","selector":"/t","properties":{"site":"x"}}}}`: true,
		`{"schemaVersion":"1.0","signals":{"s":{"source":"input:a","scale":"2"}}}`:                                                                                                            false,
		`{"schemaVersion":"1.0","signals":{"s":{"source":"sensor"}}}`:                                                                                                                         false,
		`{"schemaVersion":"1.0","signals":{"s s":{"source":"input:a"}}}`:                                                                                                                      false,
		`{"schemaVersion":"1.0","signal":{}}`:                                                                                                                                                 false,
		`{"schemaVersion":"1.0","guests":{"g":{"source":"ftp://x"}}}`:                                                                                                                         false,
		`{"schemaVersion":"2.0"}`:                                                     false,
		`{"schemaVersion":"1.0","module":{"outboxMiB":0}}`:                            false,
		`{"schemaVersion":"1.0","publishGroups":{"minute":{"maxBytes":200001}}}`:      false,
		`{"schemaVersion":"1.0","signals":{"s":{"source":"input:a","selector":"t"}}}`: false,
	} {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader([]byte(document)))
		require.NoError(t, err)
		assert.Equal(t, good, s.Validate(value) == nil, "schema: %s", document)
		assert.Equal(t, good, len(Parse([]byte(document), Environment{}).Findings) == 0, "parser: %s", document)
	}
}
