package egress

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/wasm-on-edge/wasm-on-edge/module"
)

const key = "t0p-s3cret"

// withSecret returns the way out of a guest that may use the secret KEY.
func withSecret(t *testing.T, ca string, origins ...string) (c *Client, file string) {
	t.Helper()
	dir := t.TempDir()
	file = filepath.Join(dir, "erp-key")
	require.NoError(t, os.WriteFile(file, []byte(key+"\n"), 0o600))
	allowed := map[string]string{}
	for _, o := range origins {
		allowed[o] = o
	}
	return clientWith(t, Config{CA: ca, Secrets: dir}, Guest{Timeout: 10 * time.Second,
		Permissions: module.Permissions{HTTP: allowed, Secrets: map[string]string{"KEY": "erp-key", "UP": "../up", "NONE": "none"}}}), file
}

func TestASecretTakesThePlaceOfItsNameAndIsReadWithEachUse(t *testing.T) {
	var got []string
	s, ca := server(t, func(_ http.ResponseWriter, r *http.Request) { got = append(got, r.Header.Get("Authorization")) })
	c, file := withSecret(t, ca, s.URL)
	header := http.Header{"authorization": {"Bearer ${secret:KEY} ${KEY}"}}
	for _, secret := range []string{key, "renewed"} {
		require.NoError(t, os.WriteFile(file, []byte(secret+"\r\n"), 0o600))
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL, nil)
		require.NoError(t, err)
		r.Header = header
		response, err := c.Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	assert.Equal(t, []string{"Bearer " + key + " ${KEY}", "Bearer renewed ${KEY}"}, got)
	assert.Equal(t, http.Header{"authorization": {"Bearer ${secret:KEY} ${KEY}"}}, header, "the guest's stays as it is")
}

func TestASecretThatIsNotPermittedOrNotThereEndsTheRequest(t *testing.T) {
	s, ca := server(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	c, _ := withSecret(t, ca, s.URL)
	for name, reason := range map[string]string{"OTHER": "permissions.secrets does not name it", "UP": "no name of a file", "NONE": "no such file"} {
		_, _, err := do(t, c, "GET", s.URL, "", "X-Key", "${secret:"+name+"}")
		assert.ErrorContains(t, err, reason)
		assert.ErrorContains(t, err, name)
	}
	_, _, err := do(t, clientOf(t, Config{CA: ca}, s.URL), "GET", s.URL, "", "X-Key", "${secret:KEY}")
	assert.ErrorIs(t, err, errNoSecret)
}

func TestASecretDoesNotFollowARedirectToAnotherOrigin(t *testing.T) {
	var got http.Header
	other, _ := server(t, func(_ http.ResponseWriter, r *http.Request) { got = r.Header })
	s, ca := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/first" {
			http.Redirect(w, r, "/second", http.StatusFound)
			return
		}
		assert.Equal(t, key, r.Header.Get("X-Key"), "within the origin it does")
		http.Redirect(w, r, other.URL, http.StatusFound)
	})
	c, _ := withSecret(t, ca, s.URL, other.URL)
	_, _, err := do(t, c, "GET", s.URL+"/first?q=1", "", "X-Key", "${secret:KEY}", "X-Other", "kept")
	require.NoError(t, err)
	assert.Equal(t, "kept", got.Get("X-Other"))
	assert.NotContains(t, got, "X-Key")
	assert.NotContains(t, got, "Referer")
}

func TestNoErrorTellsASecret(t *testing.T) {
	s, ca := server(t, func(http.ResponseWriter, *http.Request) {})
	c, file := withSecret(t, ca, s.URL)
	for _, bad := range []string{key + "\x01", key + "\n" + key, strings.Repeat(key, maxSecret)} {
		require.NoError(t, os.WriteFile(file, []byte(bad), 0o600))
		_, _, err := do(t, c, "GET", s.URL, "", "X-Key", "${secret:KEY}")
		require.Error(t, err)
		assert.NotContains(t, err.Error(), key)
	}
}
