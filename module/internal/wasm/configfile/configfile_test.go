package configfile_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm/configfile"
)

func parse(t *testing.T, settings string) configfile.Settings {
	t.Helper()
	s, err := configfile.Parse(json.RawMessage(settings))
	require.NoError(t, err)
	return s
}

func TestTheConfigurationOfTheFirstGuestsIsSpelledAsTheirsWas(t *testing.T) {
	s := parse(t, `{"config":{"telemetry_interval_in_milliseconds":"10"},"outputs":{"telemetry":"toHub"}}`)
	assert.Equal(t, "./config.toml", s.File)
	assert.Equal(t, "telemetry_interval_in_milliseconds = \"10\"\n", string(s.Content))
	assert.Equal(t, map[string]string{"telemetry": "toHub"}, s.Outputs)
}

func TestEveryJSONValueHasItsTOML(t *testing.T) {
	s := parse(t, `{"config":{"text":"a \"b\" \\ \n \u007f é","int":-7,"big":9223372036854775807,"float":1.50,"exponent":1e3,"yes":true,
		"list":[1,"a",[]],"table":{"b":{"c":1},"a b":2},"":3,"key with space":4}}`)
	assert.Equal(t, `"" = 3
big = 9223372036854775807
exponent = 1e3
float = 1.50
int = -7
"key with space" = 4
list = [1, "a", []]
table = {"a b" = 2, b = {c = 1}}
text = "a \"b\" \\ \u000A \u007F é"
yes = true
`, string(s.Content))
}

func TestAFileThatEndsInJSONIsJSON(t *testing.T) {
	s := parse(t, `{"configFile":"settings.json","config":{"a":[null,1.0]}}`)
	assert.Equal(t, `{"a":[null,1.0]}`, string(s.Content))
}

func TestSettingsMayBeLeftOut(t *testing.T) {
	for _, settings := range []string{"", "{}", `{"config":{}}`} {
		s := parse(t, settings)
		assert.Equal(t, configfile.Default, s.File)
		assert.Empty(t, s.Content)
	}
}

func TestSettingsThatMakeNoSenseAreRefused(t *testing.T) {
	for settings, reason := range map[string]string{
		`{"interval":10}`:                        `its settings are configFile, config and outputs: unknown field "interval"`,
		`{"config":"a=1"}`:                       "config is no object",
		`{"config":null}`:                        "config is no object",
		`{"config":{"a":null}}`:                  "config, a: TOML has no null: leave the key out",
		`{"config":{"a":{"b":[null]}}}`:          "config, a: config, b: TOML has no null: leave the key out",
		`{"config":{"a":9223372036854775808}}`:   "config, a: 9223372036854775808 does not fit into 64 bits",
		`{"configFile":"../config.toml"}`:        `configFile "../config.toml" is no file in the guest's directory`,
		`{"configFile":"/etc/config.toml"}`:      `configFile "/etc/config.toml" is no file in the guest's directory`,
		`{"configFile":""}`:                      `configFile "" is no file in the guest's directory`,
		`{"configFile":"a/b/c/d/e/f/g/h/i/j"}`:   `configFile "a/b/c/d/e/f/g/h/i/j" is no file in the guest's directory`,
		`{"outputs":{"alert":"no such/output"}}`: `outputs: "no such/output" of topic "alert" is no name of an output`,
		`{"outputs":{"alert":"deadletter"}}`:     `outputs: "deadletter" of topic "alert" is no name of an output`,
	} {
		_, err := configfile.Parse(json.RawMessage(settings))
		assert.EqualError(t, err, reason, settings)
	}
}

func TestTheFileIsWrittenAnewAtEachStart(t *testing.T) {
	directory := t.TempDir()
	for _, value := range []string{`"longer than the next"`, `"1"`} {
		require.NoError(t, parse(t, `{"configFile":"./telemetry/config.toml","config":{"a":`+value+`}}`).Write(directory))
		text, err := os.ReadFile(filepath.Join(directory, "telemetry/config.toml"))
		require.NoError(t, err)
		assert.Equal(t, "a = "+value+"\n", string(text))
	}
}

func TestALinkDoesNotLeadTheFileOutOfTheDirectory(t *testing.T) {
	directory, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(directory, "telemetry")))
	assert.Error(t, parse(t, `{"configFile":"telemetry/config.toml"}`).Write(directory))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

func FuzzParse(f *testing.F) {
	f.Add(`{"configFile":"./a.toml","config":{"a":["b",{"c":1.5}]},"outputs":{"a":"b"}}`)
	f.Fuzz(func(t *testing.T, settings string) {
		s, err := configfile.Parse(json.RawMessage(settings))
		if err != nil || strings.HasSuffix(s.File, ".json") {
			return
		}
		for line := range strings.Lines(string(s.Content)) {
			require.Contains(t, line, " = ", "a pair on each line, whatever its text holds")
		}
	})
}
