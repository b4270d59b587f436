package twin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

var digest = "sha256:" + strings.Repeat("0a", 32)

// parseGuest reads a document with the fields of one guest, "g".
func parseGuest(fields string) module.Desired {
	return parseAll(documentOf(`"guests": {"g": {` + fields + `}}`))
}

func TestGuestSourcesThatAreTaken(t *testing.T) {
	for _, source := range []string{
		"file:threshold.wasm",
		"https://contoso.com/guests/threshold.wasm",
		"https://$upstream:8000/threshold.wasm",
		"oci://contoso.azurecr.io/guests/threshold:1.2.0",
		"oci://localhost:5000/threshold@" + digest,
		"oci://$upstream:5000/guests/threshold:1.2.0@" + digest,
	} {
		d := parseGuest(fmt.Sprintf(`"source": %q, "digest": %q`, source, digest))
		require.Empty(t, d.Findings, source)
		assert.Equal(t, source, d.Guests["g"].Source)
	}
}

func TestGuestFindings(t *testing.T) {
	for name, test := range map[string]struct{ fields, path, reason, hint string }{
		"no source":             {`"status": "running"`, "source", "is missing", `"file:NAME"`},
		"empty source":          {`"source": ""`, "source", `must begin with "file:", "https://" or "oci://"`, ""},
		"unknown scheme":        {`"source": "edge://x"`, "source", `must begin with "file:"`, ""},
		"http":                  {`"source": "http://h/x.wasm"`, "source", "http is not offered", "use https"},
		"parent directory":      {`"source": "file:../x.wasm"`, "source", "must be the name of a file, without a directory", ""},
		"hidden file":           {`"source": "file:.x"`, "source", "must be the name of a file", ""},
		"query string":          {`"source": "https://h/x.wasm?sig=abc"`, "source", "a query string can hold a secret", "credentials"},
		"query in oci":          {`"source": "oci://h/x:1?sig=abc"`, "source", "a query string can hold a secret", "credentials"},
		"password in address":   {`"source": "https://me:secret@h/x.wasm"`, "source", "user and password in an address are refused", "credentials"},
		"no host":               {`"source": "https:///x.wasm"`, "source", "has no valid host", ""},
		"no path":               {`"source": "https://h"`, "source", "must be https://HOST/PATH", ""},
		"fragment":              {`"source": "https://h/x#y"`, "source", "must be https://HOST/PATH", ""},
		"image without tag":     {`"source": "oci://h/x"`, "source", "must be oci://REGISTRY/REPOSITORY:TAG", ""},
		"image in capitals":     {`"source": "oci://h/Guests:1"`, "source", "must be oci://REGISTRY/REPOSITORY:TAG", ""},
		"registry without host": {`"source": "oci:///x:1"`, "source", "has no valid registry host", ""},
		"remote, no digest":     {`"source": "https://h/x.wasm"`, "digest", "a remote source needs one", "sha256:"},
		"short digest":          {`"source": "file:x", "digest": "sha256:00"`, "digest", `must be "sha256:" and 64 hexadecimal digits`, ""},
		"credentials as path":   {`"source": "file:x", "credentials": "/run/secret"`, "credentials", "must be the name of a file", ""},
		"unknown status":        {`"source": "file:x", "status": "Running"`, "status", `must be one of running, stopped, is "Running"`, `did you mean "running"?`},
		"edgeAgent's policy":    {`"source": "file:x", "restartPolicy": "on-unhealthy"`, "restartPolicy", "must be one of never, on-failure, always", ""},
		"unknown run":           {`"source": "file:x", "run": "permessage"`, "run", "must be one of perMessage, service", `did you mean "perMessage"?`},
		"misspelled limits":     {`"source": "file:x", "limit": {}`, "limit", "unknown key", `did you mean "limits"?`},
		"limits as a number":    {`"source": "file:x", "limits": 4`, "limits", "must be an object, is a number", ""},
		"misspelled limit":      {`"source": "file:x", "limits": {"memoryMib": 4}`, "limits.memoryMib", "unknown key", `did you mean "memoryMiB"?`},
		"too little memory":     {`"source": "file:x", "limits": {"memoryMiB": 0}`, "limits.memoryMiB", "must be from 1 to 1024, is 0", ""},
		"too much memory":       {`"source": "file:x", "limits": {"memoryMiB": 1025}`, "limits.memoryMiB", "must be from 1 to 1024, is 1025", ""},
		"half a mebibyte":       {`"source": "file:x", "limits": {"memoryMiB": 0.5}`, "limits.memoryMiB", "must be an integer from 1 to 1024, is 0.5", ""},
		"huge number":           {`"source": "file:x", "limits": {"memoryMiB": 1e999}`, "limits.memoryMiB", "must be an integer from 1 to 1024", ""},
		"number in quotes":      {`"source": "file:x", "limits": {"deadlineMs": "50"}`, "limits.deadlineMs", "must be an integer, is a string", "write it without quotes"},
		"long deadline":         {`"source": "file:x", "limits": {"deadlineMs": 10001}`, "limits.deadlineMs", "must be from 1 to 10000, is 10001", ""},
		"origin with a path":    {`"source": "file:x", "permissions": {"http": {"erp": "https://h/api"}}`, "permissions.http.erp", "must be an origin", "*."},
		"bad variable":          {`"source": "file:x", "permissions": {"env": {"A-B": "1"}}`, `permissions.env.A-B`, "must be the name of a variable", ""},
		"variable as number":    {`"source": "file:x", "permissions": {"env": {"A": 1}}`, `permissions.env.A`, "must be a string, is a number", "write it in quotes"},
		"secret with path":      {`"source": "file:x", "permissions": {"secrets": {"KEY": "../key"}}`, "permissions.secrets.KEY", "must be the name of a file", ""},
		"unknown files":         {`"source": "file:x", "permissions": {"files": "all"}`, "permissions.files", "must be one of none, private", ""},
		"settings as a list":    {`"source": "file:x", "settings": []`, "settings", "must be an object, is an array", ""},
		"settings in a string":  {`"source": "file:x", "settings": "{}"`, "settings", "must be an object, is a string", ""},
		"large settings":        {`"source": "file:x", "settings": {"t": "` + strings.Repeat("x", 16384) + `"}`, "settings", "must be 16384 bytes of JSON at most, is 16392", ""},
		"key twice":             {`"source": "file:x", "status": "running", "status": "stopped"`, "status", "the key stands here more than once", ""},
		"key twice in settings": {`"source": "file:x", "settings": {"a": [{"b": 1, "b": 2}]}`, "settings.a[0].b", "the key stands here more than once", ""},
		"probation of nothing":  {`"source": "file:x", "probation": {"messages": 0}`, "probation.messages", "must be from 1 to", ""},
		"shadow from nowhere":   {`"source": "file:x", "shadow": {"digest": "` + digest + `"}`, "shadow.source", "is missing", ""},
		"shadow without digest": {`"source": "file:x", "shadow": {"source": "https://h/x"}`, "shadow.digest", "a remote source needs one", ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := parseGuest(test.fields)
			f := requireFinding(t, d, "guests.g."+test.path)
			assert.Contains(t, f.Reason, test.reason)
			assert.Contains(t, f.Hint, test.hint)
			assert.Equal(t, guestEntry("g"), f.Entry)
			assert.Equal(t, module.Refused, f.Severity)
			assert.Len(t, d.Findings, 1)
			assert.NotContains(t, d.Guests, module.GuestName("g"))
		})
	}
}

func TestFindingsDoNotRepeatWhatCouldBeASecret(t *testing.T) {
	d := parseGuest(`"source": "https://me:s3cret@h/x?sig=s3cret", "credentials": "s3cret/", "digest": "s3cret",
		"permissions": {"secrets": {"KEY": "s3cret/"}, "http": {"h": "s3cret"}}, "limits": {"startMs": "s3cret"}`)

	require.Len(t, d.Findings, 6)
	for _, f := range d.Findings {
		assert.NotContains(t, f.String(), "s3cret")
	}
}

func TestAnIntegerMayBeWrittenInAnyForm(t *testing.T) {
	d := parseGuest(`"source": "file:x", "limits": {"deadlineMs": 5e1, "startMs": 1500.0}`)

	require.Empty(t, d.Findings)
	assert.Equal(t, "50ms", d.Guests["g"].Limits.Deadline.String())
	assert.Equal(t, "1.5s", d.Guests["g"].Limits.Start.String())
}

func TestSettingsKeepTheirNumbersExact(t *testing.T) {
	d := parseGuest(`"source": "file:x", "settings": {"id": 12345678901234567890, "high": 80.10, "none": null, "text": "<a&b>"}`)

	require.Empty(t, d.Findings)
	assert.Equal(t, `{"high":80.10,"id":12345678901234567890,"text":"<a&b>"}`, string(d.Guests["g"].Settings))
}

func TestPlaceholdersOfAGuest(t *testing.T) {
	d := parseGuest(`"source": "file:x", "settings": {"topic": "${deviceId}/${moduleId}", "list": [{"line": "L${env:LINE}"}], "own": "${signal}"},
		"permissions": {"env": {"LINE": "${env:LINE}", "SIGNAL": "${signal}"}}`)

	require.Empty(t, d.Findings)
	assert.JSONEq(t, `{"topic": "press-7/wasmOnEdge", "list": [{"line": "L3"}], "own": "${signal}"}`, string(d.Guests["g"].Settings))
	assert.Equal(t, map[string]string{"LINE": "3", "SIGNAL": "${signal}"}, d.Guests["g"].Permissions.Env)
}

func TestAPlaceholderWithoutAValueIsRefused(t *testing.T) {
	d := parseGuest(`"source": "file:x", "settings": {"list": ["${env:NOWHERE}"]}, "permissions": {"env": {"A": "${env:}"}}`)

	assert.Equal(t, `"${env:NOWHERE}" has no value on this device`, requireFinding(t, d, "guests.g.settings.list[0]").Reason)
	assert.Equal(t, `"${env:}" has no value on this device`, requireFinding(t, d, "guests.g.permissions.env.A").Reason)
	assert.NotContains(t, d.Guests, module.GuestName("g"))

	d = Parse([]byte(documentOf(`"guests": {"g": {"source": "file:x", "settings": {"d": "${deviceId}", "e": "${env:LINE}"}}}`)), Environment{})
	assert.Len(t, d.Findings, 2, "the zero environment has no values")
}

func TestTextThatIsNoPlaceholderStaysWithAWarning(t *testing.T) {
	d := parseGuest(`"source": "file:x", "settings": {"format": "${value} °C", "id": "${deviceID}", "open": "${", "price": "$5"}`)

	f := requireFinding(t, d, "guests.g.settings.id")
	assert.Equal(t, module.Warning, f.Severity)
	assert.Equal(t, `did you mean "deviceId"?`, f.Hint)
	assert.Equal(t, module.Warning, requireFinding(t, d, "guests.g.settings.format").Severity)
	assert.Len(t, d.Findings, 2)
	assert.JSONEq(t, `{"format": "${value} °C", "id": "${deviceID}", "open": "${", "price": "$5"}`, string(d.Guests["g"].Settings))
}

func TestModuleSettingsInTheUnitsOfTheVocabulary(t *testing.T) {
	d := parseAll(documentOf(`"module": {"logLevel": "debug", "outboxMiB": 8, "outboxFull": "dropOldest", "spoolMiBPerSignal": 2,
		"unclaimedInputs": "drop", "onUnavailable": "drop", "deadLettersPerMinute": 0, "originProperties": false, "downloadJitterMs": 500}`))

	require.Empty(t, d.Findings)
	assert.Equal(t, module.ModuleSettings{LogLevel: "debug", OutboxBytes: 8 << 20, OutboxFull: "dropOldest",
		SpoolBytesPerSignal: 2 << 20, UnclaimedInputs: "drop", OnUnavailable: "drop", DownloadJitter: 500e6}, d.Module)
}
