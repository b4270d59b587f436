package egress

import (
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

// server is an HTTPS server whose certificate comes from a private authority.
func server(t *testing.T, handler http.HandlerFunc) (s *httptest.Server, ca string) {
	t.Helper()
	s = httptest.NewTLSServer(handler)
	t.Cleanup(s.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	require.NoError(t, os.WriteFile(ca, block, 0o600))
	return s, ca
}

// clientOf returns the way out of a guest that may reach the given origins.
func clientOf(t *testing.T, c Config, origins ...string) *Client {
	t.Helper()
	allowed := map[string]string{}
	for n, o := range origins {
		allowed[fmt.Sprint("o", n)] = o
	}
	return clientWith(t, c, Guest{Permissions: module.Permissions{HTTP: allowed}, Timeout: 10 * time.Second})
}

func clientWith(t *testing.T, c Config, g Guest) *Client {
	t.Helper()
	e, err := New(c)
	require.NoError(t, err)
	t.Cleanup(e.Close)
	client, err := e.Client(g)
	require.NoError(t, err)
	return client
}

// do sends a request and returns the status and the body.
func do(t *testing.T, c *Client, method, address, body string, header ...string) (status int, answer string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	for n := 0; n < len(header); n += 2 {
		r.Header[header[n]] = []string{header[n+1]}
	}
	response, err := c.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	read, err := io.ReadAll(response.Body)
	return response.StatusCode, string(read), err
}

func TestARequestReachesAnAllowedOriginUnderAPrivateAuthority(t *testing.T) {
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, r.Method, " ", r.URL.Path, " ", r.Header.Get("X-Name"), " ", string(body))
	})
	status, body, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "PUT", s.URL+"/a", "b", "x-name", "v")
	require.NoError(t, err)
	assert.Equal(t, 202, status)
	assert.Equal(t, "PUT /a v b", body)
	_, _, err = do(t, clientOf(t, Config{}, s.URL), "GET", s.URL, "")
	assert.ErrorContains(t, err, "certificate", "without that authority")
}

func TestAFileOfCertificatesThatIsNoneIsRefused(t *testing.T) {
	_, err := New(Config{CA: filepath.Join(t.TempDir(), "none")})
	require.ErrorIs(t, err, fs.ErrNotExist)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o600))
	_, err = New(Config{CA: file})
	assert.ErrorContains(t, err, "holds none in PEM")
}

func TestSchemeHostAndPortMustMatch(t *testing.T) {
	for _, c := range []struct {
		allowed, address string
		want             bool
	}{
		{"https://erp.contoso.com", "https://erp.contoso.com/a?b=c", true},
		{"https://erp.contoso.com", "https://erp.contoso.com:443/", true},
		{"https://erp.contoso.com:443", "HTTPS://ERP.contoso.com/", true},
		{"https://erp.contoso.com", "http://erp.contoso.com/", false},
		{"https://erp.contoso.com", "https://erp.contoso.com:8443/", false},
		{"https://erp.contoso.com", "https://erp.contoso.com.evil.net/", false},
		{"https://erp.contoso.com", "https://erp.contoso.com@evil.net/", false},
		{"https://erp.contoso.com", "https://contoso.com/", false},
		{"https://*.contoso.com", "https://a.contoso.com/", true},
		{"https://*.contoso.com", "https://a.b.contoso.com/", true},
		{"https://*.contoso.com", "https://contoso.com/", false},
		{"https://*.contoso.com", "https://.contoso.com/", false},
		{"https://*.contoso.com", "https://acontoso.com/", false},
		{"http://*.0.0.1", "http://127.0.0.1/", false},
		{"http://[::1]:80", "http://[::1]/", true},
		{"http://10.0.0.5", "http://10.0.0.5/", true},
		{"http://10.0.0.5", "ftp://10.0.0.5:80/", false},
	} {
		u, err := url.Parse(c.address)
		require.NoError(t, err)
		err = clientOf(t, Config{}, c.allowed).Check(u)
		assert.Equal(t, c.want, err == nil, "%s for %s", c.address, c.allowed)
		if err != nil {
			assert.ErrorIs(t, err, fs.ErrPermission)
		}
	}
}

func TestNothingIsAllowedWithoutPermission(t *testing.T) {
	_, _, err := do(t, clientOf(t, Config{}), "GET", "https://contoso.com/", "")
	assert.ErrorIs(t, err, ErrNotAllowed)
}

func TestAnOriginThatIsNoneIsRefused(t *testing.T) {
	e, err := New(Config{})
	require.NoError(t, err)
	for _, text := range []string{"", "contoso.com", "https://", "ftp://contoso.com", "https://contoso.com/a", "https://a@contoso.com", "https://contoso.com?a", "https://a b"} {
		_, err := e.Client(Guest{Permissions: module.Permissions{HTTP: map[string]string{"o": text}}})
		assert.ErrorContains(t, err, "permissions.http", text)
	}
}

func TestARedirectIsCheckedAsTheFirstAddressIs(t *testing.T) {
	hits := 0
	other, _ := server(t, func(http.ResponseWriter, *http.Request) { hits++ })
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, other.URL, http.StatusFound) })
	_, _, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "GET", s.URL, "")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Zero(t, hits)
	status, _, err := do(t, clientOf(t, Config{CA: ca}, s.URL, other.URL), "GET", s.URL, "")
	require.NoError(t, err)
	assert.Equal(t, 200, status)
	assert.Equal(t, 1, hits)
}

func TestRedirectsAreFollowedFiveTimes(t *testing.T) {
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		if left := strings.TrimPrefix(r.URL.Path, "/"); left != "" {
			http.Redirect(w, r, "/"+left[1:], http.StatusTemporaryRedirect)
		}
	})
	client := clientOf(t, Config{CA: ca}, s.URL)
	_, _, err := do(t, client, "POST", s.URL+"/xxxxx", "body")
	require.NoError(t, err)
	_, _, err = do(t, client, "POST", s.URL+"/xxxxxx", "body")
	assert.ErrorIs(t, err, errRedirects)
}

func TestAnEndlessBodyIsCutOff(t *testing.T) {
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	_, body, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "GET", s.URL, "")
	require.Error(t, err)
	assert.Len(t, body, maxResponse)
}

func TestASlowBodyEndsWithTheTimeout(t *testing.T) {
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("x"))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // to return would be to end the body well
	})
	client := clientWith(t, Config{CA: ca}, Guest{Permissions: module.Permissions{HTTP: map[string]string{"o": s.URL}}, Timeout: 200 * time.Millisecond})
	began := time.Now()
	_, body, err := do(t, client, "GET", s.URL, "")
	assert.ErrorContains(t, err, "Timeout")
	assert.Equal(t, "x", body)
	assert.Less(t, time.Since(began), 5*time.Second)
}

func TestARequestMayNotBeTooLarge(t *testing.T) {
	_, _, err := do(t, clientOf(t, Config{}, "https://contoso.com"), "POST", "https://contoso.com/", strings.Repeat("x", maxRequest+1))
	assert.ErrorContains(t, err, "at most 4194304 are taken")
}

func TestHugeHeadersAreRefused(t *testing.T) {
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X", strings.Repeat("x", 2*maxResponseHeaders))
	})
	_, _, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "GET", s.URL, "")
	assert.Error(t, err)
}

func TestHeadersOfTheConnectionAreNotTheGuests(t *testing.T) {
	var got http.Header
	s, ca := server(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	_, _, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "GET", s.URL, "", "proxy-authorization", "x", "connection", "upgrade", "upgrade", "h2c", "x-own", "y")
	require.NoError(t, err)
	assert.Equal(t, "y", got.Get("X-Own"))
	for _, name := range []string{"Proxy-Authorization", "Upgrade", "Accept-Encoding"} {
		assert.NotContains(t, got, name)
	}
}
