package artifact

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module/internal/trust"
)

func storeOf(t *testing.T, c Config) *Store {
	t.Helper()
	if c.Proxy == nil {
		c.Proxy = func(*http.Request) (*url.URL, error) { return nil, nil }
	}
	s, err := New(c)
	require.NoError(t, err)
	return s
}

// signer is somebody with a key.
type signer struct{ key *ecdsa.PrivateKey }

func newSigner(t *testing.T) signer {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return signer{key}
}

func (s signer) sign(t *testing.T, message []byte) string {
	sum := sha256.Sum256(message)
	signature, err := ecdsa.SignASN1(rand.Reader, s.key, sum[:])
	require.NoError(t, err)
	return base64.StdEncoding.EncodeToString(signature)
}

func (s signer) pem(t *testing.T) []byte {
	der, err := x509.MarshalPKIXPublicKey(&s.key.PublicKey)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// keysOf returns the public keys of signers.
func keysOf(t *testing.T, signers ...signer) trust.Keys {
	var text []byte
	for _, s := range signers {
		text = append(text, s.pem(t)...)
	}
	keys, err := trust.ParseKeys(text)
	require.NoError(t, err)
	return keys
}

// once downloads with one attempt: its error is that of the first failure.
func once(t *testing.T, s *Store, r Request) (Binary, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var failed error
	b, err := s.Download(ctx, r, func(p Progress) {
		if p.Err != nil {
			failed = p.Err
			cancel()
		}
	})
	if failed != nil {
		return b, failed
	}
	return b, err
}

// serve starts a web server, and returns its address and who vouches for it.
func serve(t *testing.T, h http.HandlerFunc) (address string, roots *x509.CertPool) {
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	roots = x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return server.URL, roots
}

// registry is Debian's docker-registry, with TLS.
type registry struct {
	host  string
	roots *x509.CertPool
	ca    string // file
}

// startRegistry starts a registry; with a user and password it asks for them.
func startRegistry(t *testing.T, extra string) registry {
	t.Helper()
	program, err := exec.LookPath("docker-registry")
	if err != nil {
		t.Skip("docker-registry is not installed")
	}
	dir := t.TempDir()
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS()
	certificate := server.TLS.Certificates[0]
	r := registry{roots: x509.NewCertPool(), ca: filepath.Join(dir, "cert.pem")}
	r.roots.AddCert(server.Certificate())
	server.Close()
	key, err := x509.MarshalPKCS8PrivateKey(certificate.PrivateKey)
	require.NoError(t, err)
	write := func(name, kind string, der []byte) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	}
	write("cert.pem", "CERTIFICATE", certificate.Certificate[0])
	write("key.pem", "PRIVATE KEY", key)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r.host = listener.Addr().String()
	require.NoError(t, listener.Close())
	config := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s/data}}\nhttp: {addr: %q, tls: {certificate: %s/cert.pem, key: %s/key.pem}}\n%s", dir, r.host, dir, dir, extra)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.yml"), []byte(config), 0o600))
	r.run(t, program, filepath.Join(dir, "config.yml"))
	return r
}

func (r registry) run(t *testing.T, program, config string) {
	var words bytes.Buffer
	cmd := exec.Command(program, "serve", config)
	cmd.Env = []string{"OTEL_TRACES_EXPORTER=none"}
	cmd.Stdout, cmd.Stderr = &words, &words
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		assert.Error(t, <-ended, "it was killed")
	})
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", r.host)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, 10*time.Second, 20*time.Millisecond, "the registry listens")
}
