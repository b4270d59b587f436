package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

// What layers hold Wasm: as the CNCF's Wasm working group and Azure IoT Operations have them, and as older tools wrote them.
const (
	LayerWasm       = "application/wasm"
	LayerWasmLegacy = "application/vnd.wasm.content.layer.v1+wasm"
	LayerWasmModule = "application/vnd.module.wasm.content.layer.v1+wasm"
)

// maxManifest is how many bytes a manifest may have, as the distribution specification recommends.
const maxManifest = 4 << 20

// artifactRef is an artifact in a registry.
type artifactRef struct {
	*client
	repository *remote.Repository
	reference  string // tag or digest
	want       string // digest of the layer

	manifest []byte             // once content has read it
	subject  ocispec.Descriptor // of the manifest
}

func (s *Store) openRegistry(ctx context.Context, r Request) (place, error) {
	a, err := s.artifact(ctx, r)
	if err != nil {
		return nil, err
	}
	return a, nil
}

// artifact names an artifact of a registry; nothing is asked of that yet.
func (s *Store) artifact(ctx context.Context, r Request) (*artifactRef, error) {
	host, name, _ := strings.Cut(strings.TrimPrefix(r.Source, "oci://"), "/")
	c, host, err := s.newClient(ctx, host)
	if err != nil {
		return nil, err
	}
	repository, err := remote.NewRepository(host + "/" + name)
	if err != nil {
		return nil, refuse("it is no reference: %v", err)
	}
	secret, err := s.credentials(r.Credentials, host)
	if err != nil {
		return nil, err
	}
	client := &auth.Client{Client: c.Client, Cache: auth.NewCache(), Credential: auth.StaticCredential(host, auth.Credential{
		Username: secret.user, Password: secret.password, AccessToken: secret.token, RefreshToken: secret.refresh})}
	client.SetUserAgent(userAgent)
	repository.Client, repository.MaxMetadataBytes = client, maxManifest
	return &artifactRef{client: c, repository: repository, reference: repository.Reference.Reference, want: r.Digest}, nil
}

// content takes the layer that has the wanted digest. A tag that was moved meanwhile does not matter, if that is still in it.
func (a *artifactRef) content(ctx context.Context, p *partial) error {
	manifest, err := a.readManifest(ctx)
	if err != nil {
		return err
	}
	layer, ok := find(manifest.Layers, func(l ocispec.Descriptor) bool {
		return string(l.Digest) == a.want || (a.want == "" && isWasm(l.MediaType))
	})
	if !ok {
		return a.missing(manifest)
	}
	return a.layer(ctx, layer, p)
}

// readManifest resolves the reference, reads the manifest and keeps it, as signatures name it by its digest.
func (a *artifactRef) readManifest(ctx context.Context) (manifest ocispec.Manifest, err error) {
	if a.subject, err = a.repository.Resolve(ctx, a.reference); err != nil {
		return manifest, fmt.Errorf("resolve %q: %w", a.reference, registryError(err))
	}
	if a.manifest, err = content.FetchAll(ctx, a.repository, a.subject); err != nil {
		return manifest, fmt.Errorf("get manifest: %w", registryError(err))
	}
	return manifest, decodeManifest(a.manifest, &manifest)
}

func (a *artifactRef) layer(ctx context.Context, layer ocispec.Descriptor, p *partial) error {
	if layer.Size > maxBinary {
		return errTooLarge()
	}
	reader, err := a.repository.Blobs().Fetch(ctx, layer)
	if err != nil {
		return fmt.Errorf("get layer: %w", registryError(err))
	}
	defer func() { _ = reader.Close() }()
	seeker, seekable := reader.(io.Seeker) // where the registry takes ranges
	if len(p.bytes) > 0 && seekable {
		if _, err := seeker.Seek(int64(len(p.bytes)), io.SeekStart); err != nil {
			return fmt.Errorf("get the rest of the layer: %w", registryError(err))
		}
		p.resumed = true
	} else {
		p.reset()
	}
	return p.take(reader, layer.Size)
}

// missing says what is there instead of what the twin asks for.
func (a *artifactRef) missing(m ocispec.Manifest) error {
	var held []string
	for _, l := range m.Layers {
		held = append(held, string(l.Digest))
	}
	switch {
	case len(held) == 0 && len(a.manifest) > 0 && m.Config.Digest == "":
		return refuse("%q is an index of other artifacts and holds no binary: name one of those", a.reference)
	case len(held) > 4:
		held = append(held[:4], "…")
	}
	if a.want == "" {
		return refuse("%q holds no layer of a Wasm type", a.reference)
	}
	return refuse("%q holds %s, the twin asks for %s", a.reference, strings.Join(held, ", "), a.want)
}

func isWasm(mediaType string) bool {
	return mediaType == LayerWasm || mediaType == LayerWasmLegacy || mediaType == LayerWasmModule
}

func find[T any](list []T, want func(T) bool) (found T, ok bool) {
	for _, item := range list {
		if want(item) {
			return item, true
		}
	}
	return found, false
}

// registryError drops addresses from an error, as they may hold tokens, and knows again what was refused on the way.
func registryError(err error) error {
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		return refused
	}
	return withoutURL(err)
}
