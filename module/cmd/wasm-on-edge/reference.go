package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
)

// registryOptions say how a registry or web server is reached from a workstation.
type registryOptions struct {
	Credentials string `placeholder:"FILE" help:"Docker's config.json, or a file with user:password or a token; else what docker login wrote, if it did."`
	CAFile      string `name:"ca-file" env:"WASM_ON_EDGE_CA_FILE" placeholder:"FILE" help:"Certificate authorities in PEM besides the system's."`
}

// store returns what finds guests, and the name of the credentials to ask with; "": anonymously.
func (o registryOptions) store(getenv func(string) string) (*artifact.Store, string, error) {
	file := o.Credentials
	if file == "" {
		file = dockerConfig(getenv)
	}
	c := artifact.Config{}
	name := ""
	if file != "" {
		c.Credentials, name = filepath.Dir(file), filepath.Base(file)
	}
	if o.CAFile != "" {
		text, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, "", fmt.Errorf("read certificate authorities: %w", err)
		}
		if c.Roots, err = x509.SystemCertPool(); err != nil {
			c.Roots = x509.NewCertPool()
		}
		if !c.Roots.AppendCertsFromPEM(text) {
			return nil, "", fmt.Errorf("read certificate authorities %s: there is no certificate in PEM", o.CAFile)
		}
	}
	store, err := artifact.New(c)
	return store, name, err
}

// dockerConfig returns the file that docker login writes, where there is one.
func dockerConfig(getenv func(string) string) string {
	dir := getenv("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(getenv("HOME"), ".docker")
	}
	file := filepath.Join(dir, "config.json")
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}

// remote reports whether a reference is not a file of this machine.
func remote(reference string) bool {
	return strings.HasPrefix(reference, "oci://") || strings.HasPrefix(reference, "https://")
}
