// Package policy reads the file on the device that says what its twin may ask for at most. The twin can only narrow it:
// whoever may write the twin, in the cloud, gets no more of the device than its owner has mounted.
//
//	p, err := policy.Parse(file)
//	reason := p.CheckGuest(spec)
//
// # Concurrency
//
// A Policy does not change after Parse and may be used from any goroutine. A nil *Policy bounds nothing.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Policy bounds what the twin may ask for. A list that is absent bounds nothing; one that is empty allows nothing.
type Policy struct {
	// Sources are what the sources of guests and of files of signals begin with: "oci://contoso.azurecr.io/guests/", "file:".
	Sources *[]string `json:"sources"`
	// Origins are what guests may be given in permissions.http: "https://erp.contoso.com", "https://*.contoso.com".
	Origins *[]string `json:"origins"`
	// Secrets are the files that guests may be given in permissions.secrets.
	Secrets *[]string `json:"secrets"`
	// SigningKeys are the fingerprints of those trusted keys that count on this device, "sha256:…" of the public key in DER.
	SigningKeys *[]string `json:"signingKeys"`
	// Methods are the direct methods that are answered.
	Methods *[]string `json:"methods"`
	// Limits are the most that the limits of a guest may be, under the names that they have in the twin.
	Limits map[string]int64 `json:"limits"`
}

var fingerprintPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// Parse reads a policy, a JSON object. What it does not know is refused: a misspelt bound would bound nothing.
func Parse(document []byte) (*Policy, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	var p *Policy
	if err := decoder.Decode(&p); err != nil {
		return nil, fmt.Errorf("read policy: %w", err)
	}
	if p == nil {
		return nil, errors.New("read policy: it must be a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read policy: something follows the JSON object")
	}
	return p, p.validate()
}

func (p *Policy) validate() error {
	for name := range p.Limits {
		if limits[name].of == nil {
			return fmt.Errorf("read policy: there is no limit %q", name)
		}
	}
	for _, source := range list(p.Sources) {
		if source == "" {
			return errors.New(`read policy: "sources" has an empty prefix, which would allow all`)
		}
	}
	for _, key := range list(p.SigningKeys) {
		if !fingerprintPattern.MatchString(key) {
			return fmt.Errorf(`read policy: signing key %q is not "sha256:" and 64 hexadecimal digits in lower case`, key)
		}
	}
	return nil
}

func list(l *[]string) []string {
	if l == nil {
		return nil
	}
	return *l
}

// AllowsMethod reports whether a direct method is answered.
func (p *Policy) AllowsMethod(name string) bool {
	return p == nil || p.Methods == nil || slices.Contains(*p.Methods, name)
}

// allowsSource compares prefixes as they are written, but ends a host where it ends: "https://a.example" does not allow
// "https://a.example.evil.org/x".
func (p *Policy) allowsSource(source string) bool {
	return p.Sources == nil || slices.ContainsFunc(*p.Sources, func(prefix string) bool {
		rest, ok := strings.CutPrefix(source, prefix)
		return ok && !steps(source) && (rest == "" || strings.HasSuffix(prefix, "/") || strings.HasSuffix(prefix, ":") ||
			strings.ContainsAny(rest[:1], "/:") || strings.HasPrefix(rest, "@sha256:"))
	})
}

// steps reports whether a path has segments that lead elsewhere, plain or percent-encoded.
func steps(source string) bool {
	decoded := strings.NewReplacer("%2e", ".", "%2E", ".", "%2f", "/", "%2F", "/", "%5c", "/", "%5C", "/", `\`, "/").Replace(source)
	return slices.Contains(strings.Split(decoded, "/"), "..")
}
