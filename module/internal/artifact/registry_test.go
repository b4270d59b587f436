package artifact

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"oras.land/oras-go/v2/content"
)

func (r registry) source(name string) string { return "oci://" + r.host + "/" + name }

// push writes a guest with what the program pushes with.
func (r registry) push(t *testing.T, name string, binary []byte) (manifestDigest string) {
	t.Helper()
	digest, err := storeOf(t, Config{Roots: r.roots}).Push(t.Context(), Request{Source: r.source(name)}, binary, map[string]string{AnnotationABI: "edge/1"})
	require.NoError(t, err)
	return digest
}

// sign leaves a signature as cosign's specification has it.
func (r registry) sign(t *testing.T, name, manifestDigest string, s signer) {
	t.Helper()
	payload := fmt.Appendf(nil, `{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":%q},"type":"cosign container image signature"},"optional":null}`, manifestDigest)
	layer := content.NewDescriptorFromBytes(simpleSigningType, payload)
	layer.Annotations = map[string]string{signatureAnnotation: s.sign(t, payload)}
	r.write(t, name+":"+strings.Replace(manifestDigest, ":", "-", 1)+".sig", layer, payload)
}

// write writes an artifact of one layer.
func (r registry) write(t *testing.T, name string, layer ocispec.Descriptor, blob []byte) (manifestDigest string) {
	t.Helper()
	a, err := storeOf(t, Config{Roots: r.roots}).artifact(t.Context(), Request{Source: r.source(name)})
	require.NoError(t, err)
	config := content.NewDescriptorFromBytes(ocispec.MediaTypeImageConfig, []byte(`{}`))
	require.NoError(t, a.pushBlob(t.Context(), config, []byte(`{}`)))
	require.NoError(t, a.pushBlob(t.Context(), layer, blob))
	manifest, err := json.Marshal(ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest, Config: config, Layers: []ocispec.Descriptor{layer}})
	require.NoError(t, err)
	d := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, manifest)
	require.NoError(t, a.repository.PushReference(t.Context(), d, strings.NewReader(string(manifest)), a.reference))
	return string(d.Digest)
}

func TestGuestsComeFromARegistry(t *testing.T) {
	r := startRegistry(t, "")
	digest := Digest(guestBytes)
	manifest := r.push(t, "guests/threshold:1.2.0", guestBytes)
	for _, name := range []string{"guests/threshold:1.2.0", "guests/threshold@" + manifest, "guests/threshold:1.2.0@" + manifest} {
		b, err := once(t, storeOf(t, Config{Roots: r.roots}), Request{Source: r.source(name), Digest: digest})
		require.NoError(t, err, name)
		assert.Equal(t, guestBytes, b.Bytes)
	}
	for _, mediaType := range []string{LayerWasm, LayerWasmLegacy, LayerWasmModule} {
		r.write(t, "other/tools:1", content.NewDescriptorFromBytes(mediaType, guestBytes), guestBytes)
		_, err := once(t, storeOf(t, Config{Roots: r.roots}), Request{Source: r.source("other/tools:1"), Digest: digest})
		require.NoError(t, err, mediaType)
		b, manifest, err := storeOf(t, Config{Roots: r.roots}).Look(t.Context(), Request{Source: r.source("other/tools:1")})
		require.NoError(t, err)
		assert.Equal(t, digest, b.Digest, "people may look without knowing the digest")
		assert.Contains(t, string(manifest), mediaType)
	}
	_, err := once(t, storeOf(t, Config{Roots: r.roots}), Request{Source: r.source("guests/threshold:1.2.0"), Digest: Digest([]byte("x"))})
	assert.ErrorContains(t, err, `"1.2.0" holds `+digest+`, the twin asks for `+Digest([]byte("x")))
	assert.True(t, Refused(err))
	_, err = once(t, storeOf(t, Config{Roots: r.roots}), Request{Source: r.source("guests/none:1"), Digest: digest})
	assert.ErrorContains(t, err, `resolve "1": `)
	assert.False(t, Refused(err), "somebody may push it yet")
	_, err = once(t, storeOf(t, Config{}), Request{Source: r.source("guests/threshold:1.2.0"), Digest: digest})
	assert.ErrorContains(t, err, "certificate", "of an authority that is not trusted")
}

func TestTheRestOfALayerIsAskedFor(t *testing.T) {
	r := startRegistry(t, "")
	r.push(t, "g:1", guestBytes)
	p := partial{bytes: append([]byte(nil), guestBytes[:1000]...)}
	b, err := storeOf(t, Config{Roots: r.roots}).attempt(t.Context(), Request{Source: r.source("g:1"), Digest: Digest(guestBytes)}, &p, func(Progress) {})
	require.NoError(t, err)
	assert.True(t, p.resumed)
	assert.Equal(t, guestBytes, b.Bytes)
}

const bcryptOfWord = "$2y$05$5LNteKbVwaZxyYyQcT1jcOxl8D9EY16wp5.nvZBUFEnBcl873njgS"

func TestARegistryAsksForCredentials(t *testing.T) {
	dir := t.TempDir()
	// "user" with the password "word", as htpasswd -B writes it.
	require.NoError(t, os.WriteFile(filepath.Join(dir, "htpasswd"), []byte("user:"+bcryptOfWord+"\n"), 0o600))
	r := startRegistry(t, "auth: {htpasswd: {realm: test, path: "+dir+"/htpasswd}}\n")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "good"), []byte("user:word"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(`{"auths":{"`+r.host+`":{"auth":"dXNlcjp3b3Jk"}}}`), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "bad"), []byte("user:geheim"), 0o600))
	s := storeOf(t, Config{Roots: r.roots, Credentials: dir})
	_, err := s.Push(t.Context(), Request{Source: r.source("g:1"), Credentials: "good"}, guestBytes, nil)
	require.NoError(t, err)
	request := Request{Source: r.source("g:1"), Digest: Digest(guestBytes)}
	for name, want := range map[string]string{"": "basic credential not found", "bad": "401"} {
		request.Credentials = name
		_, err := once(t, s, request)
		assert.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "geheim")
	}
	for _, name := range []string{"good", "docker"} {
		request.Credentials = name
		_, err := once(t, s, request)
		assert.NoError(t, err, name)
	}
}

func TestOnlyWhatATrustedKeyHasSignedIsTakenFromARegistry(t *testing.T) {
	r := startRegistry(t, "")
	trusted, next, stranger := newSigner(t), newSigner(t), newSigner(t)
	manifest := map[string]string{}
	for _, name := range []string{"signed", "unsigned", "strangers", "anothers", "next"} {
		manifest[name] = r.push(t, name+":1", append([]byte(name), guestBytes...))
	}
	r.sign(t, "signed", manifest["signed"], trusted)
	r.sign(t, "strangers", manifest["strangers"], stranger)
	r.sign(t, "next", manifest["next"], next)
	// A signature of another artifact, put where this one's belongs.
	payload := fmt.Appendf(nil, `{"critical":{"image":{"docker-manifest-digest":%q}}}`, manifest["signed"])
	layer := content.NewDescriptorFromBytes(simpleSigningType, payload)
	layer.Annotations = map[string]string{signatureAnnotation: trusted.sign(t, payload)}
	r.write(t, "anothers:"+strings.Replace(manifest["anothers"], ":", "-", 1)+".sig", layer, payload)

	get := func(c Config, name string) (Binary, error) {
		c.Roots = r.roots
		return once(t, storeOf(t, c), Request{Source: r.source(name + ":1"), Digest: Digest(append([]byte(name), guestBytes...))})
	}
	keys := keysOf(t, trusted, next)
	for _, name := range []string{"signed", "next"} {
		b, err := get(Config{Keys: keys}, name)
		require.NoError(t, err, "both keys count during a rollover")
		assert.Contains(t, b.Signer, "sha256:")
	}
	for name, want := range map[string]string{
		"unsigned":  "it is not signed; this device runs only what one of its 2 trusted keys has signed",
		"strangers": "its signature is not one of a trusted key",
		"anothers":  "its signature is of something else than " + manifest["anothers"],
	} {
		_, err := get(Config{Keys: keys}, name)
		assert.ErrorContains(t, err, want, name)
		assert.True(t, Refused(err), name)
	}
	_, err := get(Config{Keys: keys.Only(nil)}, "signed")
	assert.ErrorContains(t, err, "one of its 0 trusted keys", "a policy may leave none")

	dir := t.TempDir()
	_, err = get(Config{Keys: keys, Cache: dir}, "signed")
	require.NoError(t, err)
	request := Request{Source: r.source("signed:1"), Digest: Digest(append([]byte("signed"), guestBytes...))}
	_, err = storeOf(t, Config{Keys: keys, Cache: dir}).Find(request)
	assert.NoError(t, err, "its signature is kept beside it, and proved offline")
	_, err = storeOf(t, Config{Keys: keysOf(t, next), Cache: dir}).Find(request)
	assert.ErrorIs(t, err, ErrAbsent, "a key that went vouches no more")
}

// cosign returns the program, which the tests use where it can be had.
func cosign(t *testing.T, r registry, dir string) func(args ...string) {
	program, err := exec.LookPath("cosign")
	if err != nil {
		t.Skip("cosign is not installed")
	}
	return func(args ...string) {
		t.Helper()
		cmd := exec.Command(program, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "COSIGN_PASSWORD=", "SSL_CERT_FILE="+r.ca)
		words, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", words)
	}
}

func TestWhatCosignSignsIsTrusted(t *testing.T) {
	dir := t.TempDir()
	r := startRegistry(t, "")
	run := cosign(t, r, dir)
	run("generate-key-pair")
	for name, flags := range map[string][]string{
		"tagged": {"--new-bundle-format=false"}, "bundled": {"--new-bundle-format=true"},
	} {
		t.Run(name, func(t *testing.T) {
			manifest := r.push(t, name+":1", guestBytes)
			run(append(append([]string{"sign", "--yes", "--key", "cosign.key", "--tlog-upload=false", "--use-signing-config=false"}, flags...), r.host+"/"+name+"@"+manifest)...)
			b, err := once(t, storeOf(t, Config{Roots: r.roots, Keys: keysIn(t, filepath.Join(dir, "cosign.pub"))}), Request{Source: r.source(name + ":1"), Digest: Digest(guestBytes)})
			require.NoError(t, err)
			assert.NotEmpty(t, b.Signer)
			_, err = once(t, storeOf(t, Config{Roots: r.roots, Keys: keysOf(t, newSigner(t))}), Request{Source: r.source(name + ":1"), Digest: Digest(guestBytes)})
			assert.ErrorContains(t, err, "its signature is not one of a trusted key")
		})
	}
}
