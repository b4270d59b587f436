package signals

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// TestValuesBecomeWhatDataTypeAsksFor is the table of the package comment, and more.
func TestValuesBecomeWhatDataTypeAsksFor(t *testing.T) {
	const invalid = ""
	types := []string{"auto", "json", "double", "int64", "string", "boolean"}
	for value, wants := range map[string][6]string{
		`21.50`:                  {`21.50`, `21.50`, `21.50`, `22`, `"21.50"`, invalid},
		`9007199254740993`:       {`9007199254740993`, `9007199254740993`, `9007199254740993`, `9007199254740993`, `"9007199254740993"`, invalid},
		`9007199254740993.00`:    {`9007199254740993.00`, `9007199254740993.00`, `9007199254740993.00`, `9007199254740993`, `"9007199254740993.00"`, invalid},
		`9223372036854775807`:    {`9223372036854775807`, `9223372036854775807`, `9223372036854775807`, `9223372036854775807`, `"9223372036854775807"`, invalid},
		`9223372036854775808`:    {`9223372036854775808`, `9223372036854775808`, `9223372036854775808`, invalid, `"9223372036854775808"`, invalid},
		`-9223372036854775808`:   {`-9223372036854775808`, `-9223372036854775808`, `-9223372036854775808`, `-9223372036854775808`, `"-9223372036854775808"`, invalid},
		`-9223372036854775809`:   {`-9223372036854775809`, `-9223372036854775809`, `-9223372036854775809`, invalid, `"-9223372036854775809"`, invalid},
		`-1e30`:                  {`-1e30`, `-1e30`, `-1e30`, invalid, `"-1e30"`, invalid},
		`-0`:                     {`-0`, `-0`, `-0`, `0`, `"-0"`, `false`},
		`-2.5`:                   {`-2.5`, `-2.5`, `-2.5`, `-3`, `"-2.5"`, invalid},
		`1E3`:                    {`1E3`, `1E3`, `1E3`, `1000`, `"1E3"`, invalid},
		`1e999`:                  {`1e999`, `1e999`, invalid, invalid, `"1e999"`, invalid},
		`"21.50"`:                {`"21.50"`, `"21.50"`, `21.50`, `22`, `"21.50"`, invalid},
		`" 7 "`:                  {`" 7 "`, `" 7 "`, `7`, `7`, `" 7 "`, invalid},
		`"+007"`:                 {`"+007"`, `"+007"`, `7`, `7`, `"+007"`, invalid},
		`"\u0037"`:               {`"\u0037"`, `"\u0037"`, `7`, `7`, `"\u0037"`, invalid},
		`"0x10"`:                 {`"0x10"`, `"0x10"`, invalid, invalid, `"0x10"`, invalid},
		`"1_000"`:                {`"1_000"`, `"1_000"`, invalid, invalid, `"1_000"`, invalid},
		`"21,5"`:                 {`"21,5"`, `"21,5"`, invalid, invalid, `"21,5"`, invalid},
		`"NaN"`:                  {`"NaN"`, `"NaN"`, invalid, invalid, `"NaN"`, invalid},
		`"Infinity"`:             {`"Infinity"`, `"Infinity"`, invalid, invalid, `"Infinity"`, invalid},
		`"-inf"`:                 {`"-inf"`, `"-inf"`, invalid, invalid, `"-inf"`, invalid},
		`""`:                     {`""`, `""`, invalid, invalid, `""`, invalid},
		`"text"`:                 {`"text"`, `"text"`, invalid, invalid, `"text"`, invalid},
		`true`:                   {`true`, `true`, invalid, invalid, `"true"`, `true`},
		`false`:                  {`false`, `false`, invalid, invalid, `"false"`, `false`},
		`"True"`:                 {`"True"`, `"True"`, invalid, invalid, `"True"`, `true`},
		`"FALSE"`:                {`"FALSE"`, `"FALSE"`, invalid, invalid, `"FALSE"`, `false`},
		`0`:                      {`0`, `0`, `0`, `0`, `"0"`, `false`},
		`1`:                      {`1`, `1`, `1`, `1`, `"1"`, `true`},
		`1.0`:                    {`1.0`, `1.0`, `1.0`, `1`, `"1.0"`, `true`},
		`"1"`:                    {`"1"`, `"1"`, `1`, `1`, `"1"`, `true`},
		`2`:                      {`2`, `2`, `2`, `2`, `"2"`, invalid},
		`{"a":[1]}`:              {`{"a":[1]}`, `{"a":[1]}`, invalid, invalid, invalid, invalid},
		`[1,2]`:                  {`[1,2]`, `[1,2]`, invalid, invalid, invalid, invalid},
		`12345678901234567890.1`: {`12345678901234567890.1`, `12345678901234567890.1`, `12345678901234567890.1`, invalid, `"12345678901234567890.1"`, invalid},
	} {
		for i, want := range wants {
			stages := stagesOf(t, func(s *module.Signal) { s.DataType = types[i] })
			sample, outcome := stages.Take(new(State), found(value), at(0))
			require.True(t, outcome.Passed(), "%s as %s", value, types[i])
			if want == invalid {
				assert.Equal(t, Invalid, outcome.Notes, "%s as %s", value, types[i])
				assert.Equal(t, "null bad", string(sample.Value)+" "+sample.Quality.String())
				continue
			}
			assert.Equal(t, want+" good", string(sample.Value)+" "+sample.Quality.String(), "%s as %s", value, types[i])
			assert.Zero(t, outcome.Notes, "%s as %s", value, types[i])
		}
	}
}

func TestStatusWithoutValueIsASample(t *testing.T) {
	for _, value := range []string{"", "null"} {
		for _, quality := range []module.Quality{module.Uncertain, module.Bad} {
			sample, outcome := stagesOf(t, func(s *module.Signal) { s.DataType = "double" }).
				Take(new(State), Found{Value: []byte(value), Quality: quality}, at(0))
			assert.Equal(t, Outcome{}, outcome)
			assert.Equal(t, "null "+quality.String(), string(sample.Value)+" "+sample.Quality.String())
		}
	}
}

func TestNumbersAreScaled(t *testing.T) {
	for _, row := range []struct {
		dataType      string
		scale, offset float64
		value, want   string
	}{
		{"auto", 0.1, 0, "3", "0.3"},
		{"auto", 0.1, 0, "215", "21.5"},
		{"auto", 0.01, -40, "6150", "21.5"},
		{"auto", 0.1, 0, `"215"`, "21.5"},
		{"auto", -1, 0, "0", "0"},
		{"double", 1.8, 32, "100", "212"},
		{"double", 0.3, 0, "10", "3"},
		{"double", 1e-9, 0, "5", "5e-09"},
		{"double", 1e20, 0, "123", "1.23e+22"},
		{"int64", 0.1, 0, "25", "3"},
		{"int64", 0.1, 0, "-25", "-3"},
		{"int64", 1, 0.5, "2", "3"},
		{"int64", 1e10, 0, "9223372036854775807", ""},
		{"double", 10, 0, "1e308", ""},
		{"auto", 0.1, 0, `"text"`, ""},
		{"auto", 0.1, 0, `true`, ""},
	} {
		stages := stagesOf(t, func(s *module.Signal) { s.DataType, s.Scale, s.Offset = row.dataType, row.scale, row.offset })
		sample, outcome := stages.Take(new(State), found(row.value), at(0))
		if row.want == "" {
			assert.Equal(t, Invalid, outcome.Notes, "%+v", row)
			continue
		}
		assert.Equal(t, row.want, string(sample.Value), "%+v", row)
	}
}

func TestScaleThatIsLeftOutIsOne(t *testing.T) {
	stages, err := NewStages(module.Signal{Name: "made by hand"})
	require.NoError(t, err)
	sample, _ := stages.Take(new(State), found("21.50"), at(0))
	assert.Equal(t, "21.50", string(sample.Value))
}

func TestRangeMarksClampsOrDrops(t *testing.T) {
	for _, row := range []struct {
		action, dataType string
		value, want      string
		quality          module.Quality
		outcome          Outcome
	}{
		{"uncertain", "auto", "-0.51", "-0.51", module.Uncertain, Outcome{Notes: Strayed}},
		{"uncertain", "auto", "-0.5", "-0.5", module.Good, Outcome{}},
		{"uncertain", "auto", "150.5", "150.5", module.Good, Outcome{}},
		{"clamp", "auto", "151", "150.5", module.Uncertain, Outcome{Notes: Strayed}},
		{"clamp", "double", `"-7"`, "-0.5", module.Uncertain, Outcome{Notes: Strayed}},
		{"clamp", "int64", "200", "150", module.Uncertain, Outcome{Notes: Strayed}},
		{"clamp", "int64", "-200", "0", module.Uncertain, Outcome{Notes: Strayed}},
		{"clamp", "string", "200", `"200"`, module.Good, Outcome{}},
		{"drop", "auto", "151", "", module.Good, Outcome{End: OutOfRange, Notes: Strayed}},
		{"drop", "auto", `"text"`, "null", module.Bad, Outcome{Notes: Invalid}},
	} {
		stages := stagesOf(t, func(s *module.Signal) {
			s.DataType, s.RangeAction, s.RangeMin, s.RangeMax = row.dataType, row.action, ptr(-0.5), ptr(150.5)
		})
		sample, outcome := stages.Take(new(State), found(row.value), at(0))
		assert.Equal(t, row.outcome, outcome, "%+v", row)
		assert.Equal(t, row.want, string(sample.Value), "%+v", row)
		assert.Equal(t, row.quality, sample.Quality, "%+v", row)
	}
}

func TestWorstQualityWins(t *testing.T) {
	stages := stagesOf(t, func(s *module.Signal) { s.RangeMax = ptr(10) })
	for source, want := range map[module.Quality]module.Quality{
		module.Good: module.Uncertain, module.Uncertain: module.Uncertain, module.Bad: module.Bad,
	} {
		sample, _ := stages.Take(new(State), Found{Value: []byte("11"), Quality: source}, at(0))
		assert.Equal(t, want, sample.Quality)
	}
}

func validJSON(value []byte) bool {
	return json.Valid(value) && bytes.Equal(value, bytes.TrimSpace(value))
}
