package artifact

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var guestBytes = bytes.Repeat([]byte("\x00asm guest "), 40_000)

// fileServer answers as a web server with a file, ranges and conditions included.
func fileServer(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"v1"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(guestBytes))
}

func TestADownloadIsKeptAndNeedsNoNetworkAgain(t *testing.T) {
	var asked atomic.Int32
	address, roots := serve(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); fileServer(w, r) })
	request := Request{Source: address + "/guest.wasm", Digest: Digest(guestBytes)}
	for name, dir := range map[string]string{"on the disk": t.TempDir(), "in memory": ""} {
		t.Run(name, func(t *testing.T) {
			asked.Store(0)
			s := storeOf(t, Config{Cache: dir, Roots: roots})
			_, err := s.Find(request)
			require.ErrorIs(t, err, ErrAbsent)
			var told []string
			b, err := s.Download(t.Context(), request, func(p Progress) { told = append(told, p.String()) })
			require.NoError(t, err)
			assert.Equal(t, guestBytes, b.Bytes)
			assert.Equal(t, "downloading", told[0])
			assert.Equal(t, "downloading 100 %", told[len(told)-1])
			assert.LessOrEqual(t, len(told), 12, "each tenth at most")
			if dir != "" {
				s = storeOf(t, Config{Cache: dir})
			}
			again, err := s.Find(request)
			require.NoError(t, err)
			assert.Equal(t, b, again)
			assert.EqualValues(t, 1, asked.Load())
		})
	}
}

func TestFaultsOfAServerAreNamed(t *testing.T) {
	truncated := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(guestBytes)))
		_, _ = w.Write(guestBytes[:1000])
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
		refused bool
	}{
		"a truncated body":     {truncated, "unexpected EOF", false},
		"another file":         {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("other")) }, "its digest is sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa, the twin asks for " + Digest(guestBytes), true},
		"500":                  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "the server answers 500 Internal Server Error", false},
		"404":                  {http.NotFound, "the server answers 404 Not Found", false},
		"a length beyond all":  {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999999") }, "it is larger than 16 MiB", true},
		"an endless body":      {endless, "it is larger than 16 MiB", true},
		"redirects in circles": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "it redirects more than 5 times", false},
		"a redirect to http":   {redirect("http://127.0.0.1/x?token=geheim"), "it leads to http://127.0.0.1, which is not https", true},
	} {
		t.Run(name, func(t *testing.T) {
			address, roots := serve(t, test.handler)
			s := storeOf(t, Config{Roots: roots})
			_, err := once(t, s, Request{Source: address + "/g", Digest: Digest(guestBytes)})
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, `fetch "`+address+`/g": `)
			assert.NotContains(t, err.Error(), "geheim")
			assert.Equal(t, test.refused, Refused(err))
			assert.Equal(t, test.refused, s.Stats().Refused == 1)
			assert.Equal(t, test.refused, s.Stats().Failures == 0)
		})
	}
}

func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusFound) }
}

func endless(w http.ResponseWriter, _ *http.Request) {
	chunk := make([]byte, 1<<20)
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func TestAPublicServerLeadsToNoPrivateAddress(t *testing.T) {
	s := storeOf(t, Config{})
	c, _, err := s.newClient(t.Context(), "guests.example")
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "[fd00::1]", "100.100.100.200", "localhost"} {
		_, err := c.Get("https://" + host + ":1/")
		assert.ErrorContains(t, err, "guests.example leads to the private address", host)
		assert.True(t, Refused(withoutURL(err)) || strings.HasPrefix(host, "localhost"), host)
	}
}

func TestAPrivateServerMayLeadToItsNeighbour(t *testing.T) {
	neighbour, roots := serve(t, fileServer)
	address, own := serve(t, redirect(neighbour+"/g"))
	u, _ := url.Parse(address)
	both := roots.Clone()
	require.NotNil(t, own)
	_, err := once(t, storeOf(t, Config{Roots: both}), Request{Source: "https://" + u.Host + "/g", Digest: Digest(guestBytes)})
	assert.NoError(t, err)
}

func TestAnInterruptedDownloadGoesOnWhereItEnded(t *testing.T) {
	var ranges []string
	address, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		if len(ranges) == 1 {
			w.Header().Set("ETag", `"v1"`)
			w.Header().Set("Content-Length", fmt.Sprint(len(guestBytes)))
			_, _ = w.Write(guestBytes[:100_000])
			return
		}
		fileServer(w, r)
	})
	s := storeOf(t, Config{Roots: roots})
	request := Request{Source: address + "/g", Digest: Digest(guestBytes)}
	p := partial{}
	_, err := s.attempt(t.Context(), request, &p, func(Progress) {})
	require.Error(t, err)
	b, err := s.attempt(t.Context(), request, &p, func(Progress) {})
	require.NoError(t, err)
	assert.Equal(t, guestBytes, b.Bytes)
	assert.Equal(t, []string{" ", `bytes=100000- "v1"`}, ranges)
	stats := s.Stats()
	assert.Positive(t, stats.Busy)
	stats.Busy = 0
	assert.Equal(t, Stats{Done: 1, Failures: 1, Bytes: int64(len(guestBytes))}, stats)
}

func TestAFileThatChangedMeanwhileIsFetchedWhole(t *testing.T) {
	var asked int
	address, roots := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if asked++; asked == 1 {
			w.Header().Set("ETag", `"v0"`)
			w.Header().Set("Content-Length", "500000")
			_, _ = w.Write(make([]byte, 100_000))
			return
		}
		fileServer(w, r)
	})
	s := storeOf(t, Config{Roots: roots})
	p := partial{}
	request := Request{Source: address + "/g", Digest: Digest(guestBytes)}
	_, err := s.attempt(t.Context(), request, &p, func(Progress) {})
	require.Error(t, err)
	_, err = s.attempt(t.Context(), request, &p, func(Progress) {})
	assert.NoError(t, err)
}

func TestWhatFailsIsTriedAgainLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := storeOf(t, Config{Upstream: "parent", UpstreamRoots: func(context.Context) (*x509.CertPool, error) { return nil, context.DeadlineExceeded }})
		ctx, cancel := context.WithCancel(t.Context())
		var waits []time.Duration
		_, err := s.Download(ctx, Request{Source: "https://$upstream:443/g", Digest: Digest(guestBytes)}, func(p Progress) {
			if waits = append(waits, p.Retry); len(waits) == 9 {
				cancel()
			}
		})
		require.ErrorContains(t, err, "get the authorities of the parent")
		for i, least := range []time.Duration{3, 7, 15, 30, 60, 120, 225, 225, 225} {
			assert.GreaterOrEqual(t, waits[i], least*time.Second)
			assert.LessOrEqual(t, waits[i], retryMax)
		}
		assert.Equal(t, Stats{Failures: 9}, s.Stats())
	})
}

func TestCredentialsComeFromTheDevice(t *testing.T) {
	var got string
	address, roots := serve(t, func(w http.ResponseWriter, r *http.Request) { got = r.Header.Get("Authorization"); fileServer(w, r) })
	u, _ := url.Parse(address)
	dir := t.TempDir()
	for name, content := range map[string]string{
		"basic": "user:pass:word\n", "token": "abc\n",
		"docker": `{"auths":{"` + u.Host + `":{"auth":"dXNlcjpwYXNzOndvcmQ="}}}`, "other": `{"auths":{"elsewhere":{"auth":"dXNlcjpwYXNz"}}}`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	getenv := func(name string) string {
		return map[string]string{"WASM_ON_EDGE_CREDENTIALS_MY_SITE": "fromenv", "EdgeHubConnectionString": "secret"}[name]
	}
	for name, want := range map[string]string{"basic": "Basic dXNlcjpwYXNzOndvcmQ=", "docker": "Basic dXNlcjpwYXNzOndvcmQ=", "token": "Bearer abc", "my-site": "Bearer fromenv", "": ""} {
		_, err := once(t, storeOf(t, Config{Roots: roots, Credentials: dir, Getenv: getenv}), Request{Source: address + "/g", Digest: Digest(guestBytes), Credentials: name})
		require.NoError(t, err, name)
		assert.Equal(t, want, got, name)
	}
	for name, want := range map[string]string{"other": "it holds nothing for " + u.Host, "EdgeHubConnectionString": "neither a file of that name", "../basic": "credentials \"../basic\""} {
		_, err := once(t, storeOf(t, Config{Roots: roots, Credentials: dir, Getenv: getenv}), Request{Source: address + "/g", Digest: Digest(guestBytes), Credentials: name})
		assert.ErrorContains(t, err, want)
	}
}
