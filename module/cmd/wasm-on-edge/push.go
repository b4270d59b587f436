package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/artifact"
	"github.com/wasm-on-edge/wasm-on-edge/module/internal/wasm"
)

type pushCommand struct {
	File      string `arg:"" help:"The guest, a core Wasm binary."`
	Reference string `arg:"" help:"Where to: oci://REGISTRY/REPOSITORY:TAG."`
	SDK       string `name:"sdk" help:"What the guest was built with, for who looks at it in the registry."`
	Revision  string `help:"Revision of its source."`
	registryOptions
}

// Help is what --help adds.
func (pushCommand) Help() string {
	return `Writes a guest to a registry, as an artifact that other Wasm tools read too, and prints what the twin and cosign
need: the digest of the binary, and that of the manifest. What this host cannot run is refused.

  wasm-on-edge push threshold.wasm oci://contoso.azurecr.io/guests/threshold:1.2.0 --revision "$(git rev-parse HEAD)"
  cosign sign --key cosign.key contoso.azurecr.io/guests/threshold@sha256:…`
}

func (c pushCommand) Run(env *environment) error {
	binary, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("push: %w", err)
	}
	info, err := wasm.Inspect(binary)
	if err != nil {
		return hint(fmt.Errorf("push %s: %w", c.File, err), "wasm-on-edge inspect "+c.File+" tells more")
	}
	store, credentials, err := c.store(env.getenv)
	if err != nil {
		return err
	}
	annotations := map[string]string{artifact.AnnotationTitle: filepath.Base(c.File), artifact.AnnotationABI: wasm.ABIOf(info)}
	for name, value := range map[string]string{artifact.AnnotationSDK: c.SDK, artifact.AnnotationRevision: c.Revision} {
		if value != "" {
			annotations[name] = value
		}
	}
	manifest, err := store.Push(env.ctx, artifact.Request{Source: c.Reference, Credentials: credentials}, binary, annotations)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "\"source\": %q, \"digest\": %q\nto sign it: cosign sign --key cosign.key %s@%s\n",
		c.Reference, artifact.Digest(binary), repositoryOf(c.Reference), manifest)
	return err
}

// repositoryOf returns a reference without scheme and tag, as cosign has it.
func repositoryOf(reference string) string {
	name := strings.TrimPrefix(reference, "oci://")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name = name[:i]
	}
	return name
}
