package artifact

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/errdef"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

// Where cosign puts signatures: see package trust for its specifications.
const (
	simpleSigningType   = "application/vnd.dev.cosign.simplesigning.v1+json"
	signatureAnnotation = "dev.cosignproject.cosign/signature"
	bundlePrefix        = "application/vnd.dev.sigstore.bundle"
)

// maxSignatures is how many are looked at, of those that may be as many as anybody likes.
const maxSignatures = 16

// errEnough ends a listing.
var errEnough = errors.New("enough")

// proofs gets cosign's signatures of the manifest: under the tag that it makes of the digest, and among the manifest's
// referrers, where version 3 puts bundles.
func (a *artifactRef) proofs(ctx context.Context) ([]trust.Proof, error) {
	tagged, err := a.taggedProofs(ctx)
	if err != nil {
		return nil, fmt.Errorf("get signatures: %w", registryError(err))
	}
	bundles, err := a.bundleProofs(ctx)
	if err != nil {
		return nil, fmt.Errorf("get signatures: %w", registryError(err))
	}
	return append(tagged, bundles...), nil
}

func (a *artifactRef) taggedProofs(ctx context.Context) (proofs []trust.Proof, err error) {
	tag := strings.Replace(string(a.subject.Digest), ":", "-", 1) + ".sig"
	subject, err := a.repository.Resolve(ctx, tag)
	if errors.Is(err, errdef.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	layers, err := a.layersOf(ctx, subject)
	if err != nil {
		return nil, err
	}
	for _, l := range layers {
		signature, err := base64.StdEncoding.DecodeString(l.Annotations[signatureAnnotation])
		if l.MediaType != simpleSigningType || err != nil {
			continue
		}
		payload, err := a.small(ctx, l)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, trust.Proof{Format: trust.SimpleSigning, Signature: signature, Payload: payload, Manifest: a.manifest})
	}
	return proofs, nil
}

func (a *artifactRef) bundleProofs(ctx context.Context) (proofs []trust.Proof, err error) {
	var bundles []ocispec.Descriptor
	err = a.repository.Referrers(ctx, a.subject, "", func(referrers []ocispec.Descriptor) error {
		for _, r := range referrers {
			if strings.HasPrefix(r.ArtifactType, bundlePrefix) {
				bundles = append(bundles, r)
			}
		}
		if len(bundles) >= maxSignatures {
			bundles = bundles[:maxSignatures]
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, err
	}
	for _, b := range bundles {
		layers, err := a.layersOf(ctx, b)
		if err != nil {
			return nil, err
		}
		for _, l := range layers {
			bundle, err := a.small(ctx, l)
			if err != nil {
				return nil, err
			}
			if proof, err := trust.ParseBundle(bundle); err == nil && proof.Format == trust.Envelope { // else it says nothing of a manifest
				proof.Manifest = a.manifest
				proofs = append(proofs, proof)
			}
		}
	}
	return proofs, nil
}

// layersOf returns the first layers of a manifest.
func (a *artifactRef) layersOf(ctx context.Context, manifest ocispec.Descriptor) ([]ocispec.Descriptor, error) {
	text, err := a.small(ctx, manifest)
	if err != nil {
		return nil, err
	}
	var m ocispec.Manifest
	if err := decodeManifest(text, &m); err != nil {
		return nil, err
	}
	return m.Layers[:min(len(m.Layers), maxSignatures)], nil
}

// small gets a blob or manifest that has no reason to be large.
func (a *artifactRef) small(ctx context.Context, d ocispec.Descriptor) ([]byte, error) {
	if d.Size > maxSignature {
		return nil, refuse("a signature in the registry is larger than %d KiB", maxSignature>>10)
	}
	return content.FetchAll(ctx, a.repository, d)
}

func decodeManifest(text []byte, m *ocispec.Manifest) error {
	if json.Unmarshal(text, m) != nil {
		return refuse("its manifest is no JSON object")
	}
	return nil
}
