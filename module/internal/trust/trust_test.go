package trust

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The files of testdata were written by cosign 3.1.3 (sign-blob with a key, as base64 and as a bundle) and by openssl.
func data(t testing.TB, name string) []byte {
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return content
}

func keys(t *testing.T, names ...string) Keys {
	var text []byte
	for _, name := range names {
		text = append(text, data(t, name)...)
	}
	k, err := ParseKeys(text)
	require.NoError(t, err)
	return k
}

func TestFilesOfCosignAndOpensslVouch(t *testing.T) {
	both := keys(t, "cosign.pub", "openssl.pub")
	for file, key := range map[string]string{"guest.wasm.sig": "cosign.pub", "guest.bundle": "cosign.pub", "openssl.sig": "openssl.pub"} {
		proof, err := ParseFile(data(t, file))
		require.NoError(t, err, file)
		fingerprint, err := both.Check(data(t, "guest.wasm"), []Proof{proof})
		require.NoError(t, err, file)
		assert.Equal(t, keys(t, key)[0].Fingerprint, fingerprint)

		_, err = both.Check([]byte("tampered"), []Proof{proof})
		assert.EqualError(t, err, "its signature is not one of a trusted key, or is of another binary", file)
		_, err = both.Only(nil).Check(data(t, "guest.wasm"), []Proof{proof})
		assert.Error(t, err, file)
		_, err = Keys(nil).Check(data(t, "guest.wasm"), []Proof{proof})
		assert.Error(t, err, file)
	}
	_, err := both.Check(data(t, "guest.wasm"), nil)
	assert.ErrorIs(t, err, ErrUnsigned)
}

// vouch signs with a new Ed25519 key, which signs what it is given and no hash of it.
func vouch(t *testing.T, p Proof, binary []byte) (Keys, Proof) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	k, err := ParseKeys(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	require.NoError(t, err)
	p.Signature = ed25519.Sign(private, p.message(binary))
	return k, p
}

func TestASignatureLeadsToTheBinaryOrCountsForNothing(t *testing.T) {
	binary := []byte("binary")
	manifest := fmt.Appendf(nil, `{"layers":[{"digest":%q}]}`, digest(binary))
	other := []byte(`{"layers":[]}`)
	simple := func(digest string) []byte {
		return fmt.Appendf(nil, `{"critical":{"image":{"Docker-manifest-digest":%q}}}`, digest)
	}
	statement := func(predicate, digest string) []byte {
		return fmt.Appendf(nil, `{"predicateType":%q,"subject":[{"digest":{"sha256":%q}}]}`, predicate, strings.TrimPrefix(digest, "sha256:"))
	}
	const intoto = "application/vnd.in-toto+json"
	for name, test := range map[string]struct {
		proof Proof
		want  string
	}{
		"simple signing":         {Proof{Format: SimpleSigning, Payload: simple(digest(manifest)), Manifest: manifest}, ""},
		"an envelope":            {Proof{Format: Envelope, PayloadType: intoto, Payload: statement(signPredicate, digest(manifest)), Manifest: manifest}, ""},
		"of the binary itself":   {Proof{Format: SimpleSigning, Payload: simple(digest(binary))}, ""},
		"of another manifest":    {Proof{Format: SimpleSigning, Payload: simple(digest(other)), Manifest: manifest}, "its signature is of something else than " + digest(manifest)},
		"of one without it":      {Proof{Format: SimpleSigning, Payload: simple(digest(other)), Manifest: other}, "the signed manifest does not hold the binary " + digest(binary)},
		"of no manifest":         {Proof{Format: SimpleSigning, Payload: simple("x"), Manifest: []byte("x")}, "the signed manifest does not hold the binary"},
		"of nothing":             {Proof{Format: SimpleSigning, Payload: []byte("{}"), Manifest: manifest}, "its signature is of something else"},
		"of no JSON":             {Proof{Format: SimpleSigning, Payload: []byte("x"), Manifest: manifest}, "read signed payload"},
		"a claim, no signature":  {Proof{Format: Envelope, PayloadType: intoto, Payload: statement("https://slsa.dev/provenance/v1", digest(manifest)), Manifest: manifest}, `the signed statement is a "https://slsa.dev/provenance/v1"`},
		"of an unknown type":     {Proof{Format: Envelope, PayloadType: "text/plain", Payload: statement(signPredicate, digest(manifest)), Manifest: manifest}, `its type "text/plain" is not known`},
		"of an unknown format":   {Proof{Format: "?", Payload: statement(signPredicate, digest(manifest)), Manifest: manifest}, `its type "" is not known`},
		"an envelope of nothing": {Proof{Format: Envelope, PayloadType: intoto, Payload: []byte("[]"), Manifest: manifest}, "read signed payload"},
	} {
		t.Run(name, func(t *testing.T) {
			k, proof := vouch(t, test.proof, binary)
			_, err := k.Check(binary, []Proof{proof})
			if test.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, test.want)
			}
			proof.Payload = append(proof.Payload, ' ')
			_, err = k.Check(binary, []Proof{proof})
			assert.EqualError(t, err, "its signature is not one of a trusted key")
		})
	}
}

func TestKeysThatCannotBeReadAreNamed(t *testing.T) {
	for text, want := range map[string]string{
		"": "there is no public key in PEM",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----":                               `read key 1: it is a "PRIVATE KEY", not a PUBLIC KEY`,
		string(data(t, "cosign.pub")) + "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----": "read key 2: ",
	} {
		_, err := ParseKeys([]byte(text))
		assert.ErrorContains(t, err, want)
	}
	_, err := ParseKeys([]byte(strings.Repeat(string(data(t, "cosign.pub")), maxKeys+1)))
	assert.ErrorContains(t, err, "more than 32")
}

func FuzzParseFile(f *testing.F) {
	for _, name := range []string{"guest.wasm.sig", "guest.bundle", "openssl.sig"} {
		f.Add(data(f, name))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		proof, err := ParseFile(content)
		if err != nil {
			return
		}
		_, err = Keys(nil).Check(content, []Proof{proof})
		assert.Error(t, err, "nobody is trusted")
	})
}
