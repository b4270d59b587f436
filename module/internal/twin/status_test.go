package twin

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func TestStatusSaysWhatBecameOfTheDocument(t *testing.T) {
	for name, test := range map[string]struct {
		doc         string
		code        int
		description string
	}{
		"good":           {documentOf(`"signals": {"s": {"source": "input:i"}}`), 200, ""},
		"with a warning": {documentOf(`"guests": {"g": {"source": "file:x", "settings": {"a": "${b}"}}}`), 200, `guests.g.settings.a: "${b}" is not a placeholder and stays as it is`},
		"newer": {`{"schemaVersion": "1.1", "module": {"b": 1}, "a": 1, "$version": 1}`, 206,
			"a: unknown key, ignored: the document is of a newer schema; module.b: unknown key, ignored: the document is of a newer schema"},
		"newer and bad":    {`{"schemaVersion": "1.1", "a": 1, "guests": {"g": 5}}`, 400, "guests.g: must be an object, is a number"},
		"a bad entry":      {documentOf(`"signals": {"s": {"source": "i"}}`), 400, `signals.s.source: must be "input:NAME", "signal:NAME" or "timer" (did you mean "input:i"?)`},
		"not JSON":         {`{`, 400, "is not JSON: unexpected end of JSON input, line 1, column 1"},
		"empty":            {`{"$version": 1}`, 417, "the twin holds no configuration"},
		"another schema":   {`{"schemaVersion": "2.0"}`, 412, "schemaVersion: version 2.0 cannot be read, this module reads 1.0"},
		"no schema":        {`{"guests": {}}`, 412, `schemaVersion: is missing (add "schemaVersion": "1.0")`},
		"one level higher": {`{"properties": {}}`, 400, `properties: is not a key of this schema (paste one level deeper: what stands inside "properties")`},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, module.DesiredStatus{Code: test.code, Description: test.description}, Status(Parse([]byte(test.doc), device)))
		})
	}
}

func TestStatusNamesTheDocumentsFindingsFirst(t *testing.T) {
	d := Parse([]byte(documentOf(`"guests": {"g": 5}`, `"zones": {}`)), device)
	assert.Equal(t, "zones: unknown key; guests.g: must be an object, is a number", Status(d).Description)
}

func TestStatusTellsTheFirstFindingsAndHowManyMore(t *testing.T) {
	var signals []string
	for i := range 40 {
		signals = append(signals, fmt.Sprintf(`"signal%02d": {"source": "input:i", "unit": %d}`, i, i))
	}
	d := Parse([]byte(documentOf(`"signals": {`+strings.Join(signals, ",")+`}`)), device)

	description := Status(d).Description
	assert.LessOrEqual(t, utf8.RuneCountInString(description), 512)
	assert.True(t, strings.HasPrefix(description, "signals.signal00.unit: must be a string, is a number (write it in quotes); signals.signal01.unit: "))
	assert.Regexp(t, `; and 34 more$`, description)
}

func TestStatusCountsATemplatesFindingOnce(t *testing.T) {
	d := Parse([]byte(documentOf(`"templates": {"t": {"unit": 1}}`, `"signals": {"a": {"use": "t"}, "b": {"use": "t"}}`)), device)
	assert.Equal(t, "templates.t.unit: must be a string, is a number (write it in quotes)", Status(d).Description)
}

func TestStatusCutsALongFinding(t *testing.T) {
	d := module.Desired{Findings: []module.Finding{{Reason: strings.Repeat("ä", 600)}, {Path: "x", Reason: "y"}}}
	description := Status(d).Description
	assert.LessOrEqual(t, len(description), 512)
	assert.True(t, utf8.ValidString(description))
	assert.True(t, strings.HasSuffix(description, "ä…; and 1 more"))
}
