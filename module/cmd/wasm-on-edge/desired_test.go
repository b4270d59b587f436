package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAssignments(t *testing.T) {
	for assignment, want := range map[string]string{
		`module.logLevel="debug"`:            `{"module":{"logLevel":"debug"}}`,
		`signals.a.settings.high=30`:         `{"signals":{"a":{"settings":{"high":30}}}}`,
		` signals.a = {"x":"a=b,c"} `:        `{"signals":{"a":{"x":"a=b,c"}}}`,
		`signals.a=null`:                     `{"signals":{"a":null}}`,
		`signals.a.properties.x="${env:X}"`:  `{"signals":{"a":{"properties":{"x":"${env:X}"}}}}`,
		`signals.a.properties.q"uote="q\"u"`: `{"signals":{"a":{"properties":{"q\"uote":"q\"u"}}}}`,
	} {
		got, err := assignmentPatch(assignment)
		require.NoError(t, err, assignment)
		assert.JSONEq(t, want, string(got), assignment)
	}
	for _, assignment := range []string{"", "a", "=1", "a.=1", ".a=1", "a..b=1", "a=", "a=b", "a={", "a=1 2"} {
		_, err := assignmentPatch(assignment)
		assert.Error(t, err, assignment)
	}
}

func TestAssignmentsAreMergedInOrder(t *testing.T) {
	desired := []byte(nil)
	for _, assignment := range []string{`a.b=1`, `a.c=2`, `a.b=3`, `a.c=null`} {
		var err error
		desired, err = set(desired, assignment)
		require.NoError(t, err)
	}
	assert.JSONEq(t, `{"a":{"b":3}}`, string(desired))
}

func FuzzAssignmentPatch(f *testing.F) {
	for _, seed := range []string{`a.b=1`, `a={"b":[1,2]}`, `a`, `a."=`, `=`, `a.b=null`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, assignment string) {
		if patch, err := assignmentPatch(assignment); err == nil {
			assert.True(t, json.Valid(patch), "%q makes %q", assignment, patch)
		}
	})
}
