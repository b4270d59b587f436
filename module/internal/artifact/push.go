package artifact

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
)

// Annotations that Push is given say what a guest is to those who look at it in a registry.
const (
	AnnotationABI      = "io.wasm-on-edge.abi"
	AnnotationSDK      = "io.wasm-on-edge.sdk"
	AnnotationRevision = ocispec.AnnotationRevision
	AnnotationTitle    = ocispec.AnnotationTitle
)

// configType is the configuration of a Wasm artifact, as the CNCF's Wasm working group has it.
const configType = "application/vnd.wasm.config.v0+json"

// Push writes a guest binary to a registry, as r.Source names it with a tag, and returns the digest of the manifest: that is
// what cosign signs. The layer is application/wasm and has the binary's own digest, which the twin asks for.
func (s *Store) Push(ctx context.Context, r Request, binary []byte, annotations map[string]string) (manifestDigest string, err error) {
	if !strings.HasPrefix(r.Source, "oci://") {
		return "", fmt.Errorf("push to %q: it must be oci://REGISTRY/REPOSITORY:TAG", r.Source)
	}
	a, err := s.artifact(ctx, r)
	if err != nil {
		return "", fmt.Errorf("push to %q: %w", r.Source, err)
	}
	defer a.close()
	digest, err := a.push(ctx, binary, annotations)
	if err != nil {
		return "", fmt.Errorf("push to %q: %w", r.Source, registryError(err))
	}
	return digest, nil
}

func (a *artifactRef) push(ctx context.Context, binary []byte, annotations map[string]string) (string, error) {
	if a.reference == "" || strings.HasPrefix(a.reference, "sha256:") {
		return "", errors.New("name a tag to push to")
	}
	layer := content.NewDescriptorFromBytes(LayerWasm, binary)
	layer.Annotations = map[string]string{AnnotationTitle: annotations[AnnotationTitle]}
	config, err := json.Marshal(map[string]any{
		"created": time.Now().UTC().Format(time.RFC3339), "architecture": "wasm", "os": "wasip1", "layerDigests": []string{string(layer.Digest)},
	})
	if err != nil {
		return "", err
	}
	configured := content.NewDescriptorFromBytes(configType, config)
	manifest, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest,
		Config: configured, Layers: []ocispec.Descriptor{layer}, Annotations: annotations})
	if err != nil {
		return "", err
	}
	for _, blob := range []struct {
		descriptor ocispec.Descriptor
		content    []byte
	}{{layer, binary}, {configured, config}} {
		if err := a.pushBlob(ctx, blob.descriptor, blob.content); err != nil {
			return "", err
		}
	}
	named := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, manifest)
	if err := a.repository.PushReference(ctx, named, strings.NewReader(string(manifest)), a.reference); err != nil {
		return "", fmt.Errorf("write manifest: %w", err)
	}
	return string(named.Digest), nil
}

// pushBlob writes a blob, where the registry does not have it.
func (a *artifactRef) pushBlob(ctx context.Context, d ocispec.Descriptor, blob []byte) error {
	if there, err := a.repository.Blobs().Exists(ctx, d); err == nil && there {
		return nil
	}
	if err := a.repository.Blobs().Push(ctx, d, strings.NewReader(string(blob))); err != nil {
		return fmt.Errorf("write layer: %w", err)
	}
	return nil
}

// Look gets something once, for people who want to see it: without a digest too, and without keeping it for later. The
// manifest is that of an artifact in a registry.
func (s *Store) Look(ctx context.Context, r Request) (b Binary, manifest []byte, err error) {
	if strings.HasPrefix(r.Source, "file:") {
		b, err = s.Find(r)
		return b, nil, err
	}
	p := partial{alive: time.AfterFunc(time.Hour, func() {}), tell: func(Progress) {}}
	defer p.alive.Stop()
	there, err := s.open(ctx, r)
	if err != nil {
		return Binary{}, nil, fmt.Errorf("fetch %q: %w", r.Source, err)
	}
	defer there.close()
	if err := there.content(ctx, &p); err != nil {
		return Binary{}, nil, fmt.Errorf("fetch %q: %w", r.Source, err)
	}
	if a, ok := there.(*artifactRef); ok {
		manifest = a.manifest
	}
	return Binary{Bytes: p.bytes, Digest: Digest(p.bytes)}, manifest, nil
}
