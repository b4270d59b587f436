package observe

import (
	"bytes"
	"errors"
	"regexp"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The pattern with which edgeAgent takes a log line apart, after Docker's timestamp.
var edgeAgentLine = regexp.MustCompile(`^(<\d>)?\s*(\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}\.\d{3} [+-]\d{2}:\d{2})\s(.*)$`)

func TestEdgeLinesAreWhatEdgeAgentParses(t *testing.T) {
	var out bytes.Buffer
	log := NewLogger(&out, LogEdge, NewLevel("info"))

	log.Warn().Str("signal", "press1").Err(errors.New("it broke")).Msg("two\nlines")

	parts := edgeAgentLine.FindStringSubmatch(out.String()[:out.Len()-1])
	require.NotNil(t, parts, out.String())
	assert.Equal(t, "<4>", parts[1])
	assert.Equal(t, `[WRN] - two | lines error="it broke" signal=press1`, parts[3])
}

func TestEdgeSeverityFollowsTheLevel(t *testing.T) {
	for level, want := range map[zerolog.Level]string{
		zerolog.TraceLevel: "<7>", zerolog.DebugLevel: "<7>", zerolog.InfoLevel: "<6>", zerolog.WarnLevel: "<4>", zerolog.ErrorLevel: "<3>",
	} {
		var out bytes.Buffer
		log := NewLogger(&out, LogEdge, NewLevel("trace"))
		log.WithLevel(level).Msg("x")
		assert.Equal(t, want, out.String()[:3], level)
	}
}

func TestLevelChangesWhileTheProgramRuns(t *testing.T) {
	var out bytes.Buffer
	level := NewLevel("info")
	log := NewLogger(&out, LogJSON, level)

	log.Debug().Msg("one")
	level.Set("debug")
	log.Debug().Msg("two")

	assert.NotContains(t, out.String(), "one")
	assert.Contains(t, out.String(), `"message":"two"`)
}

func TestLevelsAreSpelledAsTheRuntimeSpellsThem(t *testing.T) {
	for name, want := range map[string]zerolog.Level{
		"Information": zerolog.InfoLevel, "warning": zerolog.WarnLevel, "Verbose": zerolog.TraceLevel, "debug": zerolog.DebugLevel, "": zerolog.InfoLevel,
	} {
		assert.Equal(t, want, ParseLevel(name), name)
	}
}
