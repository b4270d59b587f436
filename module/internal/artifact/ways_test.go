package artifact

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxy is an HTTP proxy of the plant: it alone knows where names are.
type proxy struct {
	*httptest.Server
	hosts map[string]string // host:port as it is asked for → address

	mu    sync.Mutex // guards what follows
	asked []string
}

func startProxy(t *testing.T, hosts map[string]string) *proxy {
	p := &proxy{hosts: hosts}
	p.Server = httptest.NewServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, r.Method+" "+r.Host)
	p.mu.Unlock()
	there, err := net.Dial("tcp", p.hosts[r.Host])
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(here, "HTTP/1.1 200 Connection established\r\n\r\n")
	go func() { _, _ = io.Copy(there, here); _ = there.Close() }() // until either side ends
	_, _ = io.Copy(here, there)
	_ = here.Close()
}

func (p *proxy) through() func(*http.Request) (*url.URL, error) {
	u, err := url.Parse(p.URL)
	return func(*http.Request) (*url.URL, error) { return u, err }
}

// example.com is among the names of httptest's certificate. Where the tests run it is another's, and no server of theirs.
func TestADownloadGoesThroughTheProxyWhichResolvesTheNames(t *testing.T) {
	address, roots := serve(t, fileServer)
	p := startProxy(t, map[string]string{"example.com:443": strings.TrimPrefix(address, "https://")})
	s := storeOf(t, Config{Roots: roots, Proxy: p.through()})
	b, err := once(t, s, Request{Source: "https://example.com/guest.wasm", Digest: Digest(guestBytes)})
	require.NoError(t, err)
	assert.Equal(t, guestBytes, b.Bytes)
	assert.Equal(t, []string{"CONNECT example.com:443"}, p.asked, "by name: the device asks nobody where that is")

	_, err = once(t, s, Request{Source: "https://nowhere.example/guest.wasm", Digest: Digest(guestBytes)})
	assert.ErrorContains(t, err, "Bad Gateway")
	assert.False(t, Refused(err), "the proxy may know it later")
}

func TestARegistryIsReachedThroughTheProxy(t *testing.T) {
	r := startRegistry(t, "")
	r.push(t, "g:1", guestBytes)
	p := startProxy(t, map[string]string{"example.com:8443": r.host})
	b, err := once(t, storeOf(t, Config{Roots: r.roots, Proxy: p.through()}), Request{Source: "oci://example.com:8443/g:1", Digest: Digest(guestBytes)})
	require.NoError(t, err)
	assert.Equal(t, guestBytes, b.Bytes)
	p.mu.Lock()
	defer p.mu.Unlock()
	assert.Equal(t, []string{"CONNECT example.com:8443"}, slices.Compact(p.asked))
}

func TestTheProxyOfTheEnvironmentIsTaken(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://proxy.plant.example:3128")
	t.Setenv("NO_PROXY", "registry.plant.example")
	s, err := New(Config{})
	require.NoError(t, err)
	for host, want := range map[string]string{"contoso.azurecr.io": "proxy.plant.example:3128", "registry.plant.example": ""} {
		u, err := s.config.Proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: host}})
		require.NoError(t, err)
		got := ""
		if u != nil {
			got = u.Host
		}
		assert.Equal(t, want, got, host)
	}
}

func TestTheParentsRegistryIsTrustedByTheTrustBundleAlone(t *testing.T) {
	r := startRegistry(t, "")
	r.push(t, "guests/g:1", guestBytes)
	host, port, err := net.SplitHostPort(r.host)
	require.NoError(t, err)
	bundles := 0
	bundle := func(context.Context) (*x509.CertPool, error) { bundles++; return r.roots, nil }
	request := Request{Source: "oci://$upstream:" + port + "/guests/g:1", Digest: Digest(guestBytes)}

	b, err := once(t, storeOf(t, Config{Upstream: host, UpstreamRoots: bundle}), request)
	require.NoError(t, err)
	assert.Equal(t, guestBytes, b.Bytes)
	assert.Equal(t, 1, bundles, "it is fetched anew for each attempt")

	nobody := func(context.Context) (*x509.CertPool, error) { return x509.NewCertPool(), nil }
	_, err = once(t, storeOf(t, Config{Roots: r.roots, Upstream: host, UpstreamRoots: nobody}), request)
	assert.ErrorContains(t, err, "certificate", "authorities for other servers do not count for the parent")
	_, err = once(t, storeOf(t, Config{UpstreamRoots: bundle, Upstream: host}), Request{Source: r.source("guests/g:1"), Digest: Digest(guestBytes)})
	assert.ErrorContains(t, err, "certificate", "nor does the bundle for others")
	_, err = once(t, storeOf(t, Config{}), request)
	assert.ErrorContains(t, err, "this device has no parent")
	assert.True(t, Refused(err))
}

// tokenServer gives tokens to whoever knows the password, as registries in clouds have it (distribution's token
// specification; Azure's oauth2/token for identity tokens).
type tokenServer struct {
	server *httptest.Server
	key    *rsa.PrivateKey
	mu     sync.Mutex // guards what follows
	asked  []string   // scopes
}

func startTokenServer(t *testing.T) *tokenServer {
	s := &tokenServer{}
	s.server = httptest.NewTLSServer(s)
	t.Cleanup(s.server.Close)
	s.key, _ = s.server.TLS.Certificates[0].PrivateKey.(*rsa.PrivateKey)
	require.NotNil(t, s.key)
	return s
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	user, password, _ := r.BasicAuth()
	if (user != "user" || password != "word") && r.PostForm.Get("refresh_token") != "identity" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	scope := r.Form.Get("scope")
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+scope)
	s.mu.Unlock()
	token := s.token(scope)
	_ = json.NewEncoder(w).Encode(map[string]any{"token": token, "access_token": token, "expires_in": 300})
}

// token returns what the registry takes for a scope like "repository:g:pull": a JWT that names the key's certificate.
func (s *tokenServer) token(scope string) string {
	parts := strings.Split(scope, ":")
	access := []map[string]any{}
	if len(parts) == 3 {
		access = append(access, map[string]any{"type": parts[0], "name": parts[1], "actions": strings.Split(parts[2], ",")})
	}
	now := time.Now().Unix()
	header, _ := json.Marshal(map[string]any{"typ": "JWT", "alg": "RS256", "x5c": []string{base64.StdEncoding.EncodeToString(s.server.Certificate().Raw)}})
	claims, _ := json.Marshal(map[string]any{"iss": "tests", "sub": "user", "aud": "guests", "exp": now + 300, "nbf": now - 10, "iat": now, "jti": "1", "access": access})
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, _ := rsa.SignPKCS1v15(nil, s.key, crypto.SHA256, sum[:])
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestARegistryAsksForATokenOfAnotherServer(t *testing.T) {
	tokens, dir := startTokenServer(t), t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tokens.server.Certificate().Raw})))
	r := startRegistry(t, fmt.Sprintf("auth: {token: {realm: %q, service: guests, issuer: tests, rootcertbundle: %s/ca.pem}}\n", tokens.server.URL+"/token", dir))
	write("basic", "user:word")
	write("wrong", "user:geheim")
	write("identity", `{"auths":{"`+r.host+`":{"auth":"MDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAwOg==","identitytoken":"identity"}}}`)
	write("token", tokens.token("repository:g:pull"))
	s := storeOf(t, Config{Roots: r.roots, Credentials: dir})
	_, err := s.Push(t.Context(), Request{Source: r.source("g:1"), Credentials: "basic"}, guestBytes, nil)
	require.NoError(t, err)

	request := Request{Source: r.source("g:1"), Digest: Digest(guestBytes)}
	for name, want := range map[string]string{"basic": "GET repository:g:pull", "identity": "POST repository:g:pull", "token": ""} {
		tokens.asked = nil
		request.Credentials = name
		b, err := once(t, storeOf(t, Config{Roots: r.roots, Credentials: dir}), request)
		require.NoError(t, err, name)
		assert.Equal(t, guestBytes, b.Bytes)
		assert.Equal(t, want, strings.Join(slices.Compact(tokens.asked), ";"), "%s: for this repository, and to read it", name)
	}
	for _, name := range []string{"wrong", ""} {
		request.Credentials = name
		_, err := once(t, storeOf(t, Config{Roots: r.roots, Credentials: dir}), request)
		assert.ErrorContains(t, err, "401", name)
		assert.NotContains(t, err.Error(), "geheim")
		assert.False(t, Refused(err), "who gives the right to it need not change the twin")
	}
}
