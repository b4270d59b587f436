package policy

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

func parse(t *testing.T, document string) *Policy {
	t.Helper()
	p, err := Parse([]byte(document))
	require.NoError(t, err)
	return p
}

func TestWhatThePolicyDoesNotNameIsNotBounded(t *testing.T) {
	spec := module.GuestSpec{Source: "file:x", Limits: module.Limits{Memory: 1 << 40}, Permissions: module.Permissions{HTTP: map[string]string{"a": "https://a"}, Secrets: map[string]string{"A": "a"}}}
	for _, p := range []*Policy{nil, parse(t, `{}`)} {
		assert.Nil(t, p.CheckGuest(spec))
		assert.True(t, p.AllowsMethod("invoke"))
	}
	none := parse(t, `{"sources": [], "methods": []}`)
	assert.NotNil(t, none.CheckGuest(spec), "an empty list allows nothing")
	assert.False(t, none.AllowsMethod("invoke"))
}

func TestSourcesBeginWithWhatIsAllowed(t *testing.T) {
	p := parse(t, `{"sources": ["oci://contoso.azurecr.io/guests/", "oci://ghcr.io/one/guest", "https://a.example", "file:"]}`)
	for source, allowed := range map[string]bool{
		"oci://contoso.azurecr.io/guests/threshold:1": true, "oci://contoso.azurecr.io/other/threshold:1": false,
		"oci://ghcr.io/one/guest:1": true, "oci://ghcr.io/one/guest@sha256:00": true, "oci://ghcr.io/one/guests:1": false, "oci://ghcr.io/one/guest/x:1": true,
		"https://a.example/x": true, "https://a.example:8443/x": true, "https://a.example.evil.org/x": false, "https://a.example@evil.org/x": false,
		"https://a.example/../x": false, "https://a.example/%2e%2E/x": false, `https://a.example/..\x`: false, "https://a.example/a..b/x": true,
		"file:threshold.wasm": true, "": false,
	} {
		assert.Equal(t, allowed, p.CheckSource("source", source) == nil, source)
	}
	e := p.CheckGuest(module.GuestSpec{Source: "file:a", Shadow: &module.Shadow{Source: "https://b.example/x"}})
	assert.EqualError(t, e, `shadow.source: the policy of this device does not allow the source "https://b.example/x"`)
}

func TestLimitsHaveAMost(t *testing.T) {
	p := parse(t, `{"limits": {"memoryMiB": 16, "deadlineMs": 100}}`)
	good := module.Limits{Memory: 16 << 20, Deadline: 100 * time.Millisecond}
	assert.Nil(t, p.CheckGuest(module.GuestSpec{Limits: good}))
	for reason, limits := range map[string]module.Limits{
		"limits.memoryMiB: the policy of this device allows 16 at most, the twin asks for 17":    {Memory: 17 << 20},
		"limits.deadlineMs: the policy of this device allows 100 at most, the twin asks for 101": {Deadline: 101 * time.Millisecond},
	} {
		assert.EqualError(t, p.CheckGuest(module.GuestSpec{Limits: limits}), reason)
	}
}

func TestEachLimitOfTheTwinHasAMostInTheUnitsOfTheTwin(t *testing.T) {
	for name, at := range map[string]func(l *module.Limits, n int){
		"memoryMiB":         func(l *module.Limits, n int) { l.Memory = int64(n) << 20 },
		"deadlineMs":        func(l *module.Limits, n int) { l.Deadline = time.Duration(n) * time.Millisecond },
		"startMs":           func(l *module.Limits, n int) { l.Start = time.Duration(n) * time.Millisecond },
		"httpTimeoutMs":     func(l *module.Limits, n int) { l.HTTPTimeout = time.Duration(n) * time.Millisecond },
		"stackKiB":          func(l *module.Limits, n int) { l.Stack = n << 10 },
		"emitsPerCall":      func(l *module.Limits, n int) { l.EmitsPerCall = n },
		"emitKiBPerCall":    func(l *module.Limits, n int) { l.EmitBytesPerCall = n << 10 },
		"logLinesPerMinute": func(l *module.Limits, n int) { l.LogLinesPerMinute = n },
		"storageMiB":        func(l *module.Limits, n int) { l.Storage = int64(n) << 20 },
		"cpuPercent":        func(l *module.Limits, n int) { l.CPUPercent = n },
	} {
		p := parse(t, fmt.Sprintf(`{"limits": {%q: 40}}`, name))
		asked := func(n int) *Excess {
			var l module.Limits
			at(&l, n)
			return p.CheckGuest(module.GuestSpec{Limits: l})
		}
		assert.Nil(t, asked(40), name)
		assert.EqualError(t, asked(41), "limits."+name+": the policy of this device allows 40 at most, the twin asks for 41")
	}
	assert.Equal(t, len(limits), reflect.TypeFor[module.Limits]().NumField(), "no limit is without a bound")
}

func TestPermissionsAreAmongTheAllowed(t *testing.T) {
	p := parse(t, `{"origins": ["https://erp.contoso.com", "https://*.fabrikam.com"], "secrets": ["erp-key"]}`)
	for origin, allowed := range map[string]bool{
		"https://erp.contoso.com": true, "https://ERP.contoso.com": true, "https://erp.contoso.com:8443": false, "https://contoso.com": false, "http://erp.contoso.com": false,
		"https://a.fabrikam.com": true, "https://*.fabrikam.com": true, "https://*.a.fabrikam.com": true, "https://fabrikam.com": false, "https://evilfabrikam.com": false, "https://*.com": false,
	} {
		spec := module.GuestSpec{Permissions: module.Permissions{HTTP: map[string]string{"x": origin}}}
		assert.Equal(t, allowed, p.CheckGuest(spec) == nil, origin)
	}
	assert.Nil(t, p.CheckGuest(module.GuestSpec{Permissions: module.Permissions{Secrets: map[string]string{"K": "erp-key"}}}))
	assert.EqualError(t, p.CheckGuest(module.GuestSpec{Permissions: module.Permissions{Secrets: map[string]string{"K": "other"}}}),
		`permissions.secrets.K: the policy of this device does not allow the secret "other"`)
	none := parse(t, `{"origins": [], "secrets": []}`)
	assert.EqualError(t, none.CheckGuest(module.GuestSpec{Permissions: module.Permissions{HTTP: map[string]string{"b": "https://b", "a": "https://a"}}}),
		`permissions.http.a: the policy of this device does not allow the origin "https://a"`, "the first by name")
	assert.NotNil(t, none.CheckGuest(module.GuestSpec{Permissions: module.Permissions{Secrets: map[string]string{"K": "erp-key"}}}))
	assert.Nil(t, none.CheckGuest(module.GuestSpec{}))
}

func TestAPolicyThatCannotBeReadIsRefused(t *testing.T) {
	for document, want := range map[string]string{
		``: "read policy: EOF", `null`: "it must be a JSON object", `{"source": []}`: `unknown field "source"`, `{} {}`: "something follows",
		`{"limits": {"memory": 1}}`: `there is no limit "memory"`, `{"sources": [""]}`: "an empty prefix", `{"signingKeys": ["x"]}`: `signing key "x" is not`,
	} {
		_, err := Parse([]byte(document))
		assert.ErrorContains(t, err, want, document)
	}
}

func FuzzSources(f *testing.F) {
	f.Add("https://a.example", "https://a.example/x")
	f.Fuzz(func(t *testing.T, prefix, source string) {
		p := &Policy{Sources: &[]string{prefix}}
		if p.CheckSource("source", source) == nil {
			assert.Equal(t, prefix, source[:len(prefix)])
		}
	})
}
