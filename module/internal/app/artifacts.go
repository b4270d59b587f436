package app

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wasm-on-edge/wasm-on-edge/module/edgehub"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/policy"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/store"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

// newArtifacts makes what finds guests, and the policy that bounds them. A file of keys or a policy that cannot be read ends
// the start: a device that was told to trust few must not trust all for want of a file.
func (a *App) newArtifacts(kept *store.Store, identity edgehub.Identity) error {
	if err := a.readPolicy(); err != nil {
		return err
	}
	c := artifact.Config{Guests: a.config.Guests, Credentials: a.config.Credentials, Getenv: a.config.Getenv,
		Upstream: a.config.Getenv("IOTEDGE_PARENTHOSTNAME"), UpstreamRoots: identity.Roots}
	var err error
	if c.Keys, err = readKeys(a.config.TrustedKeys, a.policy); err != nil {
		return err
	}
	if c.Roots, err = readRoots(a.config.CAFile); err != nil {
		return err
	}
	if kept != nil {
		c.Cache = filepath.Join(a.config.Storage, "binaries")
	}
	if a.artifacts, err = artifact.New(c); err != nil && c.Cache != "" {
		a.log.Warn().Err(err).Msg("guests will be downloaded anew at each start")
		c.Cache = ""
		a.artifacts, err = artifact.New(c)
	}
	return err
}

func (a *App) readPolicy() error {
	if a.config.Policy == "" {
		return nil
	}
	document, err := os.ReadFile(a.config.Policy)
	if err != nil {
		return fmt.Errorf("read policy: %w", err)
	}
	if a.policy, err = policy.Parse(document); err != nil {
		return err
	}
	a.log.Info().Str("file", a.config.Policy).Msg("the twin is bounded by a policy")
	return nil
}

// readKeys reads the keys that count. Nil: no signature is asked for.
func readKeys(file string, p *policy.Policy) (trust.Keys, error) {
	if file == "" && (p == nil || p.SigningKeys == nil) {
		return nil, nil
	}
	if file == "" {
		return nil, fmt.Errorf("read policy: it names signing keys, and WASM_ON_EDGE_TRUSTED_KEYS names no file of keys")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read trusted keys: %w", err)
	}
	keys, err := trust.ParseKeys(text)
	if err != nil {
		return nil, fmt.Errorf("read trusted keys %s: %w", file, err)
	}
	if p != nil && p.SigningKeys != nil {
		keys = keys.Only(*p.SigningKeys)
	}
	return keys, nil
}

// readRoots returns the system's authorities and those of a file. Nil: the system's.
func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read certificate authorities: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read certificate authorities %s: there is no certificate in PEM", file)
	}
	return roots, nil
}
